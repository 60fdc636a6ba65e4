using Sluice.Diagnostics;
using Sluice.Policies;

namespace Sluice.Graphs;

/// <summary>Options of a <see cref="StepScope"/>. Immutable.</summary>
public sealed record StepScopeOptions
{
    private readonly TimeSpan stopGrace = TimeSpan.FromSeconds(30);

    /// <summary>The name of the scope, for its drawing; null for none.</summary>
    public string? Name { get; init; }

    /// <summary>The clock of timeouts, pauses between attempts, and timings; default the system's.</summary>
    /// <exception cref="ArgumentNullException">The value is null.</exception>
    public TimeProvider Time { get; init => field = OptionValue.NotNull(value, nameof(StepScopeOptions)); } = TimeProvider.System;

    /// <summary>The scheduler that runs the steps; default the thread pool.</summary>
    /// <exception cref="ArgumentNullException">The value is null.</exception>
    public RunScheduler Scheduler { get; init => field = OptionValue.NotNull(value, nameof(StepScopeOptions)); } = RunScheduler.ThreadPool;

    /// <summary>
    /// The seed of the jitter of retries in the scope. Null (the default): unpredictable.
    /// </summary>
    /// <remarks>For repeatable tests, together with a seeded <see cref="Scheduler"/> and a test clock.</remarks>
    public int? Seed { get; init; }

    /// <summary>
    /// Whether calls are recorded for <see cref="StepScope.Topology"/>; default true. Each call costs a record for the life of the scope,
    /// so turn it off in a scope that lives as long as the process.
    /// </summary>
    public bool RecordsGraph { get; init; } = true;

    /// <summary>
    /// Whether <see cref="StepScope.Topology"/> shows arguments, <c>Fetch(1)</c>: numbers, times, the beginning of texts; default true.
    /// Turn it off if arguments are secrets.
    /// </summary>
    public bool ShowsArguments { get; init; } = true;

    /// <summary>
    /// Receives a report when a call starts or ends, on the thread of that call, so it must be quick. Reports of concurrent calls have no
    /// fixed order.
    /// </summary>
    /// <remarks>Its exceptions are reported like failures of steps.</remarks>
    public IProgress<StepProgress>? Progress { get; init; }

    /// <summary>
    /// Receives each failure that was not awaited, when the scope has no outstanding call, or ends. Once 1,000 failures wait for that, it
    /// receives all but the first 500 at once. Null (the default): <see cref="StepScope.Completion"/> fails with it instead.
    /// </summary>
    /// <remarks>The scope ends behind the handler, so the handler must not wait for the end of the scope. Several threads may call it at
    /// once.</remarks>
    public Action<StepFailure>? OnUnobservedFailure
    {
        get;
        init => field = AsyncVoid.RefuseCallback(value, "StepScopeOptions.OnUnobservedFailure");
    }

    /// <summary>
    /// How long <see cref="StepScope.DisposeAsync"/> waits for steps that ignore their token. Zero to 49 days; default 30 seconds.
    /// </summary>
    /// <remarks>After that, it ends without them, and <see cref="StepScope.StillRunning"/> names them.</remarks>
    /// <exception cref="ArgumentOutOfRangeException">The time is out of range.</exception>
    public TimeSpan StopTimeout
    {
        get => stopGrace;
        init => stopGrace = Waits.Check(value, nameof(StopTimeout));
    }
}
