namespace Sluice.Producers;

/// <summary>
/// The pump of a source that makes an item at certain times, by the run's clock. Times that pass while the pipeline has no room are
/// skipped.
/// </summary>
internal abstract class TimedPump<T>(StageContext context, Inlet<T> next) : SourcePump<T>(context, next)
{
    // Clocks are set, and computers sleep: a wait for a time of day checks the clock now and then.
    private static readonly TimeSpan MaxSleep = TimeSpan.FromMinutes(1);

    protected TimeProvider Time => Run.Time;

    /// <summary>Decides when the next item is due. Called once before every item.</summary>
    /// <returns>Whether there is another item.</returns>
    protected abstract bool MoveNext();

    /// <summary>The time until the item is due; zero or less if it is due now.</summary>
    protected abstract TimeSpan UntilDue { get; }

    protected abstract ValueTask<T> MakeAsync(CancellationToken cancellation);

    protected TimeSpan Jittered(TimeSpan jitter) => jitter == TimeSpan.Zero ? jitter : Run.Random.NextDouble() * jitter;

    protected sealed override async ValueTask ProduceAsync()
    {
        while (!IsStopped && MoveNext())
        {
            while (!IsStopped && UntilDue is { Ticks: > 0 } wait) await SleepAsync(wait < MaxSleep ? wait : MaxSleep);
            if (IsStopped) return;
            T item;
            try
            {
                MayGoOutside();
                if (!GoOutside()) return;
                ValueTask<T> making = Make();
                if (!ComeBack())
                {
                    await making;
                    return;
                }
                if (!making.IsCompleted)
                {
                    Task<T> made = making.AsTask();
                    if (!await ArrivesAsync(made))
                    {
                        LeaveBehind(made);
                        return;
                    }
                    making = new ValueTask<T>(made);
                }
                item = await making;
            }
            catch (OperationCanceledException) when (IsStopped)
            {
                return;
            }
            catch (Exception e)
            {
                throw Failure(e);
            }
            await Flushed(EmitAsync(item));
        }
    }

    private ValueTask<T> Make()
    {
        try
        {
            return MakeAsync(StopToken);
        }
        catch (Exception e)
        {
            return ValueTask.FromException<T>(e);
        }
    }
}
