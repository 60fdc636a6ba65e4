namespace Sluice.Graphs;

/// <summary>A call of a step, independent of its result type.</summary>
internal interface ICall : IThreadPoolWorkItem
{
    /// <summary>The name of the step.</summary>
    string Name { get; }

    RunScheduler Scheduler { get; }

    /// <summary>The scope of the call; null outside of scopes.</summary>
    StepScope? Scope { get; }

    /// <summary>The record of the call; null if the scope records nothing.</summary>
    CallRecord? Record { get; }

    /// <summary>Whether it may still start.</summary>
    bool IsUnstarted { get; }

    /// <summary>Whether it has started and not ended.</summary>
    bool IsRunning { get; }

    /// <summary>Changes the number of futures that its body awaits.</summary>
    void CountAwaits(int change);

    /// <summary>Its neighbour in the scope's list of outstanding calls; the scope's lock guards it.</summary>
    ICall? Before { get; set; }

    /// <inheritdoc cref="Before"/>
    ICall? Behind { get; set; }

    /// <summary>Runs the body, on a thread of the scheduler.</summary>
    /// <returns>A released call that this thread may run next; null if there is none.</returns>
    ICall? Run();

    /// <summary>Tells its scope that it has ended.</summary>
    void Leave();

    /// <summary>Cancels it: before its start it never runs, later its token is cancelled.</summary>
    void TryCancel(Failure cancellation, ref ReadyList released);
}
