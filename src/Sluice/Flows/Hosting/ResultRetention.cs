using Sluice.Policies;

namespace Sluice.Flows;

/// <summary>
/// Keeps the results of a run for the service that has started it, until the run ends. The store closes a reader that is not used for
/// <see cref="SupervisorOptions.ResultRetentionDuration"/>, and a program may read only after the end. So this class uses the readers
/// meanwhile.
/// </summary>
internal static class ResultRetention
{
    private const int UsesPerDuration = 3;
    private const int ShortPart = 100;               // of the duration: a run that ends so soon costs no call
    private static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(100);

    /// <summary>Ends when the run has ended, or by cancellation. Never throws.</summary>
    public static async Task KeepAsync(SupervisorCore core, RunWatch watch, IReadOnlyCollection<InputPort> results,
        CancellationToken cancellation)
    {
        if (results.Count == 0) return;
        TimeSpan duration = core.Options.ResultRetentionDuration, pause = duration / UsesPerDuration;
        if (pause > Waits.Longest) pause = Waits.Longest;
        if (pause < Shortest) pause = Shortest;
        using var life = CancellationTokenSource.CreateLinkedTokenSource(cancellation, core.Life);
        long usedAt = core.Options.Time.GetTimestamp();
        while (true)
        {
            await watch.Over.WaitAsync(pause, core.Options.Time, life.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            bool isOver = watch.Over.IsCompleted;
            if (life.IsCancellationRequested || watch.Over.IsFaulted || watch.Over.IsCanceled
                || (isOver && core.Options.Time.GetElapsedTime(usedAt) < duration / ShortPart)) return;
            usedAt = core.Options.Time.GetTimestamp();
            try
            {
                foreach (InputPort result in results) await result.KeepAsync(life.Token).ConfigureAwait(false);
            }
            catch (Exception e) when (e is SluiceException or OperationCanceledException or ObjectDisposedException)
            {
                // The store keeps the readers for two more pauses, and a program that reads the results gets the store's failure.
            }
            if (isOver) return;
        }
    }
}
