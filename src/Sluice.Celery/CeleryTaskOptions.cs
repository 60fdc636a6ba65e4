using Sluice.Storage;

namespace Sluice.Celery;

/// <summary>How the value of a call becomes the arguments of a Celery task.</summary>
public enum CeleryArguments
{
    /// <summary>The value is the only argument.</summary>
    Single,

    /// <summary>
    /// The elements of the value, an array or a tuple, are the arguments in their order. A serializer that leaves elements of a tuple out,
    /// such as those that are null, fails the call.
    /// </summary>
    Positional,

    /// <summary>The members of the value are the arguments by name. Names are those of the serializer's JSON.</summary>
    Named,
}

/// <summary>Options of a task of a Celery application (<see cref="CeleryClient.Task"/>). Immutable.</summary>
public sealed record CeleryTaskOptions
{
    /// <summary>The arguments; default <see cref="CeleryArguments.Single"/>.</summary>
    public CeleryArguments Arguments { get; init; }

    /// <summary>Queue, priority and time limits. The default queue is Celery's, <c>celery</c>.</summary>
    /// <exception cref="ArgumentNullException">The value is null.</exception>
    public CeleryRoute Route { get; init => field = value ?? throw new ArgumentNullException(nameof(value)); } = new();

    /// <summary>The serializers of arguments and results, which must write JSON; default JSON with the names of C#.</summary>
    /// <exception cref="ArgumentNullException">The value is null.</exception>
    public PayloadSerializers Serializers { get; init => field = value ?? throw new ArgumentNullException(nameof(value)); }
        = PayloadSerializers.Json;

    /// <summary>
    /// How long a call waits for the result, in real time; then it fails. Tasks whose worker was killed, whose result has expired, or that
    /// ignore their result have none. Default 1 hour.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Zero, negative, or more than 49 days.</exception>
    public TimeSpan ResultTimeout
    {
        get;
        init => field = value > TimeSpan.Zero && value <= TimeSpan.FromDays(49) ? value
            : throw new ArgumentOutOfRangeException(nameof(ResultTimeout), value, "More than zero, and at most 49 days.");
    } = TimeSpan.FromHours(1);

    /// <summary>The largest arguments, and the largest result, in bytes of JSON. 1 byte to 1 GiB; default 16 MiB.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The size is out of range.</exception>
    public int MaxValueBytes
    {
        get;
        init => field = value is >= 1 and <= 1 << 30 ? value
            : throw new ArgumentOutOfRangeException(nameof(MaxValueBytes), value, "From 1 to 1,073,741,824.");
    } = 16 << 20;
}
