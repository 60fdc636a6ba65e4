namespace Sluice.Engine;

/// <summary>Adds up the time for which a producer waits for room.</summary>
/// <remarks>The producer begins a wait, and whoever ends it stops the clock. Any thread may read; the figure is a moment old.</remarks>
internal sealed class BlockedClock(TimeProvider time)
{
    private long ticks;
    private long since;                              // the time stamp of a wait, plus 1; 0 without one

    /// <summary>The time until now.</summary>
    public TimeSpan Time
    {
        get
        {
            long began = Volatile.Read(ref since);
            return time.GetElapsedTime(0, Volatile.Read(ref ticks) + (began == 0 ? 0 : Math.Max(0, time.GetTimestamp() + 1 - began)));
        }
    }

    public void Begin() => Volatile.Write(ref since, time.GetTimestamp() + 1);

    public void End()
    {
        if (since == 0) return;
        Volatile.Write(ref ticks, ticks + Math.Max(0, time.GetTimestamp() + 1 - since));
        Volatile.Write(ref since, 0);
    }
}
