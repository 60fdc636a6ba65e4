namespace Sluice.Graphs;

// A consumer of a future's outcome observes the failure in it, and the failures of the futures that it joins.
public abstract partial class Future
{
    private volatile bool isAwaited;
    private volatile bool isSeen;                    // its outcome and those of all futures behind it are observed

    /// <summary>Whether its value may contain failures; a consumer of the value has observed them.</summary>
    internal virtual bool HoldsOutcomes => false;

    /// <summary>The futures that a consumer observes with the ended future; empty for most.</summary>
    private protected virtual ReadOnlySpan<Future> SeenWithIt => default;

    /// <summary>Notes that it is awaited, so that its failure will be observed.</summary>
    internal void MarkAwaited()
    {
        if (NoteAwaited()) See();
    }

    /// <summary>Observes the outcome of the ended future, and of the futures behind it.</summary>
    /// <remarks>A list instead of recursion, so that chains of joins of any length are safe. Joins that share sources are visited once.
    /// </remarks>
    internal void See()
    {
        Failure?.Observe();
        if (isSeen || SeenWithIt.IsEmpty) return;
        List<Future>? behind = null;
        HashSet<Future>? known = null;
        Future at = this;
        for (int next = 0; ; next++)
        {
            foreach (Future source in at.SeenWithIt)
            {
                if (!source.NoteAwaited()) continue;
                source.Failure?.Observe();
                if (!source.isSeen && !source.SeenWithIt.IsEmpty && (known ??= [this]).Add(source)) (behind ??= []).Add(source);
            }
            if (behind is null || next == behind.Count) break;
            at = behind[next];
        }
        // At the end, because another consumer that finds the flag does not wait for this one.
        isSeen = true;
        if (behind is not null) foreach (Future future in behind) future.isSeen = true;
    }

    /// <returns>Whether it has ended; if not, its end observes the outcome.</returns>
    private bool NoteAwaited()
    {
        isAwaited = true;
        Interlocked.MemoryBarrier();
        return IsCompleted;
    }
}
