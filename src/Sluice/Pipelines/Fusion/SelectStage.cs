namespace Sluice.Pipelines;

/// <summary>Calls the function with each item and pushes the result.</summary>
/// <remarks>
/// Between two boundaries, or a boundary and a sink, it reads and writes spans of the rings, without a virtual call per item: ten maps
/// behind ten boundaries take 0.24 of the time of ten Channels, and half of the time that they take with a call per item
/// (docs/reports/performance.md, what each fusion saves). In lanes it writes into the chunk of the
/// output. It also becomes one stage with a neighbor (<see cref="SelectRun{T}"/>, <see cref="MapSteps"/>,
/// <see cref="RouteRun{T, TOut}"/>).
/// </remarks>
internal sealed class SelectStage<T, TOut> : Stage<T, TOut>, IRoutedMap<T>, ITakesMap<T>, ITakesStretch<T>, ITakesFollowed<T>
{
    private Boundary<TOut>? outlet;
    private ActionSinkStage<TOut>? sink;
    private ICollector<TOut>? collector;
    private MapSteps? steps;                         // set if the function joins several nodes

    public SelectStage(StageContext context, Inlet<TOut> next, Func<T, TOut> function, MapSteps? steps = null) : base(context, next)
    {
        Function = function;
        context.IsOneToOne = true;
        Fuse(next, steps);
    }

    public Func<T, TOut> Function { get; }

    public override bool HandsOn => Next.HandsOn;

    public override ValueTask PushAsync(T item, Ticket? ticket)
    {
        Context.In++;
        TOut result;
        try
        {
            result = Function(item);
        }
        catch (Exception e)
        {
            throw Failure(e, item, ticket);
        }
        return Next.PushAsync(result, ticket);
    }

    public bool IsOneNode => steps is null;

    public Inlet<TBefore>? TryPrepend<TBefore>(int node, Func<TBefore, T> map)
    {
        if (!HasOneInput) return null;
        MapSteps all = steps ?? new MapSteps(Context);
        return new SelectStage<TBefore, TOut>(Context, Next, all.Prepend(node, map, Function), all);
    }

    FanOut<T>? IRoutedMap<T>.TryFuse(StageContext context, Inlet<T>[] branches, BranchChoice<T> choice)
        => Array.TrueForAll(branches, branch => branch is SelectStage<T, TOut> { outlet: null, steps: null } map
        && ReferenceEquals(map.Next, Next))
            ? new RouteRun<T, TOut>(context, Array.ConvertAll(branches, branch => (SelectStage<T, TOut>)branch), choice)
            : null;

    bool ITakesFollowed<T>.TakesFollowed => outlet is not null || sink is not null;

    /// <summary>Between two boundaries, or a boundary and a sink: a stretch at a time, without a virtual call.</summary>
    public override ValueTask PullAsync(Ring<T> ring, PipelineRun run, int count, ref int taken)
    {
        if (!Fusions.Spans || (outlet is null && sink is null)) return base.PullAsync(ring, run, count, ref taken);
        while (taken < count)
        {
            Span<T> items = ring.Peek(count - taken, out ItemRefs followed);
            int before = taken;
            ValueTask pushed;
            try
            {
                pushed = PushAsync(items, followed, ref taken);
            }
            finally
            {
                ring.Skip(items, followed, taken - before);
            }
            if (!pushed.IsCompletedSuccessfully) return pushed;
        }
        return default;
    }

    public ValueTask PushAsync(ReadOnlySpan<T> items, in ItemRefs followed, ref int taken)
    {
        if (outlet is null) return ConsumeAsync(items, followed, ref taken);
        Span<TOut> output = outlet.Free(items.Length);
        if (output.IsEmpty)
        {
            taken++;
            return PushAsync(items[0], followed.TicketOf(0));
        }
        Transform(items, followed, output, ref taken);
        return default;
    }

    private void Transform(ReadOnlySpan<T> items, in ItemRefs followed, Span<TOut> output, ref int taken)
    {
        Func<T, TOut> function = Function;
        PipelineRun run = Context.Run;
        int entered = 0, left = 0;
        T item = default!;
        if (!followed.IsEmpty) outlet!.Follow(followed, output.Length);
        try
        {
            for (; left < output.Length; left++)
            {
                if (run.IsStopping) throw new RunStoppedException();
                item = items[left];
                entered++;
                output[left] = function(item);
                outlet!.Show(left + 1);
            }
        }
        catch (Exception e) when (e is not RunStoppedException)
        {
            throw Failure(e, item, followed.TicketOf(left));
        }
        finally
        {
            Context.In += entered;
            taken += entered;
            if (!followed.IsEmpty) outlet!.Unfollow(left, output.Length - left);
            outlet!.Added(left);
        }
    }

    private ValueTask ConsumeAsync(ReadOnlySpan<T> items, in ItemRefs followed, ref int taken)
    {
        Func<T, TOut> function = Function;
        Action<TOut> last = sink!.Function;
        PipelineRun run = Context.Run;
        int entered = 0, left = 0, done = 0;
        TOut result = default!;
        try
        {
            for (; done < items.Length; done++)
            {
                if (run.IsStopping) throw new RunStoppedException();
                entered++;
                result = function(items[done]);
                left++;
                last(result);
            }
        }
        catch (Exception e) when (e is not RunStoppedException)
        {
            throw left == entered ? sink.Failure(e, result, followed.TicketOf(done)) : Failure(e, items[done], followed.TicketOf(done));
        }
        finally
        {
            Context.In += entered;
            sink.Context.In += left;
            taken += entered;
            if (!followed.IsEmpty) followed.Complete(done);
        }
        return default;
    }

    bool ITakesStretch<T>.TakesStretches => collector is { Collects: true };

    ValueTask ITakesStretch<T>.PushAsync(ReadOnlySpan<T> items, Ticket? ticket, ref int taken)
    {
        Span<TOut> output = collector!.Reserve(items.Length);
        Func<T, TOut> function = Function;
        PipelineRun run = Context.Run;
        int left = 0;
        try
        {
            for (; left < output.Length; left++)
            {
                if (run.IsStopping) throw new RunStoppedException();
                output[left] = function(items[left]);
            }
            taken = left;
        }
        catch (Exception e) when (e is not RunStoppedException)
        {
            taken = left + 1;
            throw Failure(e, items[left], ticket);
        }
        finally
        {
            Context.In += taken;
            collector.Added(left, ticket);
        }
        return collector.RoomAsync();
    }

    private void Fuse(Inlet<TOut> next, MapSteps? steps)
    {
        outlet = next as Boundary<TOut>;
        sink = next as ActionSinkStage<TOut>;
        collector = next as ICollector<TOut>;
        this.steps = steps;
        if (steps is not null) Node = steps.Node;
    }

    private Exception Failure(Exception cause, T item, Ticket? ticket)
        => steps is null ? Context.Failure(cause, item, ticket) : steps.Failure(cause, item, ticket);
}
