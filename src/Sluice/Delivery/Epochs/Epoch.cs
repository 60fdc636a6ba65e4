using System.Collections.Concurrent;

namespace Sluice;

/// <summary>
/// Some entries of a partition that go through the pipeline together: when nothing of them is under way any more, what they have become, and what stages remember of them, is
/// committed at once.
/// </summary>
/// <remarks>Begun by the pump; roots are added by whoever has another one of it in hand, and end on any thread; when it is over it is the committer's.</remarks>
internal sealed class Epoch(ConsecutorCore core, OwnedPartition partition, List<EpochItem> items, bool isEntrance)
{
    private Root? ended;
    private int outstanding;
    private int begun;
    private volatile bool hasMoreTimers;
    private readonly HashSet<(int Node, string Key, string Timer)> leftOut = [];
    private ConcurrentDictionary<ulong, int>? failed;        // of each key, the first root that has failed and is to be tried again

    public OwnedPartition Partition => partition;

    public ConsecutorCore Core => core;

    /// <summary>Whether its items enter at nodes in the middle.</summary>
    public bool IsEntrance => isEntrance;

    /// <summary>Whether a stage puts out what it holds because the input has ended; there are no items then.</summary>
    public bool IsEnding { get; init; }

    /// <summary>How many keys of a stage may end in it.</summary>
    public int MaxEndingKeys { get; set; } = 500;

    /// <summary>How many have, in this try.</summary>
    public int EndedKeys { get; set; }

    /// <summary>Whether timers fire in it; there are no items then.</summary>
    public bool FiresTimers { get; init; }

    /// <summary>How many of them may.</summary>
    public int MaxTimers { get; set; } = 64;

    /// <summary>How many rows by time may move, of timers that were moved on: up to three parts of the commit each.</summary>
    public int MaxMoves { get; set; } = 128;

    /// <summary>Whether some may fire and others move in one commit.</summary>
    public bool MixesTimers { get; set; } = true;

    /// <summary>What has become of them in this try; null before.</summary>
    public EpochTimers? Turn { get; set; }

    /// <summary>Whether more are due.</summary>
    public bool HasMoreTimers
    {
        get => hasMoreTimers;
        set => hasMoreTimers = value;
    }

    /// <summary>How often it was run without any item because something could not be written.</summary>
    public int Failures { get; set; }

    /// <summary>Whether what was put out, has failed and cannot be written is given up: it becomes a dead letter without its payload.</summary>
    public bool GivesUpEmissions { get; set; }

    /// <summary>Why that could not be done; null if it was.</summary>
    public Exception? EndFailure { get; set; }

    /// <summary>Whether places are kept for what it puts out.</summary>
    public bool HasPlaces { get; private set; }

    /// <summary>All that were leased, in their order.</summary>
    public List<EpochItem> Items => items;

    /// <summary>What is still to be run: what has not failed in an earlier try.</summary>
    public IEnumerable<EpochItem> Remaining => items.Where(item => item.Verdict is null);

    /// <summary>Begins it, or begins it again; it is not over before <see cref="Release"/>.</summary>
    public void Begin() => (ended, outstanding, begun, HasPlaces, failed) = (null, 1, 0, false, null);

    /// <summary>Places are kept for it. Any thread.</summary>
    public void KeepPlaces() => HasPlaces = true;

    /// <summary>An item has failed: if it will be tried again, later items of its key are held back. Any thread.</summary>
    public void HasFailed(Root root)
    {
        if (root.Item is not { Key: not 0 } item || !DeadLetterBuilder.ShouldReplay(core, root)) return;
        ConcurrentDictionary<ulong, int> known = Volatile.Read(ref failed) ?? Interlocked.CompareExchange(ref failed, new(), null) ?? failed!;
        known.AddOrUpdate(item.Key, static (_, number) => number, static (_, first, number) => Math.Min(first, number), root.EpochNumber);
    }

    /// <summary>Whether an earlier item of its key has failed and will be tried again. Any thread.</summary>
    public bool IsBehindFailed(Root root)
        => Volatile.Read(ref failed) is { } known && root.Item is { Key: not 0 } item && known.TryGetValue(item.Key, out int first) && first < root.EpochNumber;

    /// <summary>A timer that has failed is left out when the epoch is run again: it becomes an item of its own. The committer's.</summary>
    /// <returns>Whether it is one, and was not left out.</returns>
    public bool TryLeaveOut(Root root) => root is { Emission: TimerEmission timer, Failures: not null } && leftOut.Add(timer.Identity);

    /// <summary>Whether a timer is left out.</summary>
    public bool LeavesOut(TimerEmission timer) => leftOut.Contains(timer.Identity);

    /// <summary>Another root belongs to it.</summary>
    /// <returns>Its number in the epoch.</returns>
    public int Add()
    {
        Interlocked.Increment(ref outstanding);
        return Interlocked.Increment(ref begun);
    }

    public void End(Root root)
    {
        Stacked.Push(ref ended, root);
        Release();
    }

    /// <summary>The pump has begun all there is.</summary>
    public void Release()
    {
        if (Interlocked.Decrement(ref outstanding) == 0) core.Epochs!.Over(this);
    }

    /// <summary>Its roots, in the order in which they were begun.</summary>
    public List<Root> TakeEnded()
    {
        var roots = new List<Root>(begun);
        for (Root? root = ended; root is not null; root = root.Next) roots.Add(root);
        ended = null;
        roots.Reverse();                             // mostly they end as they were begun
        for (int i = 1; i < roots.Count; i++)
        {
            if (roots[i].EpochNumber > roots[i - 1].EpochNumber) continue;
            roots.Sort(static (one, other) => one.EpochNumber.CompareTo(other.EpochNumber));
            break;
        }
        return roots;
    }
}

/// <summary>An entry of an epoch. Used again for another one when its epoch is over.</summary>
internal sealed class EpochItem
{
    private Entry entry;
    private EntryHeaders headers;

    public ref readonly Entry Entry => ref entry;

    public ref readonly EntryHeaders Headers => ref headers;

    /// <summary>By which it has an order; zero for none.</summary>
    public ulong Key { get; private set; }

    /// <summary>What becomes of it without its having gone through to the end; null as long as it is to be run.</summary>
    public EpochVerdict? Verdict { get; set; }

    /// <summary>Whether its verdict, that it is to wait, is committed already.</summary>
    public bool IsPutAside { get; set; }

    /// <summary>It is for this entry from here on; for none by default.</summary>
    public void Set(in Entry entry, in EntryHeaders headers, ulong key) => (this.entry, this.headers, Key, Verdict, IsPutAside) = (entry, headers, key, null, false);
}

/// <summary>What becomes of an entry that has failed, or has to wait.</summary>
/// <param name="Deferral">When it comes again; null if it does not.</param>
/// <param name="Remains">What is kept of it if it does not come again.</param>
/// <param name="IsBehind">Whether it only waits for another one.</param>
/// <param name="KeepsRest">Whether the rest of what was done for it is committed with the verdict: if that is undone, so is the verdict.</param>
internal sealed record EpochVerdict(RetryWrite? Deferral, BisectionResult Remains, bool IsBehind = false, bool KeepsRest = false);
