namespace Sluice.Flows;

/// <summary>
/// Finishes a cancellation for the starter of a run. A cancellation has two steps: the entry in the journal, and the ends of the streams.
/// If the service that cancels dies between them, and no service hosts a processor, nothing else ends its streams: readers of results
/// would wait, and an input that goes on for ever would be read.
/// </summary>
internal static class UnfinishedCancellation
{
    /// <summary>Ends when the run is over, or by cancellation. Never throws.</summary>
    /// <remarks>
    /// Waits for a lease duration first: mostly the streams have ended by then. The journal must still be the one of this run: the id may
    /// be in use again.
    /// </remarks>
    public static async Task FinishAsync(SupervisorCore core, RunWatch watch, CancellationToken cancellation)
    {
        await watch.Over.WaitAsync(cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!watch.IsCancelled || cancellation.IsCancellationRequested || core.Life.IsCancellationRequested) return;
        try
        {
            using var life = CancellationTokenSource.CreateLinkedTokenSource(cancellation, core.Life);
            await Task.Delay(core.Options.LeaseDuration, core.Options.Time, life.Token).ConfigureAwait(false);
            RunWatch? now = await RunWatch.OpenAsync(core.Calls, watch.Run, life.Token).ConfigureAwait(false);
            if (now is null) return;
            await using (now.ConfigureAwait(false))
                if (now.Plan.Key == watch.Plan.Key)
                    await FlowReports.EndOpenStreamsAsync(core, now.Plan, watch.CancelReason, life.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is SluiceException or OperationCanceledException or ObjectDisposedException
            or ArgumentException)
        {
            // The caller of a repeated cancellation gets the failure.
        }
    }
}
