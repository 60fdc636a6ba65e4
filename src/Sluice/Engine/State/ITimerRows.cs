using System.Globalization;
using System.Text;

namespace Sluice;

/// <summary>An instance that remembers timers beside its state.</summary>
internal interface IHasTimers
{
    ITimerRows Timers { get; }
}

/// <summary>The timers of one node in one partition, as they are stored: a row for each key that has some, and one for each such key by the time at which the next of them may fire.</summary>
/// <remarks>Belongs to whoever the instance belongs to. The rows by time that are ahead are in memory, up to some hundreds; the rows by key are evicted as those of the state.</remarks>
internal interface ITimerRows
{
    /// <summary>Where the rows by key are.</summary>
    static string NodeByKey(string node) => $"{ByKeyPrefix}{node}";

    /// <summary>Where the rows by time are.</summary>
    static string NodeByTime(string node) => $"{ByTimePrefix}{node}";

    /// <summary>The node whose timers by key are stored under a name; null if it is another name.</summary>
    static string? NodeOf(string stored) => stored.StartsWith(ByKeyPrefix, StringComparison.Ordinal) ? stored[ByKeyPrefix.Length..] : null;

    private const string ByKeyPrefix = "$timers/";
    private const string ByTimePrefix = "$due/";

    /// <summary>The rows by key.</summary>
    IKeyedStateful ByKey { get; }

    /// <summary>How many rows will be written, by key and by time, at most.</summary>
    int Changes { get; }

    /// <summary>Whether rows by time are to be read before it is known who is next.</summary>
    bool MustRead { get; }

    /// <summary>The key of the last row by time that is known; null if none is.</summary>
    string? ReadAfter { get; }

    /// <summary>When the next timer may fire, in ticks of the time of day; null if none is set.</summary>
    long? NextAt { get; }

    /// <summary>Takes the next rows by time; they are complete if there are none behind them.</summary>
    void Read(StateReader page);

    /// <summary>Writes which rows by time have changed since the last call.</summary>
    void SaveTimes(StateWriter changes);

    /// <summary>The keys whose timers are due, the first ones.</summary>
    IEnumerable<string> KeysDue(long until);

    /// <summary>Fires what is due.</summary>
    /// <param name="turn">Which timers, and how many.</param>
    /// <param name="hold">Settled when they have.</param>
    void Act(TimerTurn turn, Ticket hold);

    /// <summary>A key has no timers any more. Its row is in memory.</summary>
    void Remove(string key);
}

/// <summary>Some timers of a partition that fire together.</summary>
internal abstract class TimerTurn(long until, long lastNumber)
{
    /// <summary>The last number of those that fire: what is set later lets others have a turn, also if it is set for now.</summary>
    public long LastNumber => lastNumber;

    /// <summary>What is due: a time of day, in ticks.</summary>
    public long Until => until;

    /// <summary>Whether one more may fire. Any thread.</summary>
    public abstract bool TryTake();

    /// <summary>Whether one more row by time may move. Any thread.</summary>
    public abstract bool TryMove();

    /// <summary>There are more that are due. Any thread.</summary>
    public abstract void TellMore();

    /// <summary>One fires. Any thread.</summary>
    /// <returns>Its ticket; null if it has failed before, and fires later as an item of its own.</returns>
    public abstract Ticket? Begin(int node, string key, string timer);
}

/// <summary>When a timer fires: by its time, and of one moment by when it was set.</summary>
internal readonly record struct TimerMoment(long At, long Number) : IComparable<TimerMoment>
{
    /// <summary>The key of a row: in every store, rows are listed in the order of the moments.</summary>
    public string ToKey() => string.Create(CultureInfo.InvariantCulture, $"{At:D19}/{Number:D19}");

    public static TimerMoment OfKey(string key) => new(long.Parse(key.AsSpan(0, 19), NumberStyles.None, CultureInfo.InvariantCulture), long.Parse(key.AsSpan(20), NumberStyles.None, CultureInfo.InvariantCulture));

    public int CompareTo(TimerMoment other) => At != other.At ? At.CompareTo(other.At) : Number.CompareTo(other.Number);
}

/// <summary>Texts in rows of the library's own. A text that UTF-8 cannot write is refused: it would be another one when it is read.</summary>
internal static class RowText
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public static byte[] ToBytes(string text) => Strict.GetBytes(text);

    public static string OfBytes(ReadOnlySpan<byte> bytes) => Strict.GetString(bytes);
}
