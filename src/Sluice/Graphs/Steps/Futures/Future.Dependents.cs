namespace Sluice.Graphs;

public abstract partial class Future
{
    private const int FewAbandoned = 32;

    // The dependents: none (null), one (itself), several (the newest link), or ended (Over). Changed by interlocked operations only.
    private static readonly object Over = new();

    private object? dependents;
    private int abandoned;                           // dependents that have ended without it, less those that had not at the last cleaning

    /// <summary>Whether nobody has awaited it, and no other future needs it.</summary>
    internal bool IsDropped => !isAwaited && Volatile.Read(ref dependents) is null;

    /// <returns>False if it has ended already; then the dependent is not told.</returns>
    internal bool TryAttach(IDependent dependent)
    {
        object? seen = Volatile.Read(ref dependents);
        DependentLink? link = null;
        while (!ReferenceEquals(seen, Over))
        {
            object mine = dependent;
            if (seen is not null)
            {
                link ??= new(dependent);
                link.Next = seen;
                mine = link;
            }
            object? found = Interlocked.CompareExchange(ref dependents, mine, seen);
            if (ReferenceEquals(found, seen)) return true;
            seen = found;
        }
        return false;
    }

    /// <summary>Ends the future, whose outcome is written, and tells its dependents. Called once, by <see cref="ReadyList"/>.</summary>
    internal void TellDependents(ref ReadyList released)
    {
        object? newest = Interlocked.Exchange(ref dependents, Over);
        if (isAwaited) See();
        DependentLink? link = null;                  // reversed: first come, first told
        while (newest is DependentLink current)
        {
            newest = current.Next;
            current.Next = link;
            link = current;
        }
        (newest as IDependent)?.OnEnded(this, ref released);
        for (; link is not null; link = (DependentLink?)link.Next) link.Dependent.OnEnded(this, ref released);
    }

    /// <summary>Tells dependents that the running step was cancelled.</summary>
    private protected void TellCancelling(Failure cancellation, ref ReadyList released)
    {
        // If it ends meanwhile, the links are being reversed: some dependents are told, some twice; all are told of the end.
        object? at = Volatile.Read(ref dependents);
        for (; at is DependentLink link; at = link.Next) link.Dependent.OnCancelling(cancellation, ref released);
        (at as IDependent)?.OnCancelling(cancellation, ref released);
    }

    /// <summary>The futures that are known to wait for it, and cannot end before it.</summary>
    internal IEnumerable<Future> WaitedForBy()
    {
        // If it ends meanwhile, the links are being reversed, and some futures are missing.
        object? at = Volatile.Read(ref dependents);
        for (; at is DependentLink link; at = link.Next)
            if (!link.Dependent.IsOver && link.Dependent.Waiter is { } waiter) yield return waiter;
        if (at is IDependent { IsOver: false, Waiter: { } first }) yield return first;
        if (this is ICall { Scope: { } scope })
            foreach (ICall call in scope.AwaitedBy()) yield return (Future)call;
    }

    /// <summary>
    /// Notes that a dependent has ended without it. It may itself run for long, so it removes ended dependents once they are about half.
    /// </summary>
    internal void Abandon()
    {
        if (IsCompleted || Interlocked.Increment(ref abandoned) != FewAbandoned) return;
        int left = LetGoOfEnded();
        Interlocked.Exchange(ref abandoned, -left);
    }

    /// <returns>The number of dependents left.</returns>
    private int LetGoOfEnded()
    {
        // If it ends meanwhile, the links are being reversed, and the result is not used.
        object? newest = Volatile.Read(ref dependents);
        List<IDependent> left = [];
        object? at = newest;
        for (; at is DependentLink link; at = link.Next)
            if (!link.Dependent.IsOver) left.Add(link.Dependent);
        if (at is IDependent { IsOver: false } first) left.Add(first);
        object? all = left.Count == 0 ? null : left[^1];
        for (int i = left.Count - 2; i >= 0; i--) all = new DependentLink(left[i]) { Next = all };
        Interlocked.CompareExchange(ref dependents, all, newest);      // after an attach meanwhile: next time
        return left.Count;
    }
}
