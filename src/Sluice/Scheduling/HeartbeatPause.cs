namespace Sluice;

/// <summary>A heart that rests: ordered by when it is due, in timestamps of the system's clock.</summary>
/// <remarks>Immutable.</remarks>
internal sealed class HeartbeatPause : IComparable<HeartbeatPause>
{
    private static readonly TimeSpan Longest = TimeSpan.FromDays(1);
    private static long made;

    private readonly long number = Interlocked.Increment(ref made);

    /// <param name="heart">The heart.</param>
    /// <param name="wait">How long it rests.</param>
    /// <param name="early">How much earlier it may be woken, where the thread is awake anyway.</param>
    public HeartbeatPause(HeartbeatTimer heart, TimeSpan wait, TimeSpan early)
    {
        Heart = heart;
        if (wait > Longest) wait = Longest;
        At = TimeProvider.System.GetTimestamp() + Ticks(wait);
        Earliest = At - Ticks(early);
    }

    public HeartbeatTimer Heart { get; }

    /// <summary>When it is woken.</summary>
    public long At { get; }

    /// <summary>From when on it may be woken together with others.</summary>
    public long Earliest { get; }

    public int CompareTo(HeartbeatPause? other) => other is null ? 1 : At != other.At ? At.CompareTo(other.At) : number.CompareTo(other.number);

    private static long Ticks(TimeSpan time) => (long)(time.TotalSeconds * TimeProvider.System.TimestampFrequency);
}
