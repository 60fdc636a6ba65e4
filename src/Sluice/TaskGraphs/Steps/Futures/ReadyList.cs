namespace Sluice;

/// <summary>What the end of a future has set free: futures that have ended with it, and calls that may run.</summary>
/// <remarks>
/// Takes the place of recursion, so that chains of any length are fine. Lives on the stack of whoever ended the first future; that thread may go on with one of the calls, all others
/// are scheduled.
/// </remarks>
/// <param name="here">The scheduler whose thread this is, if it may go on with a call; null where the thread belongs to somebody else.</param>
internal ref struct ReadyList(RunScheduler? here)
{
    private Future? first;
    private Queue<Future>? others;
    private ICall? unstarted;
    private List<ICall>? moreUnstarted;

    /// <summary>The call to go on with; null if there is none.</summary>
    public ICall? Next { get; private set; }

    /// <summary>A future has its outcome: those who wait for it are told by <see cref="Spread"/>.</summary>
    public void Ended(Future future)
    {
        if (first is null && others is not { Count: > 0 }) first = future;
        else (others ??= new()).Enqueue(future);
    }

    /// <summary>A call has ended without having started. Its scope is told when everybody else has been: then it is known whether somebody sees why.</summary>
    public void EndedUnstarted(ICall call, Future future)
    {
        if (unstarted is null) unstarted = call;
        else (moreUnstarted ??= []).Add(call);
        Ended(future);
    }

    /// <summary>A call has all that it needs, its places included.</summary>
    public void Ready(ICall call)
    {
        if (Next is null && here is not null && ReferenceEquals(here, call.Scheduler)) Next = call;
        else call.Scheduler.Schedule(call);
    }

    /// <summary>Tells everybody, in the order in which futures have ended.</summary>
    public void Spread()
    {
        while (first is { } future)
        {
            first = null;
            future.TellDependents(ref this);
            if (first is null) others?.TryDequeue(out first);
        }
        unstarted?.Leave();
        unstarted = null;
        if (moreUnstarted is not { Count: > 0 }) return;
        foreach (ICall call in moreUnstarted) call.Leave();
        moreUnstarted.Clear();
    }
}
