namespace Sluice.Pipelines;

/// <summary>Folds items into a state, alone or as a part in a lane. A part puts out its state, and counts no output.</summary>
/// <remarks>
/// It takes the function of a map before it (<see cref="MapSteps"/>), and the sequence of a one-to-many stage, without a call per item but
/// the user's.
/// </remarks>
internal sealed class AccumulateStage<T, TState> : Stage<T, TState>, ITakesMap<T>, ITakesSequence<T>
{
    private readonly Func<TState> seed;
    private readonly Func<TState, T, TState> function;
    private readonly bool isPart;
    private readonly MapSteps? steps;                // set if the function joins several nodes
    private TState state = default!;
    private bool hasState;

    public AccumulateStage(StageContext context, Inlet<TState> next, Func<TState> seed, Func<TState, T, TState> function, bool isPart,
        MapSteps? steps = null) : base(context, next)
    {
        (this.seed, this.function, this.isPart, this.steps) = (seed, function, isPart, steps);
        if (steps is not null) Node = steps.Node;
    }

    public override ValueTask PushAsync(T item, Ticket? ticket)
    {
        Begin();
        Context.In++;
        try
        {
            state = function(state, item);
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
        Func<TState, T, TState> fold = function;
        TState folded = state;
        bool begun = hasState;
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
                if (!begun)
                {
                    Begin();
                    (folded, begun) = (state, true);
                }
                ticket?.Add(1);
                count++;
                Context.In++;
                folded = fold(folded, item);
                ticket?.Settle(Outcome.Completed);
            }
            return most > 0;
        }
        catch (Exception e) when (begun && !inSequence && e is not RunStoppedException)
        {
            throw Failure(e, item, ticket);
        }
        finally
        {
            state = folded;
        }
    }

    public Inlet<TBefore>? TryPrepend<TBefore>(int node, Func<TBefore, T> map)
    {
        if (!HasOneInput) return null;
        MapSteps all = steps ?? new MapSteps(Context, endsItems: true);
        return new AccumulateStage<TBefore, TState>(Context, Next, seed, all.PrependToFold(node, map, function), isPart, all);
    }

    protected override async ValueTask OnCompleteAsync()
    {
        if (!isPart)
        {
            Begin();
            Context.Out++;
        }
        if (hasState) await Next.PushAsync(state, null);
        await Next.CompleteAsync();
    }

    private void Begin()
    {
        if (hasState) return;
        try
        {
            state = seed();
        }
        catch (Exception e)
        {
            throw steps is null ? Context.Failure(e) : steps.FailureOfLast(e);
        }
        hasState = true;
    }

    private Exception Failure(Exception cause, T item, Ticket? ticket)
        => steps is null ? Context.Failure(cause, item, ticket) : steps.Failure(cause, item, ticket);
}
