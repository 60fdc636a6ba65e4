namespace Sluice;

internal sealed class AsyncEnumerableSource<T>(IAsyncEnumerable<T> items, StageOptions options) : LeafSource<T>(options)
{
    private protected override string Kind => "source";

    private protected override Source<T> With(StageOptions annotated) => new AsyncEnumerableSource<T>(items, annotated);

    private protected override SourcePump<T> Pump(StageContext context, Inlet<T> next) => new AsyncEnumerablePump<T>(context, next, items);
}

internal sealed class AsyncEnumerablePump<T>(StageContext context, Inlet<T> next, IAsyncEnumerable<T> items) : SourcePump<T>(context, next)
{
    private Task? leaving;

    protected override async ValueTask ProduceAsync()
    {
        IAsyncEnumerator<T> enumerator = Open();
        try
        {
            while (!IsStopped)
            {
                ValueTask<bool> moving = MoveNext(enumerator);
                if (!moving.IsCompleted)
                {
                    // An enumerator may take its time to honour its token: what is behind it goes on when no more is wanted.
                    Task<bool> move = moving.AsTask();
                    if (!await ArrivesAsync(move))
                    {
                        leaving = DisposeAfterAsync(move, enumerator);
                        return;
                    }
                    moving = new ValueTask<bool>(move);
                }
                if (!await EndedAsync(moving)) return;
                ValueTask pushed = EmitAsync(enumerator.Current);
                if (pushed.IsCompletedSuccessfully) continue;
                Flush();
                await pushed;
            }
        }
        finally
        {
            if (leaving is null) await enumerator.DisposeAsync();
        }
    }

    /// <summary>Nothing is left running that honours its token; what does not within the grace is left behind, and named.</summary>
    protected override async ValueTask LeaveAsync()
    {
        if (leaving is null) return;
        await leaving.WaitAsync(Run.Options.StopGrace, Run.Time)
            .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        if (leaving.IsCompleted) await leaving;
        else Run.Abandon(leaving, Node);
    }

    private static async Task DisposeAfterAsync(Task<bool> move, IAsyncEnumerator<T> enumerator)
    {
        await ((Task)move).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        await enumerator.DisposeAsync();
    }

    private IAsyncEnumerator<T> Open()
    {
        try
        {
            return items.GetAsyncEnumerator(StopToken);
        }
        catch (Exception e)
        {
            throw Failure(e);
        }
    }

    private static ValueTask<bool> MoveNext(IAsyncEnumerator<T> enumerator)
    {
        try
        {
            return enumerator.MoveNextAsync();
        }
        catch (Exception e)
        {
            return ValueTask.FromException<bool>(e);
        }
    }

    /// <returns>Whether there is an item. A source that was told to stop and answers with a cancellation has ended.</returns>
    private async ValueTask<bool> EndedAsync(ValueTask<bool> moving)
    {
        try
        {
            return await moving;
        }
        catch (OperationCanceledException) when (IsStopped)
        {
            return false;
        }
        catch (Exception e)
        {
            throw Failure(e);
        }
    }
}
