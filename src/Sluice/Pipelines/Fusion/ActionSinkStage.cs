namespace Sluice.Pipelines;

/// <summary>Calls the function with each item, which ends there.</summary>
/// <remarks>
/// It takes spans out of a ring, with no call per item but the user's. In a consecutor without a store, a span is followed as one count:
/// an item costs 17.1 to 17.8 ns there, and 15.3 to 16.1 ns in a plain run (ADR 0015). It also takes the function of a map before it
/// (<see cref="MapSteps"/>), and the sequence of a one-to-many stage. What the spans save is in the figure of <see cref="SelectStage{T, TOut}"/>; behind one boundary
/// alone, runs differ by more than that.
/// </remarks>
internal sealed class ActionSinkStage<T> : Stage<T, Unit>, ITakesMap<T>, ITakesFollowed<T>, ITakesSequence<T>
{
    private MapSteps? steps;                         // set if the function joins several nodes

    public ActionSinkStage(StageContext context, Inlet<Unit> next, Action<T> function, MapSteps? steps = null) : base(context, next)
    {
        Function = function;
        context.IsOneToOne = true;
        Fuse(steps);
    }

    public Action<T> Function { get; }

    public override ValueTask PushAsync(T item, Ticket? ticket)
    {
        Context.In++;
        try
        {
            Function(item);
        }
        catch (Exception e)
        {
            throw Failure(e, item, ticket);
        }
        ticket?.Settle(Outcome.Completed);
        return default;
    }

    /// <inheritdoc/>
    public bool Take(IEnumerator<T> items, int most, Ticket? ticket, ref bool stopped, ref long count, ref bool inSequence)
    {
        PipelineRun run = Context.Run;
        Action<T> function = Function;
        T item = default!;
        try
        {
            for (; most > 0 && !Volatile.Read(ref stopped); most--)
            {
                if (run.IsStopping) throw new RunStoppedException();
                inSequence = true;
                if (!items.MoveNext()) return true;
                item = items.Current;
                inSequence = false;
                ticket?.Add(1);
                count++;
                Context.In++;
                function(item);
                ticket?.Settle(Outcome.Completed);
            }
            return most > 0;
        }
        catch (Exception e) when (!inSequence && e is not RunStoppedException)
        {
            throw Failure(e, item, ticket);
        }
    }

    public bool IsOneNode => steps is null;

    public Inlet<TBefore>? TryPrepend<TBefore>(int node, Func<TBefore, T> map)
    {
        if (!HasOneInput) return null;
        MapSteps all = steps ?? new MapSteps(Context);
        return new ActionSinkStage<TBefore>(Context, Next, all.Prepend(node, map, Function), all);
    }

    /// <summary>Straight out of a ring, without a call per item but the user's.</summary>
    public override ValueTask PullAsync(Ring<T> ring, PipelineRun run, int count, ref int taken)
    {
        if (!Fusions.Spans) return base.PullAsync(ring, run, count, ref taken);
        while (taken < count)
        {
            Span<T> items = ring.Peek(count - taken, out ItemRefs followed);
            int before = taken;
            try
            {
                _ = PushAsync(items, followed, ref taken);
            }
            finally
            {
                ring.Skip(items, followed, taken - before);
            }
        }
        return default;
    }

    bool ITakesFollowed<T>.TakesFollowed => true;

    public ValueTask PushAsync(ReadOnlySpan<T> items, in ItemRefs followed, ref int taken)
    {
        Action<T> function = Function;
        PipelineRun run = Context.Run;
        int entered = 0, done = 0;
        T item = default!;
        try
        {
            for (; done < items.Length; done++)
            {
                if (run.IsStopping) throw new RunStoppedException();
                item = items[done];
                entered++;
                function(item);
            }
        }
        catch (Exception e) when (e is not RunStoppedException)
        {
            throw Failure(e, item, followed.TicketOf(done));
        }
        finally
        {
            Context.In += entered;
            taken += entered;
            if (!followed.IsEmpty) followed.Complete(done);
        }
        return default;
    }

    public Exception Failure(Exception cause, T item, Ticket? ticket)
        => steps is null ? Context.Failure(cause, item, ticket) : steps.Failure(cause, item, ticket);

    private void Fuse(MapSteps? steps)
    {
        this.steps = steps;
        if (steps is not null) Node = steps.Node;
    }
}
