namespace Sluice.Storage;

/// <summary>How long a member was silent, as looks at its group have shown.</summary>
/// <remarks>
/// The time between two looks counts for a third of the lease duration at most, in which a living member sends a heartbeat. So a time
/// without looks proves little: the store was away, and took no heartbeats, or this process was paused, while the member was not.
/// </remarks>
/// <param name="SeenAt">The start of the last look; before there was one, when the heartbeat count was learned.</param>
/// <param name="Duration">For how long looks have seen the same heartbeat count.</param>
internal readonly record struct Silence(long SeenAt, TimeSpan Duration)
{
    private const int BeatsPerLeaseTime = 3;

    /// <summary>The silence of a member whose heartbeat count was learned now.</summary>
    public static Silence Since(long now) => new(now, TimeSpan.Zero);

    /// <summary>The silence after one more look that has seen the same heartbeat count.</summary>
    /// <param name="askedAt">A timestamp from before the look: the answer may be as old.</param>
    /// <param name="leaseDuration">The lease duration of the member.</param>
    /// <param name="time">The clock.</param>
    public Silence Seen(long askedAt, TimeSpan leaseDuration, TimeProvider time)
    {
        if (askedAt <= SeenAt) return this;
        TimeSpan gap = time.GetElapsedTime(SeenAt, askedAt), most = leaseDuration / BeatsPerLeaseTime;
        return new(askedAt, Duration + (gap < most ? gap : most));
    }
}
