using Sluice.Diagnostics;

namespace Sluice.Flows;

/// <summary>
/// Warns the starter of a run of processors without a living host: one that no service has begun a lease duration after the start, and one
/// whose host has died. Otherwise the reader of the results waits, and nothing says why.
/// </summary>
internal static class MissingHostWarning
{
    // A member that has died on another machine counts as a host at the first look.
    private const int FirstLooks = 2;
    private const int LooksPerLeaseDuration = 3;     // of a processor that seems to have lost its host

    /// <summary>Ends when the run has ended, or by cancellation. Never throws.</summary>
    /// <remarks>
    /// A look costs a call for each processor that has not ended, and runs of one service share these calls. Before a warning, the status
    /// of the run is read anew: after an outage of the store, living hosts need a moment to send heartbeats.
    /// </remarks>
    public static async Task WatchAsync(SupervisorCore core, RunWatch watch, CancellationToken cancellation)
    {
        TimeSpan lease = core.Options.LeaseDuration;
        HashSet<(string Processor, int Starts)> told = [];
        bool isLost = false;
        for (int look = 1; ; look++)
        {
            await watch.Over.WaitAsync(isLost ? lease / LooksPerLeaseDuration : lease, core.Options.Time, cancellation)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (watch.Over.IsCompleted || cancellation.IsCancellationRequested || core.Life.IsCancellationRequested) return;
            try
            {
                bool isFirst = look <= FirstLooks && !Array.TrueForAll(watch.Plan.Processors, plan => watch.StartsOf(plan.Name) > 0);
                if (isLost || isFirst) await WarnAsync(isFirst).ConfigureAwait(false);
                isLost = !isLost && await IsLostAsync().ConfigureAwait(false);
            }
            catch (Exception e) when (e is SluiceException or OperationCanceledException or ObjectDisposedException)
            {
                isLost = false;                      // the next look, or the status, tells more
            }
        }

        async Task<bool> IsLostAsync()
        {
            foreach (ProcessorInfo processor in StatusBook.ProcessorsOf(watch))
                if (processor.Status <= FlowStatus.Running && !told.Contains((processor.Name, processor.Starts))
                    && await core.Hosts.NobodyForAsync(processor.Name, lease / 2, cancellation).ConfigureAwait(false) >= lease) return true;
            return false;
        }

        async Task WarnAsync(bool isFirst)
        {
            FlowRunInfo? status = await FlowReports.StatusWithHostsAsync(core.Calls, core.Hosts, watch.Run, cancellation)
                .ConfigureAwait(false);
            foreach (ProcessorInfo processor in status?.Processors ?? [])
                if (processor.NoHostFor is { } silence && (silence >= lease || (isFirst && processor.Starts == 0))
                    && told.Add((processor.Name, processor.Starts))) core.Warn(Explain(processor, silence, watch.Run));
        }
    }

    private static string Explain(ProcessorInfo processor, TimeSpan silence, string run)
        => processor.Starts == 0
        ? $"No service hosts the processor '{processor.Name}', so the run {run} waits. Start a service that registers "
            + $"'{processor.Name}', or compare the names. GetStatusAsync shows which processors wait; CancelAsync ends the run."
        : $"The processor '{processor.Name}' of the run {run} has had no living host for {Amounts.About(silence)}: {processor.Host}, which "
            + $"had it, {(processor.Status == FlowStatus.Running ? "is silent" : "has ended")}. Start a service that registers "
            + $"'{processor.Name}': the run goes on there by itself. CancelAsync ends the run.";
}
