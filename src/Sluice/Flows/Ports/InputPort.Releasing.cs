namespace Sluice.Flows;

// The end of a read: its reader no longer counts, and the store is told. And results that wait to be read.
internal sealed partial class InputPort
{
    public async ValueTask ReleaseAsync(PortReader reader, CancellationToken cancellation)
    {
        lock (sync)
        {
            active.Remove(reader);
            if (reader.IsCounted) (Passed, left) = (Math.Max(Passed ?? 0, reader.Passed), Math.Max(left, reader.Delivered));
        }
        Task told = TellReleaseAsync();
        if (boundary is null)
        {
            await QuietlyAsync(told).WaitAsync(cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (cancellation.IsCancellationRequested) return;        // it goes on; readers that the store does not hear of expire
        }
        await told.ConfigureAwait(false);
    }

    /// <summary>Lets the store's time without use of the keeper begin anew, and opens the keeper again if it has expired.</summary>
    public async Task KeepAsync(CancellationToken cancellation)
    {
        await moving.EnterAsync(cancellation).ConfigureAwait(false);
        try
        {
            await TellAsync(plan.Keeper, next: 1, cancellation).ConfigureAwait(false);          // moves it nowhere
        }
        finally
        {
            moving.Leave();
        }
    }

    private async Task TellReleaseAsync()
    {
        if (hasEnded) return;                        // the next attempt may use the gate by now
        if (plan.MovesKeeper) await MoveAsync(isWaiting: true, CancellationToken.None).ConfigureAwait(false);
        await CloseGateAsync(onlyIfIdle: true, CancellationToken.None).ConfigureAwait(false);
    }

    /// <summary>Ends with a task, and observes its failure.</summary>
    private static async Task QuietlyAsync(Task task) => await task.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
}
