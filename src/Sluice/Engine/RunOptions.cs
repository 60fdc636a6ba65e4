namespace Sluice;

/// <summary>How a pipeline is to be run.</summary>
public sealed record RunOptions
{
    private readonly TimeProvider time = TimeProvider.System;
    private readonly IReadOnlyCollection<string> outputs = [];
    private readonly int capacity = 1024;
    private readonly int deadLetterCapacity = 1000;
    private readonly TimeSpan stopGrace = TimeSpan.FromSeconds(30);

    /// <summary>Multi-threaded unless given.</summary>
    public ExecutionMode Mode { get; init; }

    /// <summary>The clock of everything timed in the run. The system's unless given; a test gives its own.</summary>
    /// <exception cref="ArgumentNullException">Null.</exception>
    public TimeProvider Time
    {
        get => time;
        init => time = NotNull(value, nameof(Time));
    }

    /// <summary>Where the run's work is executed. The thread pool unless given; not used in single-thread mode unless given.</summary>
    public RunScheduler? Scheduler { get; init; }

    /// <summary>An object that all nodes of the run share; see <see cref="PipelineRun.State{TState}"/>. It must be safe for use by several threads when the run has several.</summary>
    public object? State { get; init; }

    /// <summary>
    /// Whether every root item is followed to its end, so that <see cref="RunSnapshot.Roots"/> tells what became of all of
    /// them. Off unless given: it costs some nanoseconds an item. Sinks that take an <see cref="ItemContext"/> turn it on.
    /// </summary>
    public bool TrackItems { get; init; }

    /// <summary>
    /// Whether each node's time is recorded (<see cref="NodeSnapshot.Time"/>). Off unless given: it takes two looks at the clock for each item and node, and nodes are not joined. It also makes
    /// <see cref="PipelineRun.StillRunning"/> name the one node whose synchronous code hangs, not the chain of nodes that it stands in.
    /// </summary>
    public bool RecordTimings { get; init; }

    /// <summary>How many items a boundary holds where no other number is asked for: 1 or more; 1,024 unless given.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than 1.</exception>
    public int MaxBufferedItems
    {
        get => capacity;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 1, Property(nameof(MaxBufferedItems)));
            capacity = value;
        }
    }

    /// <summary>Names of node outputs whose items are kept for <see cref="PipelineRun.Output{T}"/>. What goes to other named outputs is counted and discarded.</summary>
    /// <exception cref="ArgumentNullException">Null.</exception>
    public IReadOnlyCollection<string> Outputs
    {
        get => outputs;
        init => outputs = NotNull(value, nameof(Outputs));
    }

    /// <summary>
    /// Called with the run before its first item, on the thread that starts it: the way to hold on to a single-threaded
    /// run, which is over when Start returns.
    /// </summary>
    public Action<PipelineRun>? OnStarted { get; init; }

    /// <summary>Seed of everything random in the run, such as jitter; random unless given.</summary>
    public int? Seed { get; init; }

    /// <summary>How many dead letters are kept; older ones go first. 1 or more; 1,000 unless given.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than 1.</exception>
    public int MaxDeadLetters
    {
        get => deadLetterCapacity;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 1, Property(nameof(MaxDeadLetters)));
            deadLetterCapacity = value;
        }
    }

    /// <summary>
    /// How long a cancelled or failed run waits for user code that does not honour its token. After that it ends without
    /// it and names it in <see cref="PipelineRun.StillRunning"/>. Zero or more; 30 seconds unless given. The deadline of a drain cuts it short.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative, or more than 49 days.</exception>
    public TimeSpan StopTimeout
    {
        get => stopGrace;
        init => stopGrace = Waits.Check(value, Property(nameof(StopTimeout)));
    }

    /// <summary>Set for runs that follow their items for somebody else.</summary>
    internal ItemTracking? Following { get; init; }

    private static TValue NotNull<TValue>(TValue? value, string property) where TValue : class
        => value ?? throw new ArgumentNullException(Property(property), $"{Property(property)} cannot be null. Leave it out to have what is there unless given.");

    private static string Property(string name) => $"{nameof(RunOptions)}.{name}";
}
