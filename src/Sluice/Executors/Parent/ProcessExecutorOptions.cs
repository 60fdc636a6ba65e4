using Sluice.Policies;

namespace Sluice.Flows;

/// <summary>Options of child processes that execute functions (<see cref="Executor.Processes"/>). Immutable.</summary>
public sealed record ProcessExecutorOptions
{
    /// <summary>The arguments of a child; null (the default) for those of this process.</summary>
    public IReadOnlyList<string>? Arguments { get; init => field = value is null ? null : [.. value]; }

    /// <summary>The program to start, or a <c>.dll</c> for <c>dotnet</c>; null (the default) for this program.</summary>
    public string? Program { get; init; }

    /// <summary>
    /// The largest payload of a value sent to or by a child, in bytes; a larger one fails its function. 1 byte to 1 GiB; default 16 MiB.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The size is out of range.</exception>
    public int MaxValueBytes
    {
        get;
        init => field = value is >= 1 and <= 1 << 30 ? value
            : throw new ArgumentOutOfRangeException(nameof(MaxValueBytes), value, "From 1 to 1,073,741,824.");
    } = 16 << 20;

    /// <summary>
    /// The time until a child connects, in real time; then it is killed, and the starts of its functions count. Default 30 seconds.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Zero, negative, or more than 49 days.</exception>
    public TimeSpan StartTimeout { get; init => field = Time(value, nameof(StartTimeout)); } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// The time in which a child that is no longer needed ends by itself, and in which a cancelled function ends, in real time. Then the
    /// child is killed. Default 5 seconds.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Zero, negative, or more than 49 days.</exception>
    public TimeSpan StopTimeout { get; init => field = Time(value, nameof(StopTimeout)); } = TimeSpan.FromSeconds(5);

    private static TimeSpan Time(TimeSpan value, string name)
        => value > TimeSpan.Zero ? Waits.Check(value, name) : throw new ArgumentOutOfRangeException(name, value, "More than zero.");
}
