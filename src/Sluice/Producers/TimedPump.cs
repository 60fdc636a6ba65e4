namespace Sluice;

/// <summary>A source that makes an item at certain times, on the run's clock. Times that pass while the pipeline has no room are skipped.</summary>
internal abstract class TimedPump<T>(StageContext context, Inlet<T> next) : SourcePump<T>(context, next)
{
    // Clocks are set, and computers sleep: whoever waits for a time of day looks at it again now and then.
    private static readonly TimeSpan MaxSleep = TimeSpan.FromMinutes(1);

    protected TimeProvider Time => Run.Time;

    /// <summary>Called once before every item: decides when it is due.</summary>
    /// <returns>Whether there is another.</returns>
    protected abstract bool MoveNext();

    /// <summary>How long it is until then; zero or less when it is due.</summary>
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
                ValueTask<T> making = MakeAsync(StopToken);
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
            ValueTask pushed = EmitAsync(item);
            if (pushed.IsCompletedSuccessfully) continue;
            Flush();
            await pushed;
        }
    }
}
