using Sluice.Membership;
using Sluice.Policies;

namespace Sluice.Flows;

/// <summary>Options of a supervisor: how a service takes part in flows.</summary>
public sealed record SupervisorOptions
{
    private static readonly TimeSpan TenYears = TimeSpan.FromDays(3650);

    /// <summary>
    /// The name of this service, unique among the services on the store; 1 to 100 characters. Default: machine, process and a random part.
    /// </summary>
    public string Name { get; init => field = Checked(value); } = Default();

    /// <summary>
    /// How long a service may be silent before other services take over its processors. 100 milliseconds to 1 hour; default 15 seconds.
    /// There are three heartbeats per lease duration.
    /// </summary>
    public TimeSpan LeaseDuration
    {
        get;
        init => field = value >= TimeSpan.FromMilliseconds(100) && value <= TimeSpan.FromHours(1) ? value
            : throw new ArgumentOutOfRangeException(nameof(LeaseDuration),
            $"The lease duration is 100 milliseconds to an hour, not {value}.");
    } = TimeSpan.FromSeconds(15);

    /// <summary>
    /// The number of partitions of a processor's work stream: at most so many services host runs of the processor at a time. 1 to 4,096;
    /// default 16.
    /// </summary>
    /// <remarks>
    /// The first service on the store sets it. A service with another number uses the stored one, with a warning.
    /// To change it, stop the services while the processor has no runs, and call <c>store.DeleteStreamAsync("work/PROCESSOR")</c>.
    /// </remarks>
    /// <exception cref="ArgumentOutOfRangeException">The number is out of range.</exception>
    public int? WorkPartitions
    {
        get;
        init => field = value is null or (>= 1 and <= 4096) ? value
            : throw new ArgumentOutOfRangeException(nameof(WorkPartitions), $"Work is divided into 1 to 4,096 parts, not {value}.");
    }

    /// <summary>The serializers of values; default JSON.</summary>
    /// <exception cref="ArgumentNullException">The value is null.</exception>
    public PayloadSerializers Serializers
    {
        get;
        init => field = OptionValue.NotNull(value, nameof(SupervisorOptions));
    } = PayloadSerializers.Json;

    /// <summary>The services that functions can have as parameters; default none.</summary>
    public ProcessorServices? Services { get; init; }

    /// <summary>
    /// Executes the functions; default in this process. An executor that is <see cref="IAsyncDisposable"/> is disposed with the supervisor.
    /// </summary>
    public IExecutor? Executor { get; init; }

    /// <summary>
    /// The largest number of starts of a processor without progress, before the run fails because its hosts, child processes or workers
    /// died each time. At least 1; default 5. Handovers do not count, nor do deaths while the processor waits for its slot
    /// (<see cref="MaxConcurrency"/>) or its worker (<see cref="ProcessorCall.WaitForPlaceAsync"/>), or, called without a value, has
    /// waited for its first one for a minute. A commit that moves the processor's position in an input, or saves a state, begins the count
    /// anew; a processor that resumes from scratch has no such commits.
    /// </summary>
    public int MaxStarts
    {
        get;
        init => field = value >= 1 ? value : throw new ArgumentOutOfRangeException(nameof(MaxStarts),
            $"A processor is started at least once, not {value} times.");
    } = 5;

    /// <summary>How long a function waits for its first value before its start no longer counts for <see cref="MaxStarts"/>.</summary>
    internal TimeSpan IdleStart { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>
    /// How long unread results are kept for the service that started the run, after the end of the run or the death of the service.
    /// More than zero, 10 years at most; default 1 day. With a run that is removed (<see cref="RunRetentionDuration"/>), its results go.
    /// </summary>
    /// <remarks>While the run lasts and the service has a <see cref="FlowRun"/> of it, results are kept however long that is.</remarks>
    public TimeSpan ResultRetentionDuration
    {
        get;
        init => field = value > TimeSpan.Zero && value <= TenYears ? value
            : throw new ArgumentOutOfRangeException(nameof(ResultRetentionDuration),
            $"Results are kept for some time, {TenYears.TotalDays:N0} days at most, not for {value}.");
    } = TimeSpan.FromDays(1);

    /// <summary>
    /// How long an ended run stays in the store, with its unread results. Not negative; <see cref="Timeout.InfiniteTimeSpan"/> for ever;
    /// default 1 day. Every service on the store enforces it.
    /// </summary>
    public TimeSpan RunRetentionDuration
    {
        get;
        init => field = value >= TimeSpan.Zero || value == Timeout.InfiniteTimeSpan ? value
            : throw new ArgumentOutOfRangeException(nameof(RunRetentionDuration),
            $"How long a run that has ended is kept is not negative, so it cannot be {value}; Timeout.InfiniteTimeSpan keeps it for ever.");
    } = TimeSpan.FromDays(1);

    /// <summary>
    /// The largest number of functions that work at a time in this service. At least 1; default unlimited. A function that waits for a
    /// value or for room does not count. While as many starts of a processor wait, its further runs are left to other services.
    /// </summary>
    public int? MaxConcurrency
    {
        get;
        init => field = value is null or >= 1 ? value
            : throw new ArgumentOutOfRangeException(nameof(MaxConcurrency), $"There is at least one slot, not {value}.");
    }

    /// <summary>
    /// How long a loop over results that does not go on holds up the writer. More than zero, 49 days at most; default 30 seconds. After
    /// that, and while no loop reads, values are kept, up to <see cref="FlowStreamOptions.MaxKept"/>.
    /// </summary>
    public TimeSpan ReaderTimeout
    {
        get;
        init => field = value > TimeSpan.Zero && value <= Waits.Longest ? value
            : throw new ArgumentOutOfRangeException(nameof(ReaderTimeout),
            $"A reader of results may take some time, {Waits.Longest.TotalDays:N0} days at most, not {value}.");
    } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// How long <see cref="Supervisor.DisposeAsync"/> waits for functions that do not heed their token, before it leaves them behind. Zero
    /// to 49 days, or <see cref="Timeout.InfiniteTimeSpan"/>; default 30 seconds. <see cref="Supervisor.StopAsync"/> has a
    /// deadline instead.
    /// </summary>
    public TimeSpan StopTimeout
    {
        get;
        init => field = value == Timeout.InfiniteTimeSpan ? value : Waits.Check(value, nameof(StopTimeout));
    } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Receives warnings, one line each, on any thread. Default: the event source <c>Sluice</c> and, each text once, standard error;
    /// exceptions of the callback go there, too.
    /// </summary>
    public Action<string>? OnWarning { get; init => field = AsyncVoid.RefuseCallback(value, "SupervisorOptions.OnWarning"); }

    /// <summary>
    /// Receives the details of warnings, on any thread, after the warning: the exception of a failed function with its stack, in several
    /// lines. For the level Debug of a log. Default: the event source <c>Sluice</c>, as verbose events.
    /// </summary>
    public Action<string>? OnDetails { get; init => field = AsyncVoid.RefuseCallback(value, "SupervisorOptions.OnDetails"); }

    /// <summary>The clock; default the system's.</summary>
    /// <exception cref="ArgumentNullException">The value is null.</exception>
    public TimeProvider Time { get; init => field = OptionValue.NotNull(value, nameof(SupervisorOptions)); } = TimeProvider.System;

    // Several services in one process need different names.
    private static string Default() => MemberInstance.NameOfProcess(Guid.NewGuid().ToString("N"));

    private static string Checked(string name)
    {
        FlowNames.CheckReader(name, nameof(Name));
        return name;
    }
}
