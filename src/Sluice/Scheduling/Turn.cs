namespace Sluice;

/// <summary>
/// What a thread of the pool does in one go for runs: a work item, and then those that it handed off. An item that trickles through
/// boundaries is taken along by the thread that brought it, which would otherwise wake another one and go to sleep.
/// </summary>
/// <remarks>
/// One per thread, used by that thread only. Handed off is only what can lose nothing by waiting until the present work item has
/// returned: the consumer of a boundary, when the item that goes into it is the only one its producer has, and pushing it the last
/// thing that is done with it (<see cref="Inlet{T}.HandsOn"/>). If more comes for the producer meanwhile, it publishes first.
/// </remarks>
internal sealed class Turn
{
    private const int MaxTurn = 64;              // then others may have the thread

    [ThreadStatic]
    private static Turn? ofThread;

    private IThreadPoolWorkItem? next;
    private bool accepts;
    private bool entered;

    public static Turn Current => ofThread ??= new();

    /// <summary>Executes a part of a work item that is about one last item: what it hands off is to be executed next.</summary>
    public static void BeginLast() => Current.accepts = true;

    public static void EndLast() => Current.accepts = false;

    /// <summary>The present work item goes on: what it has handed off is not to wait for that.</summary>
    public static void Publish()
    {
        if (ofThread is not { next: { } work } turn) return;
        turn.next = null;
        ThreadPool.UnsafeQueueUserWorkItem(work, preferLocal: false);
    }

    /// <returns>Whether it will be executed at the end of the turn; if not, it has to be scheduled.</returns>
    public static bool TryHandOff(IThreadPoolWorkItem work)
    {
        if (ofThread is not { accepts: true, entered: true, next: null } turn) return false;
        turn.next = work;
        return true;
    }

    /// <returns>Whether the turn begins here: then <see cref="Finish"/> it.</returns>
    public bool TryBegin()
    {
        if (entered) return false;
        accepts = false;                             // an exception may have left it so
        return entered = true;
    }

    /// <summary>Executes what has been handed off, and what that hands off in its turn.</summary>
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
