namespace Sluice;

/// <summary>A call of a step, whatever its result.</summary>
internal interface ICall : IThreadPoolWorkItem
{
    /// <summary>The step's.</summary>
    string Name { get; }

    RunScheduler Scheduler { get; }

    /// <summary>In which it was made; null outside of scopes.</summary>
    StepScope? Scope { get; }

    /// <summary>What is remembered of it; null where nothing is.</summary>
    CallRecord? Record { get; }

    /// <summary>Whether it may still start.</summary>
    bool IsUnstarted { get; }

    /// <summary>Whether it has started and has not ended.</summary>
    bool IsRunning { get; }

    /// <summary>So many more, or fewer, futures are awaited by its body.</summary>
    void CountAwaits(int change);

    /// <summary>Its neighbours among what is outstanding in its scope; under the scope's lock.</summary>
    ICall? Before { get; set; }

    /// <inheritdoc cref="Before"/>
    ICall? Behind { get; set; }

    /// <summary>Runs the body, on a thread of the scheduler.</summary>
    /// <returns>A call that its end has released and that this thread may go on with; null if there is none.</returns>
    ICall? Run();

    /// <summary>Tells its scope that it is over.</summary>
    void Leave();

    /// <summary>Cancels it: it never starts, or its token is cancelled.</summary>
    void TryCancel(Failure cancellation, ref ReadyList released);
}
