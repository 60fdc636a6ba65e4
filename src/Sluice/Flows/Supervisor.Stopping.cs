using Sluice.Policies;

namespace Sluice.Flows;

/// <content>How a supervisor ends. Locking rule: `isStopped`, `ending` and `hosted` under `sync`; everything is awaited outside of
/// it.</content>
public sealed partial class Supervisor
{
    private const string WhatNext = "Others take over when this service has been silent for the lease duration.";

    /// <summary>Hands its processors over: cancels their functions, and waits until they have stopped, for
    /// <see cref="SupervisorOptions.StopTimeout"/> at most. Never throws.</summary>
    /// <remarks>A function that does not heed its token in that time is left behind, as by <see cref="StopAsync"/>; a warning says so. A
    /// function of the supervisor itself that awaits the disposal waits for itself as long; a warning says so, too.</remarks>
    public async ValueTask DisposeAsync()
    {
        if (CallingFunction.IsOf(core))
            core.Warn($"DisposeAsync of {Name} was called inside of one of its own functions, which is cancelled by it. If the function "
                + "awaits the disposal, the two wait for each other until StopTimeout has passed: dispose the supervisor outside.");
        await StopWithinAsync(core.Options.StopTimeout, core.Options.LeaseDuration, CancellationToken.None).ConfigureAwait(false);
    }

    /// <summary>Stops the supervisor within a time: it takes on nothing more, and hands over what it hosts as <see cref="DisposeAsync"/>
    /// does.</summary>
    /// <remarks>What is left behind ends by itself. Other services take it over when this one has been silent for
    /// <see cref="SupervisorOptions.LeaseDuration"/>.</remarks>
    /// <param name="deadline">
    /// How long that may take: zero or more, 49 days at most. The store has nine tenths of it to answer. Zero cancels the functions and
    /// does not wait for them. Without a deadline, or with <see cref="Timeout.InfiniteTimeSpan"/>, it waits until all functions have
    /// stopped and all executors are disposed, and the store has <see cref="SupervisorOptions.LeaseDuration"/> to answer.
    /// </param>
    /// <param name="cancellation">Ends the wait as if the deadline had passed. A host passes its shutdown token.</param>
    /// <returns>The processors that are left behind, as a warning says, too: a function still runs, or the store has not answered. Empty if
    /// all were handed over.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The deadline is out of range.</exception>
    /// <exception cref="InvalidOperationException">It was called inside of a function of this supervisor, or by work that such a function
    /// has started. The stop has begun, but the function would wait for itself if it awaited the end.</exception>
    public async Task<IReadOnlyList<string>> StopAsync(TimeSpan? deadline = null, CancellationToken cancellation = default)
    {
        TimeSpan limit = deadline ?? Timeout.InfiniteTimeSpan;
        if (limit != Timeout.InfiniteTimeSpan) Waits.Check(limit, nameof(deadline));
        Task<IReadOnlyList<string>> stopping = StopWithinAsync(limit,
            limit == Timeout.InfiniteTimeSpan ? core.Options.LeaseDuration : limit, cancellation);
        if (CallingFunction.IsOf(core) && !stopping.IsCompleted)
            throw new InvalidOperationException($"StopAsync of {Name} was called inside of one of its own functions. The stop has begun, "
                + $"but it cannot be awaited there: the function would wait for itself, without end. Work that "
                + "it has started (Task.Run, a timer) counts as inside, too.");
        return await stopping.ConfigureAwait(false);
    }

    /// <param name="limit">How long that may take.</param>
    /// <param name="forStore">How long the store has to answer; nine tenths of the limit at most.</param>
    /// <param name="cancellation">Ends the wait.</param>
    private async Task<IReadOnlyList<string>> StopWithinAsync(TimeSpan limit, TimeSpan forStore, CancellationToken cancellation)
    {
        bool isLimited = limit != Timeout.InfiniteTimeSpan;
        if (isLimited && limit * 0.9 < forStore) forStore = limit * 0.9;
        Task stopping = Ending(forStore);
        if (isLimited) core.BeginToEnd(forStore);                        // also where a stop has begun before
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        await Task.WhenAny(stopping, Task.Delay(limit, core.Options.Time, over.Token)).ConfigureAwait(false);
        await over.CancelAsync().ConfigureAwait(false);                  // the timer is gone when this returns
        if (stopping.IsCompleted)
        {
            await stopping.ConfigureAwait(false);
            return LeftBehind();
        }
        string[] left = LeftBehind(), executors = core.EndingExecutors;
        string was = $"{Name} was to stop {(cancellation.IsCancellationRequested ? "before its token was cancelled"
            : limit > TimeSpan.Zero ? $"within {DurationText.Of(limit)}" : "at once")}";
        string? disposal = executors.Length == 0 ? null : $"DisposeAsync of {string.Join(", ", executors)} has not ended";
        core.Warn(left.Length == 0 && disposal is not null
            ? $"{was}, and the {disposal} in that time. All processors were handed over."
            : $"{was}, and not everything was handed over in that time: {string.Join(", ", left.Length > 0 ? left : ["its inputs"])}. "
            + $"{(limit == TimeSpan.Zero ? "" : WhyNot(left.Length > 0))}{WhatNext}"
            + (disposal is null ? "" : $" The {disposal}, either."));
        return left;
    }

    private string WhyNot(bool waitsForStore)
    {
        bool isExecuting;
        lock (sync) isExecuting = hosted.Values.Any(static group => group.IsExecuting);
        return isExecuting ? "A function does not heed its CancellationToken. "
            : core.IsReading ? "An input does not heed its CancellationToken. "
            : waitsForStore ? "The store has not answered. " : "";
    }

    /// <summary>The processors that are not handed over.</summary>
    private string[] LeftBehind()
    {
        lock (sync) return [.. hosted.Values.Where(static group => !group.IsHandedOver)
            .Select(static group => group.Function.Processor.Name).Order(StringComparer.Ordinal)];
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
            Task stopping = Task.WhenAll(groups.Select(static group => group.StopAsync()));
            await core.EndFeedsAsync().ConfigureAwait(false);
            await stopping.ConfigureAwait(false);
        }
        finally
        {
            if (LeftBehind() is { Length: > 0 } left)
                core.Warn($"{Name} has stopped, and not everything was handed over: {string.Join(", ", left)}. The time that the store has "
                    + $"to answer in a stop was over. {WhatNext}");
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
