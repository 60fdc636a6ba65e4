namespace Sluice.Scheduling;

/// <summary>The pause of a heartbeat timer, ordered by its due time, in timestamps of the system clock.</summary>
internal sealed class HeartbeatPause : IComparable<HeartbeatPause>
{
    private static readonly TimeSpan Longest = TimeSpan.FromDays(1);
    private static long made;

    private readonly long number = Interlocked.Increment(ref made);

    /// <param name="wake">Wakes the timer.</param>
    /// <param name="wait">The length of the pause; at most one day.</param>
    /// <param name="early">How much earlier the timer may be woken if the thread is awake anyway.</param>
    public HeartbeatPause(Action wake, TimeSpan wait, TimeSpan early)
    {
        Wake = wake;
        if (wait > Longest) wait = Longest;
        At = TimeProvider.System.GetTimestamp() + Ticks(wait);
        Earliest = At - Ticks(early);
    }

    /// <summary>Wakes the timer. Called on a thread of the heartbeats.</summary>
    public Action Wake { get; }

    /// <summary>The timestamp at which the timer is woken.</summary>
    public long At { get; }

    /// <summary>The timestamp from which it may be woken together with others.</summary>
    public long Earliest { get; }

    public int CompareTo(HeartbeatPause? other) => other is null ? 1 : At != other.At ? At.CompareTo(other.At)
        : number.CompareTo(other.number);

    private static long Ticks(TimeSpan time) => (long)(time.TotalSeconds * TimeProvider.System.TimestampFrequency);
}
