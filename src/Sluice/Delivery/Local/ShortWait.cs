namespace Sluice.Delivery;

/// <summary>Waits some microseconds for the next items, because a producer that has just filled a segment soon fills the next one. To sleep
/// costs more: a process-wide barrier, a wake-up, and segments that are announced almost empty.</summary>
/// <remarks>Used by the pump. After a wait in vain, the next 1, 3, 7, … at most 63 ones are left out, so that a flow in bursts does not pay
/// for it. With one processor, nothing can come while it waits.</remarks>
internal sealed class ShortWait(Func<bool> hasItems, int processors, TimeProvider clock)
{
    public const int FewItems = 32, MaxPause = 63;
    private static readonly TimeSpan Longest = TimeSpan.FromMicroseconds(25);

    private int last;                                // the number of items that were taken last
    private int skip, pause;

    /// <summary>Notes that items were taken.</summary>
    public void Taken(int count) => last = count;

    /// <summary>Waits until there are items, or for 25 µs.</summary>
    /// <returns>Whether there are items.</returns>
    public bool ForItems()
    {
        if (last < FewItems || processors == 1) return false;
        last = 0;
        if (skip > 0)
        {
            skip--;
            return false;
        }
        long begun = clock.GetTimestamp();
        for (var spin = new SpinWait(); ; spin.SpinOnce(sleep1Threshold: -1))
        {
            if (hasItems())
            {
                pause = 0;
                return true;
            }
            if (clock.GetElapsedTime(begun) >= Longest) break;
        }
        skip = pause = Math.Min(MaxPause, (pause * 2) + 1);
        return false;
    }
}
