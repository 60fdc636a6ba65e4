namespace Sluice;

/// <summary>How child processes are run that execute functions of processors; see <see cref="Executor.Processes"/>. Immutable.</summary>
public sealed record ProcessExecutorOptions
{
    /// <summary>The arguments of a child; null, as it is unless given, for those of this process.</summary>
    public IReadOnlyList<string>? Arguments { get; init; }

    /// <summary>The file that is started, or the <c>.dll</c> that <c>dotnet</c> is given; this program itself unless given.</summary>
    public string? Program { get; init; }

    /// <summary>The longest payload of a value that goes to a child or comes from one, in bytes; 16 MiB unless given, 1 GiB at most. A longer one fails its function.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public int MaxValueBytes
    {
        get;
        init => field = value is >= 1 and <= 1 << 30 ? value : throw new ArgumentOutOfRangeException(nameof(MaxValueBytes), value, "From 1 to 1,073,741,824.");
    } = 16 << 20;

    /// <summary>How long a child may take until it connects, in real time; 30 seconds unless given. Then it is killed, and what was to be executed there has been started in vain.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Zero, negative, or more than 49 days.</exception>
    public TimeSpan StartTimeout { get; init => field = Time(value, nameof(StartTimeout)); } = TimeSpan.FromSeconds(30);

    /// <summary>How long a child may take to end by itself when it is not needed any more, and a function to end after it was cancelled, in real time; then it is killed. 5 seconds unless given.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Zero, negative, or more than 49 days.</exception>
    public TimeSpan StopTimeout { get; init => field = Time(value, nameof(StopTimeout)); } = TimeSpan.FromSeconds(5);

    private static TimeSpan Time(TimeSpan value, string name)
        => value > TimeSpan.Zero ? Waits.Check(value, name) : throw new ArgumentOutOfRangeException(name, value, "More than zero.");
}
