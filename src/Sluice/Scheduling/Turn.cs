namespace Sluice.Scheduling;

/// <summary>
/// The turn of a pool thread: a work item, and then the work items that it hands off. So a single item is carried across boundaries by one
/// thread, which would otherwise wake another thread and go to sleep.
/// </summary>
/// <remarks>
/// One per thread, used by that thread only. Only work that may wait until the current work item has returned is handed off: the consumer
/// of a boundary, if its item is the only one that the producer has, and pushing it is the last thing done with it
/// (<see cref="Inlet{T}.HandsOn"/>). If more items reach the producer meanwhile, it publishes the handed-off work first.
/// </remarks>
internal sealed class Turn
{
    private const int MaxTurn = 64;              // work items; then the thread is free for other work

    [ThreadStatic]
    private static Turn? ofThread;

    private IThreadPoolWorkItem? next;
    private bool accepts;
    private bool entered;

    public static Turn Current => ofThread ??= new();

    /// <summary>Begins the part of a work item that handles its last item: work handed off there runs next on this thread.</summary>
    public static void BeginLast() => Current.accepts = true;

    public static void EndLast() => Current.accepts = false;

    /// <summary>Gives the handed-off work to the pool, because the current work item continues.</summary>
    public static void Publish()
    {
        if (ofThread is not { next: { } work } turn) return;
        turn.next = null;
        ThreadPool.UnsafeQueueUserWorkItem(work, preferLocal: false);
    }

    /// <returns>Whether the work will run at the end of the turn; if not, schedule it.</returns>
    public static bool TryHandOff(IThreadPoolWorkItem work)
    {
        if (ofThread is not { accepts: true, entered: true, next: null } turn) return false;
        turn.next = work;
        return true;
    }

    /// <returns>Whether a turn begins here; then call <see cref="Finish"/>.</returns>
    public bool TryBegin()
    {
        if (entered) return false;
        accepts = false;                             // an exception may have left it set
        return entered = true;
    }

    /// <summary>Executes the handed-off work, and the work that it hands off in turn, up to <c>MaxTurn</c> items.</summary>
    public void Finish()
    {
        accepts = false;
        for (int i = 0; i < MaxTurn && next is { } work; i++)
        {
            next = null;
            work.Execute();
            accepts = false;
        }
        entered = false;
        Publish();
    }
}
