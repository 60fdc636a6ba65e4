using Sluice.Diagnostics;

namespace Sluice.Flows;

/// <summary>
/// Warns if a processor of a run has no host a lease duration after the start: its name is misspelt, or its service does not run. Otherwise
/// the reader of the results waits, and nothing says why.
/// </summary>
internal static class MissingHostWarning
{
    // A member that has died on another machine counts as a host at the first look.
    private const int Looks = 2;

    /// <summary>Ends when the run has ended, after the last look, or by cancellation. Never throws.</summary>
    public static async Task WatchAsync(SupervisorCore core, RunWatch watch, CancellationToken cancellation)
    {
        HashSet<string> told = [];
        for (int look = 0; look < Looks; look++)
        {
            await watch.Over.WaitAsync(core.Options.LeaseDuration, core.Options.Time, cancellation)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (watch.Over.IsCompleted || cancellation.IsCancellationRequested || core.Life.IsCancellationRequested) return;
            try
            {
                if (Array.TrueForAll(watch.Plan.Processors, plan => watch.StartsOf(plan.Name) > 0)) return;
                FlowRunInfo? status = await FlowReports.StatusWithHostsAsync(core, watch.Run, cancellation).ConfigureAwait(false);
                foreach (ProcessorInfo processor in status?.Processors ?? [])
                    if (processor is { Status: FlowStatus.Waiting, Starts: 0, NoHostFor: not null } && told.Add(processor.Name))
                        core.Warn(
                            $"No service hosts the processor '{processor.Name}', so the run {watch.Run} waits. Start a service that "
                                + $"registers '{processor.Name}', or compare the names. GetStatusAsync shows which processors wait; "
                                + $"CancelAsync ends the run.");
            }
            catch (Exception e) when (e is SluiceException or OperationCanceledException or ObjectDisposedException)
            {
                // The next look, or the status, tells more.
            }
        }
    }
}
