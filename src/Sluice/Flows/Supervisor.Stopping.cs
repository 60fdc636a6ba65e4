using Sluice.Policies;

namespace Sluice.Flows;

/// <content>How a supervisor ends. Locking rule: `isStopped`, `ending` and `hosted` under `sync`; everything is awaited outside of
/// it.</content>
public sealed partial class Supervisor
{
    /// <summary>Hands its processors over: cancels their functions, and waits until they have stopped.</summary>
    /// <remarks>The store has <see cref="SupervisorOptions.LeaseDuration"/> to answer.</remarks>
    public async ValueTask DisposeAsync()
    {
        await Ending(core.Options.LeaseDuration).ConfigureAwait(false);
    }

    /// <summary>Stops the supervisor within a time: it takes on nothing more, and hands over what it hosts as <see cref="DisposeAsync"/>
    /// does.</summary>
    /// <remarks>What is left behind ends by itself. Other services take it over when this one has been silent for
    /// <see cref="SupervisorOptions.LeaseDuration"/>.</remarks>
    /// <param name="deadline">
    /// How long that may take: zero or more, 49 days at most. The store has nine tenths of it to answer. Zero cancels the functions and
    /// does not wait for them. Without a deadline, or with <see cref="Timeout.InfiniteTimeSpan"/>, it waits until all functions have
    /// stopped, and the store has <see cref="SupervisorOptions.LeaseDuration"/> to answer.
    /// </param>
    /// <param name="cancellation">Ends the wait as if the deadline had passed. A host passes its shutdown token.</param>
    /// <returns>The processors that are left behind, as a warning says, too; empty if all were handed over.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The deadline is out of range.</exception>
    public async Task<IReadOnlyList<string>> StopAsync(TimeSpan? deadline = null, CancellationToken cancellation = default)
    {
        TimeSpan limit = deadline ?? Timeout.InfiniteTimeSpan;
        bool isLimited = limit != Timeout.InfiniteTimeSpan;
        TimeSpan forStore = isLimited ? Waits.Check(limit, nameof(deadline)) * 0.9 : core.Options.LeaseDuration;
        Task stopping = Ending(forStore);
        if (isLimited) core.BeginToEnd(forStore);                        // also where a stop has begun before
        try
        {
            await stopping.WaitAsync(limit, core.Options.Time, cancellation).ConfigureAwait(false);
            return [];
        }
        catch (Exception e) when (e is TimeoutException or OperationCanceledException && !stopping.IsCompleted)
        {
            string[] left;
            lock (sync) left = [.. hosted.Values.Where(static group => !group.HasStopped)
                .Select(static group => group.Function.Processor.Name).Order(StringComparer.Ordinal)];
            string when = e is not TimeoutException ? "before its token was cancelled"
                : limit > TimeSpan.Zero ? $"within {DurationText.Of(limit)}" : "at once";
            string why = limit == TimeSpan.Zero ? "" : "A function does not heed its CancellationToken. ";
            core.Warn(
                $"{Name} was to stop {when}, and not everything was handed over in that "
                    + $"time: {(left.Length > 0 ? string.Join(", ", left) : "its inputs")}. {why}"
                    + "Others take over when this service has been silent for the lease duration.");
            return left;
        }
    }

    private Task Ending(TimeSpan limit)
    {
        lock (sync)
        {
            isStopped = true;
            return ending ??= EndAsync([.. hosted.Values], limit);
        }
    }

    private async Task EndAsync(WorkGroup[] groups, TimeSpan limit)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);          // leave the lock
        lock (Attached) Attached.Remove(this);
        core.BeginToEnd(limit);
        try
        {
            await Task.WhenAll(groups.Select(group => group.StopAsync())).ConfigureAwait(false);
        }
        finally
        {
            await core.EndAsync().ConfigureAwait(false);
            await core.FedAsync().ConfigureAwait(false);
            await sweeper.StopAsync().ConfigureAwait(false);
            await core.EndExecutorsAsync().ConfigureAwait(false);
            core.Dispose();
        }
    }

    /// <summary>Simulates the death of the process, for tests: hands nothing over, commits nothing.</summary>
    internal async Task AbandonAsync()
    {
        WorkGroup[] groups;
        lock (sync) (isStopped, ending, groups) = (true, Task.CompletedTask, [.. hosted.Values]);
        lock (Attached) Attached.Remove(this);
        await core.AbandonAsync().ConfigureAwait(false);
        await Task.WhenAll(groups.Select(group => group.AbandonAsync())).ConfigureAwait(false);
        await core.EndExecutorsAsync().ConfigureAwait(false);
    }
}
