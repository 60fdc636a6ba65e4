namespace Sluice;

/// <summary>The delivery guarantee of a consecutor for its accepted items. A value with value equality. Immutable.</summary>
/// <remarks>With a durable store, every level but <see cref="None"/> redelivers the items that were in flight when the process
/// died.</remarks>
public sealed record DeliveryGuarantee
{
    private DeliveryGuarantee(DeliveryLevel level, int count, Backoff backoff) => (Level, Count, Backoff) = (level, count, backoff);

    /// <summary>At most once: an item is settled before it starts. An item that then fails, or is in flight when the process dies, is gone,
    /// but counted; it leaves no dead letter.</summary>
    /// <remarks>Items that start together are settled together, up to half of <see cref="ConsecutorOptions.MaxInFlight"/> at a time. If the
    /// process dies, or a stop does not wait for its items, those of them that have not started are lost, too. An item that cannot start
    /// is not settled: it waits if it needs newer code, and <see cref="DamagePolicy"/> decides about a damaged entry. Nothing that comes of an
    /// item can be part of a commit, so the consecutor refuses state, sinks that take part in
    /// commits, outputs to other consecutors, and functions in the transaction of the commit. Items of one key start in the order in which
    /// they were accepted; no item waits for another one.</remarks>
    public static DeliveryGuarantee None { get; } = new(DeliveryLevel.None, 0, Backoff.None);

    /// <summary>Every item is tracked to its end, and failures are counted. A failed item is neither tried again nor kept.</summary>
    public static DeliveryGuarantee Confirm { get; } = new(DeliveryLevel.Confirm, 0, Backoff.None);

    /// <summary>As <see cref="Confirm"/>, but the latest failed items are kept as dead letters.</summary>
    /// <param name="last">How many dead letters are kept; one or more. Older ones are deleted in small groups.</param>
    /// <exception cref="ArgumentOutOfRangeException">Fewer than one.</exception>
    public static DeliveryGuarantee Track(int last)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(last, 1);
        return new(DeliveryLevel.Track, last, Backoff.None);
    }

    /// <summary>
    /// A failed item goes through the pipeline again, up to <paramref name="times"/> times, then becomes a dead letter: it has
    /// <paramref name="times"/> + 1 attempts at most. A crash that an item caused in exclusive execution counts as an attempt; other
    /// crashes and stops do not.
    /// </summary>
    /// <param name="times">The most replays of an item; zero or more.</param>
    /// <param name="backoff">The wait before each replay; exponential from one second by default.</param>
    /// <exception cref="ArgumentOutOfRangeException">Fewer than zero.</exception>
    public static DeliveryGuarantee Replay(int times, Backoff? backoff = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(times, 0);
        return new(DeliveryLevel.Replay, times, backoff ?? Backoff.Exponential(TimeSpan.FromSeconds(1)));
    }

    /// <summary>The kind of guarantee.</summary>
    internal DeliveryLevel Level { get; }

    /// <summary>How many dead letters are kept (<see cref="Track"/>), or the most replays of an item (<see cref="Replay"/>); zero for the
    /// other levels.</summary>
    public int Count { get; }

    /// <summary>The wait before each replay.</summary>
    public Backoff Backoff { get; }

    /// <summary>Returns the level and its count, for example <c>Replay(5)</c>.</summary>
    public override string ToString()
        => Level is DeliveryLevel.None or DeliveryLevel.Confirm ? Level.ToString()
        : string.Create(CultureInfo.InvariantCulture, $"{Level}({Count})");
}

/// <summary>The kinds of <see cref="DeliveryGuarantee"/>.</summary>
internal enum DeliveryLevel
{
    /// <summary>At most once.</summary>
    None,

    /// <summary>Items are tracked; failures are counted.</summary>
    Confirm,

    /// <summary>Items are tracked; the latest failures are kept as dead letters.</summary>
    Track,

    /// <summary>Items are tracked; failures are replayed, then kept as dead letters.</summary>
    Replay,
}
