using Sluice.Diagnostics;
using Sluice.Scheduling;

namespace Sluice.Delivery;

/// <summary>The roots whose items have ended, on their way from the run to the committer.</summary>
/// <remarks>A stack without locks: any thread adds, the committer takes.</remarks>
internal sealed class EndedRoots(Signal committer)
{
    private Root? newest;
    private volatile bool isClosed;

    /// <summary>
    /// Nothing counts as ended any more, because a run is stopping: its functions see a cancelled token, and may return in the middle of an
    /// item, or fail. The items stay in flight, and go back to the store with their partitions. Called before the token is cancelled.
    /// </summary>
    public void Close()
    {
        isClosed = true;
        Spans.Stop();
    }

    /// <summary>The spans of the attempts that have not ended.</summary>
    public OpenSpans Spans { get; } = new();

    /// <summary>Whether nothing counts as ended any more. Any thread.</summary>
    public bool IsClosed => isClosed;

    /// <summary>Adds a root and wakes the committer. Any thread.</summary>
    public void Add(Root root)
    {
        Stacked.Push(ref newest, root);
        committer.Set();
    }

    /// <summary>Takes all roots that were added since the last call, in the order in which they ended. Called by the committer.</summary>
    public void TakeAll(List<Root> into)
    {
        for (Root? root = Interlocked.Exchange(ref newest, null); root is not null; root = root.Next) into.Add(root);
        into.Reverse();
    }
}
