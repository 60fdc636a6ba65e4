using Sluice.Diagnostics;
using Sluice.Policies;

namespace Sluice;

/// <summary>Options of a pipeline run.</summary>
public sealed record RunOptions
{
    /// <summary>The execution mode: <see cref="ExecutionMode.MultiThread"/> unless given.</summary>
    public ExecutionMode Mode { get; init; }

    /// <summary>
    /// The clock of all timed behaviour in the run: <see cref="TimeProvider.System"/> unless given. Tests pass their own.
    /// </summary>
    /// <exception cref="ArgumentNullException">The value is null.</exception>
    public TimeProvider Time { get; init => field = OptionValue.NotNull(value, nameof(RunOptions)); } = TimeProvider.System;

    /// <summary>The scheduler of the run's work. Unless given: the thread pool, or the starting thread in single-thread mode.</summary>
    public RunScheduler? Scheduler { get; init; }

    /// <summary>
    /// An object that all nodes of the run share; see <see cref="PipelineRun.State{TState}"/>. In multi-threaded runs it must be
    /// thread-safe.
    /// </summary>
    public object? State { get; init; }

    /// <summary>
    /// Whether the run tracks every root item to its end, so that <see cref="RunSnapshot.Roots"/> counts their outcomes.
    /// Off unless given: it costs some nanoseconds per item. Sinks that take an <see cref="ItemContext"/> turn it on.
    /// </summary>
    public bool TrackItems { get; init; }

    /// <summary>
    /// Whether the run records the time of each node (<see cref="NodeSnapshot.Time"/>) and its slowest items
    /// (<see cref="NodeSnapshot.Slowest"/>). Off unless given.
    /// </summary>
    /// <remarks>
    /// It reads the clock twice per item and node, and prevents the fusion of nodes. With it, <see cref="PipelineRun.StillRunning"/> names
    /// the one node whose synchronous code hangs, instead of a chain of nodes.
    /// </remarks>
    public bool RecordTimings { get; init; }

    /// <summary>The capacity of a boundary that has no capacity of its own: 1 or more items; 1,024 unless given.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is less than 1.</exception>
    public int MaxBufferedItems { get; init => field = OptionValue.AtLeast(1, value, nameof(RunOptions)); } = 1024;

    /// <summary>
    /// The named outputs that <see cref="PipelineRun.Output{T}"/> reads; none unless given. Items of other named outputs are counted and
    /// discarded.
    /// </summary>
    /// <exception cref="ArgumentNullException">The value is null.</exception>
    public IReadOnlyCollection<string> Outputs { get; init => field = [.. OptionValue.NotNull(value, nameof(RunOptions))]; } = [];

    /// <summary>
    /// Called with the run before its first item, on the thread that starts it. With it you can hold on to a single-threaded run,
    /// which may be over when Start returns. A consecutor calls it once, with the run of its items; the run of those that enter in the
    /// middle, such as redriven letters, stays its own.
    /// </summary>
    public Action<PipelineRun>? OnStarted { get; init => field = AsyncVoid.RefuseCallback(value, "RunOptions.OnStarted"); }

    /// <summary>The seed of all random numbers in the run, such as jitter; random unless given.</summary>
    public int? Seed { get; init; }

    /// <summary>The number of dead letters that the run keeps; the oldest are dropped first. 1 or more; 1,000 unless given.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is less than 1.</exception>
    public int MaxDeadLetters { get; init => field = OptionValue.AtLeast(1, value, nameof(RunOptions)); } = 1000;

    /// <summary>
    /// How long a cancelled or failed run waits for user code that ignores its token: zero or more; 30 seconds unless given.
    /// After that the run ends without the code, and <see cref="PipelineRun.StillRunning"/> names it. The deadline of a drain shortens it.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is negative, or more than 49 days.</exception>
    public TimeSpan StopTimeout { get; init => field = OptionValue.Wait(value, nameof(RunOptions)); } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Begins the scope of an item, such as a scope of a logger. It is called before the code of a node works on the item, and may return
    /// null for an item without a scope. Null, the default, costs nothing.
    /// </summary>
    /// <remarks>
    /// Called for functions and classes that take items, not for sources and for functions that choose branches. Parallel nodes call it
    /// from several threads at a time. It prevents the fusion of nodes, and the run tracks items, so that each has an
    /// <see cref="ItemContext.Id"/>. If the function throws, the item fails at the node.
    /// </remarks>
    public Func<ItemContext, ItemScope?>? BeginItem { get; init; }

    /// <summary>Returns the options of a run that its caller does not get, such as one behind a sequence.</summary>
    /// <exception cref="ArgumentException">They name outputs, and have no <see cref="OnStarted"/> that could pass the run to a
    /// reader.</exception>
    internal static RunOptions OfHiddenRun(RunOptions options)
        => options is not { Outputs.Count: > 0, OnStarted: null } ? options : throw new ArgumentException(
            $"The output '{options.Outputs.First()}' has no reader: it holds {options.MaxBufferedItems} items, and the run would wait "
                + "for ever. Use Start, read PipelineRun.Output and await PipelineRun.Completion; or get hold of the run with "
                + "RunOptions.OnStarted.", nameof(options));

    /// <summary>Whether nodes keep stages of their own, because something happens between them.</summary>
    internal bool KeepsNodesApart => RecordTimings || BeginItem is not null || Following is { IsTraced: true };

    /// <summary>Set for tracked runs, whose owner retries or buries failed items.</summary>
    internal ItemTracking? Following { get; init; }
}
