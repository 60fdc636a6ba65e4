using System.Collections.Concurrent;
using System.Diagnostics;

namespace Sluice.Delivery;

/// <summary>One round: entries of a partition that go through the pipeline together. When none of them is in flight any more, their
/// outcomes and the state of the stages are committed together.</summary>
/// <remarks>The pump begins the round. Code that already holds a root of the round adds further roots; roots end on any thread. The
/// finished round belongs to the committer.</remarks>
internal sealed class Round(Rounds rounds, DeliveryGuarantee delivery, OwnedPartition partition, List<RoundItem> items, bool isEntrance)
{
    private const int MaxTraces = 128;

    private Root? ended;
    private volatile Queue<ActivityContext>? traces;
    private int outstanding;
    private int begun;
    private volatile bool hasMoreTimers;
    private bool hasStoredEmissions;
    private readonly HashSet<(int Node, string Key, string Timer)> leftOut = [];
    private ConcurrentDictionary<ulong, int>? failed;        // by key: the first root that has failed and will be retried

    public OwnedPartition Partition => partition;

    /// <summary>Whether the items of the round enter at nodes in the middle of the pipeline.</summary>
    public bool IsEntrance => isEntrance;

    /// <summary>Whether a stage emits the items that it holds, because the input has ended. Such a round has no entries.</summary>
    public bool IsEnding { get; init; }

    /// <summary>The most keys of a stage that may end in the round.</summary>
    public int MaxEndingKeys { get; set; }

    /// <summary>How many keys have ended in this try.</summary>
    public int EndedKeys { get; set; }

    /// <summary>Whether timers fire in the round. Such a round has no entries.</summary>
    public bool FiresTimers { get; init; }

    /// <summary>The most timers that may fire in the round.</summary>
    public int MaxTimers { get; set; }

    /// <summary>The most rows by time that may move, for timers that were moved on. Each move is up to three parts of the commit.</summary>
    public int MaxMoves { get; set; } = 128;

    /// <summary>Whether one commit may both fire timers and move rows.</summary>
    public bool MixesTimers { get; set; } = true;

    /// <summary>The timers of the round in this try; null before.</summary>
    public RoundTimers? Turn { get; set; }

    /// <summary>Whether more timers are due.</summary>
    public bool HasMoreTimers
    {
        get => hasMoreTimers;
        set => hasMoreTimers = value;
    }

    /// <summary>How often the round ran without any item because something could not be written.</summary>
    public int Failures { get; set; }

    /// <summary>Whether emissions that have failed and cannot be written are given up: each becomes a dead letter without its
    /// payload.</summary>
    public bool GivesUpEmissions { get; set; }

    /// <summary>Whether what stages emit is stored as items of their own, and does not go on in the round: an emission has failed behind a
    /// stage that remembers it, or the emissions are more than a commit holds. Read by any thread; set between two tries.</summary>
    public bool StoresEmissions { get; private set; }

    /// <summary>Lets the next try of the round store its emissions, once in its life.</summary>
    /// <returns>False if a try has done so already.</returns>
    public bool TryStoreEmissions()
    {
        if (hasStoredEmissions) return false;
        return StoresEmissions = hasStoredEmissions = true;
    }

    /// <summary>Lets emissions go on in the round again, because one cannot be written: those that have not failed need not be.</summary>
    /// <returns>Whether they were stored.</returns>
    public bool StopStoringEmissions()
    {
        bool didStore = StoresEmissions;
        StoresEmissions = false;
        return didStore;
    }

    /// <summary>Whether the round has called an instance because the input was idle. Then all its tries do.</summary>
    public bool ActsForIdleness { get; set; }

    /// <summary>The failure of a stage to emit at the end of the input; null if there is none.</summary>
    public Exception? EndFailure { get; set; }

    /// <summary>Whether places are reserved for the outputs of the round.</summary>
    public bool HasPlaces { get; private set; }

    /// <summary>All leased entries of the round, in their order.</summary>
    public List<RoundItem> Items => items;

    /// <summary>The entries that still have to run: those that did not fail in an earlier try.</summary>
    public IEnumerable<RoundItem> Remaining => items.Where(item => item.Verdict is null);

    /// <summary>The timestamp at which the present try began.</summary>
    public long BegunAt { get; private set; }

    /// <summary>Notes when a try begins.</summary>
    public Round BeginAt(long timestamp)
    {
        BegunAt = timestamp;
        return this;
    }

    /// <summary>Begins a try of the round, which cannot end before <see cref="Release"/>.</summary>
    public void Begin() => (ended, outstanding, begun, HasPlaces, failed, traces) = (null, 1, 0, false, null, null);

    /// <summary>The traces of the last items that the pump noted; null if no item is traced. Code that holds a root of the round may
    /// read them on any thread, also while the pump notes more.</summary>
    public IReadOnlyList<ActivityContext>? Traces
    {
        get
        {
            if (traces is not { } noted) return null;
            lock (noted) return [.. noted];
        }
    }

    /// <summary>Notes the trace of an item, for the items that stages make of several. Called by the pump only.</summary>
    public void Note(Activity trace)
    {
        Queue<ActivityContext> noted = traces ??= new();
        lock (noted)
        {
            if (noted.Count == MaxTraces) noted.Dequeue();
            noted.Enqueue(trace.Context);
        }
    }

    /// <summary>Notes that places are reserved for the round. Any thread.</summary>
    public void KeepPlaces() => HasPlaces = true;

    /// <summary>Notes that an item has failed. If it will be retried, later items of its key are held back. Any thread.</summary>
    public void HasFailed(Root root)
    {
        if (root.Item is not { Key: not 0 } item || !root.ShouldReplay(delivery)) return;
        ConcurrentDictionary<ulong, int> known = Volatile.Read(ref failed) ?? Interlocked.CompareExchange(ref failed, new(), null)
            ?? failed!;
        known.AddOrUpdate(item.Key, static (_, number) => number, static (_, first, number) => Math.Min(first, number), root.RoundNumber);
    }

    /// <summary>Whether an earlier item of its key has failed and will be tried again. Any thread.</summary>
    public bool IsBehindFailed(Root root)
        => Volatile.Read(ref failed) is { } known && root.Item is { Key: not 0 } item && known.TryGetValue(item.Key, out int first)
        && first < root.RoundNumber;

    /// <summary>Leaves out a failed timer when the round runs again: the timer becomes an item of its own. Used by the committer.</summary>
    /// <returns>Whether the root is a failed timer that was not left out before.</returns>
    public bool TryLeaveOut(Root root) => root is { Emission: TimerEmission timer, Failures: not null } && leftOut.Add(timer.Identity);

    /// <summary>Whether a timer is left out.</summary>
    public bool LeavesOut(TimerEmission timer) => leftOut.Contains(timer.Identity);

    /// <summary>Adds a root to the round.</summary>
    /// <returns>The number of the root in the round.</returns>
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

    /// <summary>Lets the round end: the pump has begun all its items.</summary>
    public void Release()
    {
        if (Interlocked.Decrement(ref outstanding) == 0) rounds.Over(this);
    }

    /// <summary>Returns the roots of the round, in the order in which they were begun.</summary>
    public List<Root> TakeEnded()
    {
        var roots = new List<Root>(begun);
        for (Root? root = ended; root is not null; root = root.Next) roots.Add(root);
        ended = null;
        roots.Reverse();                             // they mostly end in the order in which they began
        for (int i = 1; i < roots.Count; i++)
        {
            if (roots[i].RoundNumber > roots[i - 1].RoundNumber) continue;
            roots.Sort(static (one, other) => one.RoundNumber.CompareTo(other.RoundNumber));
            break;
        }
        return roots;
    }
}

/// <summary>An entry of a round. The object is reused after its round.</summary>
internal sealed class RoundItem
{
    private Entry entry;
    private EntryHeaders headers;

    public ref readonly Entry Entry => ref entry;

    public ref readonly EntryHeaders Headers => ref headers;

    /// <summary>The hash of the key by which the entry is ordered; zero if it has no order.</summary>
    public ulong Key { get; private set; }

    /// <summary>The verdict on an entry that did not go through to the end; null while the entry is to be run.</summary>
    public RoundVerdict? Verdict { get; set; }

    /// <summary>Whether the verdict that the entry has to wait is committed already.</summary>
    public bool IsPutAside { get; set; }

    /// <summary>Sets the entry of this object; none by default.</summary>
    public void Set(in Entry entry, in EntryHeaders headers, ulong key)
        => (this.entry, this.headers, Key, Verdict, IsPutAside) = (entry, headers, key, null, false);
}

/// <summary>The decision on an entry that has failed or has to wait.</summary>
/// <param name="Deferral">The deferral with which the entry comes again; null if it does not come again.</param>
/// <param name="Remains">The remains of an entry that does not come again.</param>
/// <param name="IsBehind">Whether the entry only waits for another one of its key.</param>
/// <param name="KeepsRest">Whether the rest of the work for the entry is committed with the verdict. If that work is undone, so is the
/// verdict.</param>
internal sealed record RoundVerdict(RetryWrite? Deferral, BisectionResult Remains, bool IsBehind = false, bool KeepsRest = false);
