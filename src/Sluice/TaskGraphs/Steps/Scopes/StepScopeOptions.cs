namespace Sluice;

/// <summary>How a <see cref="StepScope"/> works. Immutable.</summary>
public sealed record StepScopeOptions
{
    private readonly TimeSpan stopGrace = TimeSpan.FromSeconds(30);

    /// <summary>The name of the scope, for its picture; null for none.</summary>
    public string? Name { get; init; }

    /// <summary>The clock of time limits, waits between attempts, and timings.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Where steps run.</summary>
    public RunScheduler Scheduler { get; init; } = RunScheduler.ThreadPool;

    /// <summary>
    /// Whether calls are recorded, for <see cref="StepScope.Topology"/>. A record is kept for each call as long as the scope is: turn it off in a scope that lives as long as the process.
    /// </summary>
    public bool RecordsGraph { get; init; } = true;

    /// <summary>Whether <see cref="StepScope.Topology"/> tells the calls of one step apart by their arguments, <c>Fetch(1)</c>: numbers, times, and the beginning of texts. Turn it off where arguments are secrets.</summary>
    public bool ShowsArguments { get; init; } = true;

    /// <summary>
    /// Told whenever a call starts or ends, on the thread where that happens, so it should be quick; calls that happen at the same time may be told in any order. What it throws is
    /// reported like the failure of a step.
    /// </summary>
    public IProgress<StepProgress>? Progress { get; init; }

    /// <summary>
    /// Told of each failure that nobody has awaited when the scope comes to rest, or ends; <see cref="StepScope.Completion"/> then does not fail with it. Null: <see cref="StepScope.Completion"/> does.
    /// </summary>
    public Action<StepFailure>? OnUnobservedFailure { get; init; }

    /// <summary>
    /// How long <see cref="StepScope.DisposeAsync"/> waits for steps that do not heed their token. After that it ends without them, and names them in <see cref="StepScope.StillRunning"/>.
    /// Zero or more; 30 seconds unless given.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative, or more than 49 days.</exception>
    public TimeSpan StopTimeout
    {
        get => stopGrace;
        init => stopGrace = Waits.Check(value, nameof(StopTimeout));
    }
}
