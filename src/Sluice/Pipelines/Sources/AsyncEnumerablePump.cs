namespace Sluice.Pipelines;

internal sealed class AsyncEnumerablePump<T>(StageContext context, Inlet<T> next, IAsyncEnumerable<T> items) : SourcePump<T>(context, next)
{
    private bool left;

    protected override async ValueTask ProduceAsync()
    {
        if (!TryOutside(Open, out IAsyncEnumerator<T>? enumerator))
        {
            if (enumerator is not null) await DisposeLateAsync(enumerator);
            return;
        }
        try
        {
            while (true)
            {
                MayGoOutside();
                if (!GoOutside()) break;
                ValueTask<bool> moving = MoveNext(enumerator!);
                if (!ComeBack())
                {
                    left = true;
                    await DisposeAfterAsync(moving.AsTask(), enumerator!);
                    return;
                }
                if (!moving.IsCompleted)
                {
                    // An enumerator may take its time to honour its token: what is behind it goes on when no more is wanted.
                    Task<bool> move = moving.AsTask();
                    if (!await ArrivesAsync(move))
                    {
                        left = true;
                        LeaveBehind(DisposeAfterAsync(move, enumerator!));
                        return;
                    }
                    moving = new ValueTask<bool>(move);
                }
                if (await MovedAsync(moving) is not true) return;
                await Flushed(EmitAsync(CurrentOf(enumerator!)));
            }
        }
        finally
        {
            if (!left) await DisposeAsync(enumerator!);
        }
    }

    private IAsyncEnumerator<T> Open()
    {
        try
        {
            return items.GetAsyncEnumerator(StopToken);
        }
        catch (Exception e) when (!AnswersStop(e))
        {
            throw Failure(e);
        }
    }

    private T CurrentOf(IAsyncEnumerator<T> enumerator)
    {
        try
        {
            return enumerator.Current;
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
}
