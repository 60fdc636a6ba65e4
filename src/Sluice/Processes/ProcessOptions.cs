using Sluice.Policies;

namespace Sluice;

/// <summary>Options of worker processes (<see cref="Pipe.InProcesses"/>). Immutable.</summary>
public sealed record ProcessOptions
{
    internal const int MaxWorkers = 256;

    /// <summary>The number of worker processes, 1 to 256; default one per processor.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The number is out of range.</exception>
    public int Workers
    {
        get => field == 0 ? Math.Clamp(Environment.ProcessorCount, 1, MaxWorkers) : field;
        init => (field, HasWorkers) = (Within(value, 1, MaxWorkers, nameof(Workers)), true);
    }

    /// <summary>Whether <see cref="Workers"/> was set.</summary>
    internal bool HasWorkers { get; private init; }

    /// <summary>The arguments of a worker, after the two that mark it as a worker and name its body; default none.</summary>
    /// <exception cref="ArgumentNullException">The list is null.</exception>
    public IReadOnlyList<string> Arguments
    {
        get;
        init => field = [.. value ?? throw new ArgumentNullException(nameof(value))];
    } = [];

    /// <summary>The program to start, or a <c>.dll</c> for <c>dotnet</c>; null (the default) for this program. .NET looks a name without a
    /// directory up in the folder of this program and in the current directory, before the <c>PATH</c>.</summary>
    public string? Program { get; init; }

    /// <summary>The serializers of items and results, the same as the body's (<see cref="WorkerBody.Of"/>); default JSON.</summary>
    /// <exception cref="ArgumentNullException">The value is null.</exception>
    public PayloadSerializers Serializers
    {
        get; init
        => field = value ?? throw new ArgumentNullException(nameof(value));
    } = PayloadSerializers.Json;

    /// <summary>
    /// The number of items a worker has at a time, 1 to 4,096; null (the default) for about 5 ms of work, as measured, at least one.
    /// </summary>
    /// <remarks>
    /// Set it if the body waits for something and has <see cref="Stage.Parallel"/> stages. Set 1 if a few items take much longer than most:
    /// the other items of a worker wait behind a slow one. With the default, a worker that has not answered for 50 ms gets no more items.
    /// With a <see cref="Stage.Timeout"/>, a worker has one item.
    /// </remarks>
    /// <exception cref="ArgumentOutOfRangeException">The number is out of range.</exception>
    public int? MaxItemsPerWorker { get; init => field = value is { } number ? Within(number, 1, 4096, nameof(MaxItemsPerWorker)) : null; }

    /// <summary>The largest payload of an item, and of all its results together, in bytes. 1 byte to 1 GiB; default 16 MiB.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The size is out of range.</exception>
    public int MaxItemBytes { get; init => field = Within(value, 1, 1 << 30, nameof(MaxItemBytes)); } = 16 << 20;

    /// <summary>
    /// The number of workers that one item, alone, may end before it fails as <see cref="Stage.OnError"/> says. At least 1; default 3.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The number is less than 1.</exception>
    public int MaxCrashes { get; init => field = Within(value, 1, int.MaxValue, nameof(MaxCrashes)); } = 3;

    /// <summary>The number of starts of workers in a row that may fail until the run fails. At least 1; default 5.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The number is less than 1.</exception>
    public int MaxFailedStarts { get; init => field = Within(value, 1, int.MaxValue, nameof(MaxFailedStarts)); } = 5;

    /// <summary>
    /// The time until a worker connects, in real time; then it is killed. As long, a start is repeated on a machine that is short of
    /// processes, memory or files. Default 30 seconds.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Zero, negative, or more than 49 days.</exception>
    public TimeSpan StartTimeout { get; init => field = Time(value, nameof(StartTimeout)); } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// The time in which a worker that is no longer needed ends by itself, in real time; then it is killed. Default 5 seconds.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Zero, negative, or more than 49 days.</exception>
    public TimeSpan StopTimeout { get; init => field = Time(value, nameof(StopTimeout)); } = TimeSpan.FromSeconds(5);

    private static int Within(int value, int least, int most, string name)
        => value >= least && value <= most ? value : throw new ArgumentOutOfRangeException($"{nameof(ProcessOptions)}.{name}", value,
        $"From {least:N0} to {most:N0}.");

    private static TimeSpan Time(TimeSpan value, string name)
        => value > TimeSpan.Zero ? Waits.Check(value, $"{nameof(ProcessOptions)}.{name}")
        : throw new ArgumentOutOfRangeException($"{nameof(ProcessOptions)}.{name}", value, "More than zero.");
}
