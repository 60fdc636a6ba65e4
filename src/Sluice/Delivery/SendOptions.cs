namespace Sluice;

/// <summary>How something is sent by <see cref="Consecutor{T}.TrySendAsync"/>. Immutable.</summary>
public sealed record SendOptions
{
    /// <summary>The most characters of an <see cref="IdempotencyKey"/>.</summary>
    public const int MaxKeyLength = 150;

    private const int MaxFingerprint = 64;

    private readonly string? key;
    private readonly TimeSpan window = TimeSpan.FromDays(1);
    private readonly TimeSpan patience;
    private readonly ReadOnlyMemory<byte> fingerprint;

    /// <summary>What is sent under the same key again, within <see cref="IdempotencyWindow"/>, is not accepted again; null unless given. The keys of a consecutor are one set.</summary>
    /// <exception cref="ArgumentException">Empty, longer than 150 characters, or with control characters.</exception>
    public string? IdempotencyKey
    {
        get => key;
        init
        {
            if (value is not null) StreamNames.Check(value, Property(nameof(IdempotencyKey)), MaxKeyLength);
            key = value;
        }
    }

    /// <summary>
    /// How long the store remembers the key, from when its items are accepted; more than zero, one day unless given. What is kept is one small record for each key that
    /// was accepted within that time, so accepted requests in a second times this window bound their number.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Zero or less, or more than 49 days.</exception>
    public TimeSpan IdempotencyWindow
    {
        get => window;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(value, TimeSpan.Zero, Property(nameof(IdempotencyWindow)));
            window = Waits.Check(value, Property(nameof(IdempotencyWindow)));
        }
    }

    /// <summary>What the key stands for, such as a hash of what was received: another one under the same key is a <see cref="SendStatus.Conflict"/>. Not compared if empty; 64 bytes at most.</summary>
    /// <exception cref="ArgumentException">More than 64 bytes.</exception>
    public ReadOnlyMemory<byte> Fingerprint
    {
        get => fingerprint;
        init
        {
            if (value.Length > MaxFingerprint) throw new ArgumentException($"A fingerprint has {MaxFingerprint} bytes at most; this one has {value.Length}.", Property(nameof(Fingerprint)));
            fingerprint = value;
        }
    }

    /// <summary>How long to wait for room before the answer is <see cref="SendStatus.Full"/>; not at all unless given.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative, or more than 49 days.</exception>
    public TimeSpan Timeout
    {
        get => patience;
        init => patience = Waits.Check(value, Property(nameof(Timeout)));
    }

    internal static SendOptions Default { get; } = new();

    /// <summary>When the <see cref="Timeout"/> is over, as a timestamp of the clock.</summary>
    internal long Until(TimeProvider time) => time.GetTimestamp() + (long)(patience.TotalSeconds * time.TimestampFrequency);

    private static string Property(string name) => $"{nameof(SendOptions)}.{name}";
}

/// <summary>What became of something that was sent.</summary>
public enum SendStatus
{
    /// <summary>Accepted, and as durable as the store.</summary>
    Accepted,

    /// <summary>It was accepted before, under the same key, and is not accepted again. Also if the store's answer to this very call was lost and asked for again.</summary>
    Repeated,

    /// <summary>Something else was accepted under the same key: another number of items, or another fingerprint. Nothing was accepted.</summary>
    Conflict,

    /// <summary>There was no room. Nothing was accepted; send it again later.</summary>
    Full,
}

/// <summary>The answer to <see cref="Consecutor{T}.TrySendAsync"/>.</summary>
/// <param name="Status">What became of it.</param>
/// <param name="Count">How many items are accepted, now or before; zero if nothing is.</param>
public readonly record struct SendResult(SendStatus Status, long Count)
{
    /// <summary>If it is full: when there may be room, if the store knows.</summary>
    public TimeSpan? RetryAfter { get; init; }
}
