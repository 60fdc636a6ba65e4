using System.Globalization;

namespace Sluice;

/// <summary>What a consecutor does for an item that it has accepted. A value; compare it, or read its parts.</summary>
/// <remarks>With a durable store every level but <see cref="None"/> delivers again what was under way when the process died.</remarks>
public sealed record DeliveryGuarantee
{
    private DeliveryGuarantee(DeliveryLevel level, int count, Backoff backoff) => (Level, Count, Backoff) = (level, count, backoff);

    /// <summary>Items are let go when they are handed to the pipeline: one that fails, or is under way when the process dies, is gone. It is counted.</summary>
    public static DeliveryGuarantee None { get; } = new(DeliveryLevel.None, 0, Backoff.None);

    /// <summary>Every item is followed to its end, and failures are counted: did everything complete? A failed item is not tried again, nor kept.</summary>
    public static DeliveryGuarantee Confirm { get; } = new(DeliveryLevel.Confirm, 0, Backoff.None);

    /// <summary>As <see cref="Confirm"/>, and the last items that failed are kept as dead letters.</summary>
    /// <param name="last">How many are kept; one or more. Older ones are deleted, a few at a time.</param>
    /// <exception cref="ArgumentOutOfRangeException">Fewer than one.</exception>
    public static DeliveryGuarantee Track(int last)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(last, 1);
        return new(DeliveryLevel.Track, last, Backoff.None);
    }

    /// <summary>
    /// An item that fails goes through the pipeline again, up to <paramref name="times"/> times, and is a dead letter then: <paramref name="times"/> + 1
    /// starts at most. A crash that an item caused while it ran alone counts as a start; other crashes and stops do not.
    /// </summary>
    /// <param name="times">How often it is replayed; zero or more.</param>
    /// <param name="backoff">How long it waits before each; exponential from one second unless given.</param>
    /// <exception cref="ArgumentOutOfRangeException">Fewer than zero.</exception>
    public static DeliveryGuarantee Replay(int times, Backoff? backoff = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(times, 0);
        return new(DeliveryLevel.Replay, times, backoff ?? Backoff.Exponential(TimeSpan.FromSeconds(1)));
    }

    /// <summary>The kind.</summary>
    public DeliveryLevel Level { get; }

    /// <summary>How many failed items are kept, or how often an item is replayed; zero for the other levels.</summary>
    public int Count { get; }

    /// <summary>How long an item waits before it is replayed.</summary>
    public Backoff Backoff { get; }

    /// <summary>For example <c>Replay(5)</c>.</summary>
    public override string ToString()
        => Level is DeliveryLevel.None or DeliveryLevel.Confirm ? Level.ToString() : string.Create(CultureInfo.InvariantCulture, $"{Level}({Count})");
}

/// <summary>The kinds of <see cref="DeliveryGuarantee"/>.</summary>
public enum DeliveryLevel
{
    /// <summary>At most once.</summary>
    None,

    /// <summary>Followed, failures counted.</summary>
    Confirm,

    /// <summary>Followed, the last failures kept.</summary>
    Track,

    /// <summary>Followed, failures replayed, then kept as dead letters.</summary>
    Replay,
}
