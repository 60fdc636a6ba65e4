namespace Sluice;

/// <summary>How a service takes part in flows.</summary>
public sealed record SupervisorOptions
{
    private static readonly TimeSpan TenYears = TimeSpan.FromDays(3650);

    /// <summary>This service's name among all that use the store: 1 to 100 characters, unique. Made of machine, process and a random part unless given.</summary>
    public string Name { get; init => field = Checked(value); } = Default();

    /// <summary>How long a service may be silent before others take over what it hosts; 100 milliseconds to an hour, 15 seconds unless given. It gives a sign of life three times in it.</summary>
    public TimeSpan LeaseDuration
    {
        get;
        init => field = value >= TimeSpan.FromMilliseconds(100) && value <= TimeSpan.FromHours(1) ? value
            : throw new ArgumentOutOfRangeException(nameof(LeaseDuration), $"The lease duration is 100 milliseconds to an hour, not {value}.");
    } = TimeSpan.FromSeconds(15);

    /// <summary>
    /// Into how many parts the work of a processor is divided when it is given out for the first time, by whichever service is first: so many services can host runs of it at a time. 1 to 4,096; 16 unless given.
    /// </summary>
    /// <remarks>What is in the store decides, for as long as it is there: a service that says another number goes by the store's, with a warning. To change it, delete the stream <c>work/PROCESSOR</c> while no run of the processor is under way.</remarks>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public int? WorkPartitions
    {
        get;
        init => field = value is null or (>= 1 and <= 4096) ? value : throw new ArgumentOutOfRangeException(nameof(WorkPartitions), $"Work is divided into 1 to 4,096 parts, not {value}.");
    }

    /// <summary>How values become bytes; JSON unless given.</summary>
    public PayloadSerializers Serializers { get; init; } = PayloadSerializers.Json;

    /// <summary>Where functions get services from; there are none unless given.</summary>
    public ProcessorServices? Services { get; init; }

    /// <summary>Where functions are executed; in this process unless given. One that is <see cref="IAsyncDisposable"/> is disposed with the supervisor.</summary>
    public IExecutor? Executor { get; init; }

    /// <summary>How often a processor of one run is started before the run fails because its hosts die, or the processes in which they have it executed; at least one, 5 unless given. Handing over does not count.</summary>
    public int MaxStarts
    {
        get;
        init => field = value >= 1 ? value : throw new ArgumentOutOfRangeException(nameof(MaxStarts), $"A processor is started at least once, not {value} times.");
    } = 5;

    /// <summary>How long results are kept for a service that has started a run and does not come to read them; a day unless given, more than zero, ten years at most.</summary>
    public TimeSpan ResultRetentionDuration
    {
        get;
        init => field = value > TimeSpan.Zero && value <= TenYears ? value
            : throw new ArgumentOutOfRangeException(nameof(ResultRetentionDuration), $"Results are kept for some time, {TenYears.TotalDays:N0} days at most, not for {value}.");
    } = TimeSpan.FromDays(1);

    /// <summary>How long a run stays in the store after it has ended, with the results that nobody has read; a day unless given, <see cref="Timeout.InfiniteTimeSpan"/> for ever. Every service on the store looks after that.</summary>
    public TimeSpan RunRetentionDuration
    {
        get;
        init => field = value >= TimeSpan.Zero || value == Timeout.InfiniteTimeSpan ? value
            : throw new ArgumentOutOfRangeException(nameof(RunRetentionDuration), $"How long a run that has ended is kept is not negative, so it cannot be {value}; Timeout.InfiniteTimeSpan keeps it for ever.");
    } = TimeSpan.FromDays(1);

    /// <summary>
    /// How many functions may be at work at a time in this service; all unless given, at least one. One that waits for a value, or for room, is not at work: the next may go on meanwhile.
    /// </summary>
    public int? MaxConcurrency
    {
        get;
        init => field = value is null or >= 1 ? value : throw new ArgumentOutOfRangeException(nameof(MaxConcurrency), $"There is at least one slot, not {value}.");
    }

    /// <summary>
    /// How long a reader of results that does not read on holds up who writes them; half a minute unless given, more than zero, 49 days at most. After that they are kept, up to <see cref="FlowStreamOptions.MaxKept"/>.
    /// </summary>
    public TimeSpan ReaderTimeout
    {
        get;
        init => field = value > TimeSpan.Zero && value <= Waits.Longest ? value
            : throw new ArgumentOutOfRangeException(nameof(ReaderTimeout), $"A reader of results may take some time, {Waits.Longest.TotalDays:N0} days at most, not {value}.");
    } = TimeSpan.FromSeconds(30);

    /// <summary>Told what people should know and nobody fails of; called from any thread. Unless given, warnings go to the event source <c>Sluice</c> and, each text once, to standard error; there is also told what it throws.</summary>
    public Action<string>? OnWarning { get; init; }

    /// <summary>Where time comes from; the system's unless given.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    // Several services of one process have names of their own.
    private static string Default() => MemberInstance.NameOfProcess(Guid.NewGuid().ToString("N"));

    private static string Checked(string name)
    {
        FlowNames.Check(name, nameof(Name));
        return name;
    }
}
