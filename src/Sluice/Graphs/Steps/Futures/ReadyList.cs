namespace Sluice.Graphs;

/// <summary>The effects of a future's end: futures that have ended with it, and calls that may run now.</summary>
/// <remarks>
/// A list instead of recursion, so that chains of any length are safe. It lives on the stack of the thread that ended the first future.
/// That thread may run one of the calls; the others are scheduled.
/// </remarks>
/// <param name="here">The scheduler of this thread, if the thread may run a call; otherwise null.</param>
internal ref struct ReadyList(RunScheduler? here)
{
    private Future? first;
    private Queue<Future>? others;
    private ICall? unstarted;
    private List<ICall>? moreUnstarted;

    /// <summary>The call to run next; null if there is none.</summary>
    public ICall? Next { get; private set; }

    /// <summary>Adds a future with its outcome; <see cref="Spread"/> tells its dependents.</summary>
    public void Ended(Future future)
    {
        if (first is null && others is not { Count: > 0 }) first = future;
        else (others ??= new()).Enqueue(future);
    }

    /// <summary>
    /// Adds a call that has ended without starting. Its scope is told last, when it is known whether the failure is observed.
    /// </summary>
    public void EndedUnstarted(ICall call, Future future)
    {
        if (unstarted is null) unstarted = call;
        else (moreUnstarted ??= []).Add(call);
        Ended(future);
    }

    /// <summary>Adds a call that may run and has its permits.</summary>
    public void Ready(ICall call)
    {
        if (Next is null && here is not null && ReferenceEquals(here, call.Scheduler)) Next = call;
        else call.Scheduler.Schedule(call);
    }

    /// <summary>Tells all dependents, in the order in which the futures have ended.</summary>
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
