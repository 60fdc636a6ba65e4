namespace Sluice.Engine;

/// <summary>Adds up the time for which a producer waits for room.</summary>
/// <remarks>
/// The producer begins a wait, and the thread that ends the wait stops the clock: these calls do not overlap. Any thread may read. The
/// figure never goes back.
/// </remarks>
internal sealed class BlockedClock(TimeProvider time)
{
    private int version;                             // odd while a wait moves from one field to the other
    private long ticks;
    private long since;                              // the time stamp of a wait, plus 1; 0 without one
    private long latest;                             // the highest figure that was read

    /// <summary>The time until now.</summary>
    public TimeSpan Time
    {
        get
        {
            long now = Ticks();
            // A wait that has just ended may still look open here, and then counts for a moment longer than it was. The figure must
            // not go back after that, so the highest one stays.
            for (long known = Volatile.Read(ref latest); ; known = Volatile.Read(ref latest))
            {
                if (now <= known) return time.GetElapsedTime(0, known);
                if (Interlocked.CompareExchange(ref latest, now, known) == known) return time.GetElapsedTime(0, now);
            }
        }
    }

    public void Begin() => Volatile.Write(ref since, time.GetTimestamp() + 1);

    public void End()
    {
        if (since == 0) return;
        long waited = Math.Max(0, time.GetTimestamp() + 1 - since);
        Volatile.Write(ref version, version + 1);
        Volatile.Write(ref ticks, ticks + waited);
        Volatile.Write(ref since, 0);
        Volatile.Write(ref version, version + 1);
    }

    // A read between the two writes of End would count the wait twice, or not at all: it is repeated.
    private long Ticks()
    {
        for (var spin = new SpinWait(); ; spin.SpinOnce())
        {
            int before = Volatile.Read(ref version);
            long ended = Volatile.Read(ref ticks), began = Volatile.Read(ref since);
            if (before % 2 == 0 && Volatile.Read(ref version) == before)
                return ended + (began == 0 ? 0 : Math.Max(0, time.GetTimestamp() + 1 - began));
        }
    }
}
