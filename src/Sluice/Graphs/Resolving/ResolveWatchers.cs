using Sluice.Diagnostics;
using Sluice.Policies;

namespace Sluice.Graphs;

/// <summary>Those that are told of each resolve of a graph that has ended.</summary>
/// <remarks>
/// Thread-safe. Locking rule: <c>sync</c> guards changes; resolves read the array, which is never changed, without it.
/// </remarks>
/// <param name="time">The clock of the graph.</param>
internal sealed class ResolveWatchers(TimeProvider time)
{
    private readonly Lock sync = new();
    private readonly LinkedList<GraphContext> running = new();       // the oldest first
    private Watch[]? all;
    private int inFlight;

    public IDisposable Add(Action<GraphContext, Exception?> ended, int maxTimedPerSecond)
    {
        var watch = new Watch(this, ended, new(maxTimedPerSecond, time));
        lock (sync) all = [.. all ?? [], watch];
        return watch;
    }

    /// <summary>Whether a resolve that begins now is to record timings.</summary>
    public bool WantTimings()
    {
        if (Volatile.Read(ref all) is not { } watches) return false;
        bool isWanted = false;
        foreach (Watch watch in watches) isWanted |= watch.Timings.TryPass();
        return isWanted;
    }

    /// <summary>How long the oldest timed resolve that has not ended has been running; null if there is none.</summary>
    public TimeSpan? OldestRunning
    {
        get { lock (sync) return running.First is { Value: var oldest } ? time.GetElapsedTime(oldest.Details.Began) : null; }
    }

    /// <summary>The number of resolves that have begun while the graph was watched, and have not ended.</summary>
    public int InFlight => Volatile.Read(ref inFlight);

    /// <summary>Counts a resolve that begins, if the graph is watched.</summary>
    /// <returns>Whether it is counted; <see cref="Uncount"/> is called at its end then.</returns>
    public bool TryCount()
    {
        if (Volatile.Read(ref all) is null) return false;
        Interlocked.Increment(ref inFlight);
        return true;
    }

    public void Uncount() => Interlocked.Decrement(ref inFlight);

    /// <summary>Notes that a timed resolve begins, if it is watched.</summary>
    /// <returns>What <see cref="NoteEnd"/> takes.</returns>
    public LinkedListNode<GraphContext>? NoteBegin(GraphContext context)
    {
        if (Volatile.Read(ref all) is null) return null;
        lock (sync) return running.AddLast(context);
    }

    /// <summary>Notes that it has ended.</summary>
    public void NoteEnd(LinkedListNode<GraphContext> one)
    {
        lock (sync) running.Remove(one);
    }

    /// <summary>Tells all. Never throws, because the caller of the resolve must get its result.</summary>
    /// <returns>Whether there are any; they may keep the context.</returns>
    public bool Tell(GraphContext context, Exception? problem)
    {
        if (Volatile.Read(ref all) is not { } watches) return false;
        foreach (Watch watch in watches)
        {
            try
            {
                watch.Ended(context, problem);
            }
            catch (Exception e)
            {
                string graph = context.Plan.Topology.Name is { Length: > 0 } name ? $"the graph '{name}'" : "a graph without a name";
                Warnings.Tell($"A function that watches {graph} has failed with {e.GetType().Name}: "
                    + $"{FailureText.MessageOf(e).TrimEnd('.')}. The resolve is not affected.");
            }
        }
        return true;
    }

    private void Remove(Watch watch)
    {
        lock (sync) all = all is null || Array.TrueForAll(all, one => one == watch) ? null : [.. all.Where(one => one != watch)];
    }

    private sealed class Watch(ResolveWatchers watchers, Action<GraphContext, Exception?> ended, SecondLimit timings) : IDisposable
    {
        public Action<GraphContext, Exception?> Ended => ended;

        public SecondLimit Timings => timings;

        public void Dispose() => watchers.Remove(this);
    }
}
