namespace Sluice.Delivery;

/// <summary>
/// Decides when items that enter in the middle go into their run, if items go through one by one. If a stage counts on one run, they wait
/// until no other item is in flight, and no other item begins before they have ended. Otherwise they enter at once.
/// </summary>
/// <remarks>Used by the pump; any thread reads <see cref="IsTaken"/>. The end of each item in flight wakes the pump. Rounds take turns by
/// themselves.</remarks>
/// <param name="entrances">The run for such items.</param>
/// <param name="inFlight">The items in flight, with those that wait here.</param>
/// <param name="areNeeded">Whether a stage counts on one run.</param>
/// <param name="time">The clock.</param>
internal sealed class EntranceTurns(EntranceRun entrances, ItemsInFlight inFlight, bool areNeeded, TimeProvider time)
{
    private readonly List<(Root Root, string Node, ReadOnlyMemory<byte> Payload)> waiting = [];
    private volatile bool isTaken;
    private long since;                              // when the turn was asked for, or given

    /// <summary>Whether no other item may begin: items that enter in the middle are in flight, or wait for the others to end.</summary>
    public bool IsTaken => isTaken;

    /// <summary>Why nothing begins, if that is so for long; otherwise null.</summary>
    public string? Problem => isTaken && time.GetElapsedTime(Volatile.Read(ref since)) >= Rounds.LongTurn
        ? Rounds.WhyNothingBegins : null;

    /// <summary>Enters a leased item at a node, or keeps it for its turn.</summary>
    public void Enter(Root root, string node, ReadOnlyMemory<byte> payload)
    {
        if (areNeeded)
        {
            if (!isTaken) Volatile.Write(ref since, time.GetTimestamp());
            isTaken = true;
            waiting.Add((root, node, payload));
        }
        else entrances.Enter(root, node, payload);
    }

    /// <summary>Enters all items that wait when the others have ended, and ends their turn when they have ended.</summary>
    /// <param name="countStored">Counts the items in flight that have ended in the pipeline, and are about to be stored. They wait for room
    /// in the store, which items that wait here may have to make. Called after the items in flight are counted.</param>
    public void Look(Func<int> countStored)
    {
        if (!isTaken || inFlight.Count - countStored() > waiting.Count) return;
        isTaken = waiting.Count > 0;
        Volatile.Write(ref since, time.GetTimestamp());
        foreach (var (root, node, payload) in waiting) entrances.Enter(root, node, payload);
        waiting.Clear();
    }
}
