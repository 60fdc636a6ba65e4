using Sluice.Policies;

namespace Sluice;

/// <summary>The options of one <see cref="Consecutor{T}.TrySendAsync"/> call. Immutable.</summary>
public sealed record SendOptions
{
    /// <summary>The most characters of an <see cref="IdempotencyKey"/>.</summary>
    public const int MaxKeyLength = 150;

    private const int MaxFingerprint = 64;

    private readonly string? key;
    private readonly ReadOnlyMemory<byte> fingerprint;

    /// <summary>The idempotency key; null by default. Items that are sent again under the same key within <see cref="IdempotencyWindow"/>
    /// are not accepted again. All senders of a consecutor share one set of keys.</summary>
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
    /// How long the store remembers the key, counted from the acceptance of its items; more than zero, one day by default. The store keeps
    /// one small record per accepted key, so the number of records is at most the accepted requests per second times this window.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Zero or less, or more than 49 days.</exception>
    public TimeSpan IdempotencyWindow { get; init => field = OptionValue.Limit(value, nameof(SendOptions)); } = TimeSpan.FromDays(1);

    /// <summary>A digest of the request, such as a hash of its bytes: 64 bytes at most. Another fingerprint under the same key is a
    /// <see cref="SendStatus.Conflict"/>. An empty fingerprint, the default, is not compared. Without a key, a send with a fingerprint is
    /// refused.</summary>
    /// <exception cref="ArgumentException">More than 64 bytes.</exception>
    public ReadOnlyMemory<byte> Fingerprint
    {
        get => fingerprint;
        init
        {
            if (value.Length > MaxFingerprint) throw new ArgumentException(
                $"A fingerprint has {MaxFingerprint} bytes at most; this one has {value.Length}.", Property(nameof(Fingerprint)));
            fingerprint = value;
        }
    }

    /// <summary>How long to wait for room before the answer is <see cref="SendStatus.Full"/>; zero by default.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative, or more than 49 days.</exception>
    public TimeSpan Timeout { get; init => field = OptionValue.Wait(value, nameof(SendOptions)); }

    internal static SendOptions Default { get; } = new();

    /// <summary>Returns the time at which <see cref="Timeout"/> is over, as a timestamp of the clock.</summary>
    internal long Until(TimeProvider time) => time.GetTimestamp() + (long)(Timeout.TotalSeconds * time.TimestampFrequency);

    /// <exception cref="ArgumentException">There is a fingerprint and no key.</exception>
    internal SendOptions Checked() => key is not null || fingerprint.IsEmpty ? this : throw new ArgumentException(
        "SendOptions.Fingerprint tells whether two requests under one IdempotencyKey are the same, and there is no key: give one.",
        "options");

    private static string Property(string name) => $"{nameof(SendOptions)}.{name}";
}

/// <summary>The outcome of a send.</summary>
public enum SendStatus
{
    /// <summary>The items are accepted, and as durable as the store.</summary>
    Accepted,

    /// <summary>The items were accepted before under the same key and are not accepted again. Also the answer if the store accepted this
    /// very call, but its first reply was lost.</summary>
    Repeated,

    /// <summary>Other items were accepted under the same key: another number of items, or another fingerprint. This send accepted
    /// nothing.</summary>
    Conflict,

    /// <summary>The stream had no room. This send accepted nothing; send again later.</summary>
    Full,
}

/// <summary>The answer to <see cref="Consecutor{T}.TrySendAsync"/>.</summary>
/// <param name="Status">The outcome.</param>
/// <param name="Count">How many items are accepted, now or earlier under the same key; zero if none is.</param>
public readonly record struct SendResult(SendStatus Status, long Count)
{
    /// <summary>With <see cref="SendStatus.Full"/>: how long to wait before trying again; null if the store does not know.</summary>
    public TimeSpan? RetryAfter { get; init; }
}
