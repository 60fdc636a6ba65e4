namespace Sluice;

/// <summary>How worker processes are run; see <see cref="Pipe.InProcesses"/>. Immutable.</summary>
public sealed record ProcessOptions
{
    /// <summary>How many processes, 1 to 256; as many as there are processors unless given.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public int Workers { get; init => field = Within(value, 1, 256, nameof(Workers)); } = Math.Clamp(Environment.ProcessorCount, 1, 256);

    /// <summary>What a worker's arguments are behind the two that say that it is one, and which; none unless given.</summary>
    /// <exception cref="ArgumentNullException">Null.</exception>
    public IReadOnlyList<string> Arguments { get; init => field = value ?? throw new ArgumentNullException(nameof(value)); } = [];

    /// <summary>The file that is started, or the <c>.dll</c> that <c>dotnet</c> is given; this program itself unless given.</summary>
    public string? Program { get; init; }

    /// <summary>How items and results travel: the same as those of the body (<see cref="WorkerBody.Of"/>); JSON unless given.</summary>
    /// <exception cref="ArgumentNullException">Null.</exception>
    public PayloadSerializers Serializers { get; init => field = value ?? throw new ArgumentNullException(nameof(value)); } = PayloadSerializers.Json;

    /// <summary>
    /// How many items a worker has at a time, 1 to 4,096. Null, as it is unless given, lets it have what it does in about 5 ms, as measured, one at least: give a number where the body waits for something, and has
    /// stages that are <see cref="Stage.Parallel"/>. With a <see cref="Stage.Timeout"/> it has one.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public int? MaxItemsPerWorker { get; init => field = value is { } number ? Within(number, 1, 4096, nameof(MaxItemsPerWorker)) : null; }

    /// <summary>The longest payload of an item, and of all results of an item together, in bytes; 16 MiB unless given, 1 GiB at most.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public int MaxItemBytes { get; init => field = Within(value, 1, 1 << 30, nameof(MaxItemBytes)); } = 16 << 20;

    /// <summary>How many workers an item may end that works on nothing else, before it is given up as <see cref="Stage.OnError"/> says; 1 or more; 3 unless given.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than 1.</exception>
    public int MaxCrashes { get; init => field = Within(value, 1, int.MaxValue, nameof(MaxCrashes)); } = 3;

    /// <summary>How many workers in a row may end before they have got to work, until the run fails; 1 or more; 5 unless given.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than 1.</exception>
    public int MaxFailedStarts { get; init => field = Within(value, 1, int.MaxValue, nameof(MaxFailedStarts)); } = 5;

    /// <summary>How long a worker may take until it connects, in real time; 30 seconds unless given.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Zero, negative, or more than 49 days.</exception>
    public TimeSpan StartTimeout { get; init => field = Time(value, nameof(StartTimeout)); } = TimeSpan.FromSeconds(30);

    /// <summary>How long a worker may take to end by itself when it is not needed any more, in real time; then it is killed. 5 seconds unless given.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Zero, negative, or more than 49 days.</exception>
    public TimeSpan StopTimeout { get; init => field = Time(value, nameof(StopTimeout)); } = TimeSpan.FromSeconds(5);

    private static int Within(int value, int least, int most, string name)
        => value >= least && value <= most ? value : throw new ArgumentOutOfRangeException($"{nameof(ProcessOptions)}.{name}", value, $"From {least:N0} to {most:N0}.");

    private static TimeSpan Time(TimeSpan value, string name)
        => value > TimeSpan.Zero ? Waits.Check(value, $"{nameof(ProcessOptions)}.{name}") : throw new ArgumentOutOfRangeException($"{nameof(ProcessOptions)}.{name}", value, "More than zero.");
}
