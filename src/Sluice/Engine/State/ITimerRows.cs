namespace Sluice.Engine;

/// <summary>An instance with stored timers beside its state.</summary>
internal interface IHasTimers
{
    ITimerRows Timers { get; }
}

/// <summary>
/// The stored timers of one node in one partition: a row for each key with timers, and one for each such key by the time of its next timer.
/// </summary>
/// <remarks>
/// Belongs to the owner of the instance. Up to some hundreds of the next rows by time are in memory; rows by key are evicted like those
/// of the state.
/// </remarks>
internal interface ITimerRows
{
    /// <summary>The name under which the rows by key are stored.</summary>
    static string NodeByKey(string node) => $"{ByKeyPrefix}{node}";

    /// <summary>The name under which the rows by time are stored.</summary>
    static string NodeByTime(string node) => $"{ByTimePrefix}{node}";

    /// <summary>The node whose timers by key are stored under a name; null for any other name.</summary>
    static string? NodeOf(string stored) => stored.StartsWith(ByKeyPrefix, StringComparison.Ordinal) ? stored[ByKeyPrefix.Length..] : null;

    private const string ByKeyPrefix = "$timers/";
    private const string ByTimePrefix = "$due/";

    /// <summary>The rows by key.</summary>
    IKeyedStateful ByKey { get; }

    /// <summary>The largest number of rows that the next save will write, by key and by time.</summary>
    int Changes { get; }

    /// <summary>Whether rows by time must be read to know the next timer.</summary>
    bool MustRead { get; }

    /// <summary>The key of the last known row by time; null if none is known.</summary>
    string? ReadAfter { get; }

    /// <summary>The time of the next timer, in ticks of UTC; null if none is set.</summary>
    long? NextAt { get; }

    /// <summary>Adds the next rows by time. All are known if the page is complete.</summary>
    void Read(StateReader page);

    /// <summary>Writes the changes of the rows by time since the last call.</summary>
    void SaveTimes(StateWriter changes);

    /// <summary>The first known keys whose timers are due.</summary>
    IEnumerable<string> KeysDue(long until);

    /// <summary>Fires the timers that are due.</summary>
    /// <param name="turn">Which timers fire, and how many.</param>
    /// <param name="hold">Settled when they have fired.</param>
    void Act(TimerTurn turn, Ticket hold);

    /// <summary>Removes the timers of a key, whose row is in memory.</summary>
    void Remove(string key);
}

/// <summary>A turn of timers: those of a partition that fire together.</summary>
internal abstract class TimerTurn(long until, long lastNumber)
{
    /// <summary>The largest number of a timer in this turn. Timers set later wait for another turn, even if they are due now.</summary>
    public long LastNumber => lastNumber;

    /// <summary>The time up to which timers are due, in ticks of UTC.</summary>
    public long Until => until;

    /// <summary>Whether a failure is the loss of the partition: nothing of the turn is committed then.</summary>
    public abstract bool IsLostBy(Exception failure);

    /// <summary>Takes room for one more timer in this turn. Any thread.</summary>
    /// <returns>Whether there was room.</returns>
    public abstract bool TryTake();

    /// <summary>Takes room for one more moved row by time. Any thread.</summary>
    /// <returns>Whether there was room.</returns>
    public abstract bool TryMove();

    /// <summary>Reports that more timers are due. Any thread.</summary>
    public abstract void TellMore();

    /// <summary>Begins a timer. Any thread.</summary>
    /// <returns>Its ticket; null if the timer has failed before, and fires later as a separate item.</returns>
    public abstract Ticket? Begin(int node, string key, string timer);
}

/// <summary>The order of timers: by time, then by when they were set.</summary>
internal readonly record struct TimerMoment(long At, long Number) : IComparable<TimerMoment>
{
    /// <summary>The key of a row; every store lists such rows in this order.</summary>
    public string ToKey() => string.Create(CultureInfo.InvariantCulture, $"{At:D19}/{Number:D19}");

    public static TimerMoment OfKey(string key) => new(long.Parse(key.AsSpan(0, 19), NumberStyles.None, CultureInfo.InvariantCulture),
        long.Parse(key.AsSpan(20), NumberStyles.None, CultureInfo.InvariantCulture));

    public int CompareTo(TimerMoment other) => At != other.At ? At.CompareTo(other.At) : Number.CompareTo(other.Number);
}

/// <summary>Text in rows of the library's own form. Text that is not valid Unicode is refused: it would read back differently.</summary>
internal static class RowText
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public static byte[] ToBytes(string text) => Strict.GetBytes(text);

    public static string OfBytes(ReadOnlySpan<byte> bytes) => Strict.GetString(bytes);
}
