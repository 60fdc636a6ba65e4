using Sluice.Scheduling;

namespace Sluice.Delivery;

/// <summary>The wait of ended items for others that share their commit (<see cref="ConsecutorOptions.CommitInterval"/>). It is over as soon
/// as something waits for the commit.</summary>
/// <remarks>Thread-safe, without locks. The committer waits; any thread wakes it, after making visible that it waits for the
/// commit.</remarks>
internal sealed class CommitWait(ConsecutorCore core)
{
    private readonly Signal look = new();
    private int callers;

    /// <summary>Something may wait for the commit.</summary>
    public void Look() => look.Set();

    /// <summary>A caller waits for commits, until <see cref="EndCall"/>.</summary>
    public void BeginCall()
    {
        Interlocked.Increment(ref callers);
        Look();
    }

    public void EndCall() => Interlocked.Decrement(ref callers);

    /// <summary>Waits until the interval is over, or something waits for the commit.</summary>
    /// <param name="hurry">Ends the wait.</param>
    public async Task WaitAsync(CancellationToken hurry)
    {
        if (IsAwaited) return;
        using var over = CancellationTokenSource.CreateLinkedTokenSource(hurry);
        core.Ledger.Moved += Look;
        try
        {
            Task interval = Task.Delay(core.Options.CommitInterval, core.Time, over.Token);
            while (!interval.IsCompleted && !IsAwaited) await Task.WhenAny(interval, look.WaitAsync()).ConfigureAwait(false);
        }
        finally
        {
            core.Ledger.Moved -= Look;
            await over.CancelAsync().ConfigureAwait(false);
        }
    }

    /// <summary>
    /// Whether something waits for the commit: a caller, a pause or a stop, room for further items, a suspect that runs alone, items that
    /// enter in the middle, or a member that is to have a partition.
    /// </summary>
    private bool IsAwaited => Volatile.Read(ref callers) > 0 || !core.Pump.MayBegin
        || core.InFlight.Count >= Math.Min(core.Options.MaxInFlight, core.Stream.MaxItems) || core.Sends.IsWaiting
        || core.Outputs.AreWaiting || core.Ledger.Suspects > 0 || core.Alone.IsAsked || core.EntranceTurns.IsTaken || core.Stopped.AreAny
        || core.Partitions.Owned is { Length: 0 } || Array.Exists(core.Partitions.Owned, static partition => partition.IsLeaving);
}
