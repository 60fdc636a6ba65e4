namespace Sluice.Policies;

/// <summary>Lets the first ones of each second pass: for records that a busy program must not pay for.</summary>
/// <remarks>Thread-safe, without a lock: threads that begin a second at the same time let a few more pass.</remarks>
/// <param name="max">The number that passes in a second; all, if it is the largest.</param>
/// <param name="time">The clock.</param>
internal sealed class SecondLimit(int max, TimeProvider time)
{
    private long second;
    private int passed;

    /// <summary>Whether the caller passes.</summary>
    public bool TryPass()
    {
        if (max == int.MaxValue) return true;
        long now = time.GetTimestamp() / time.TimestampFrequency;
        if (now != Volatile.Read(ref second))
        {
            Volatile.Write(ref passed, 0);
            Volatile.Write(ref second, now);
        }
        return Volatile.Read(ref passed) < max && Interlocked.Increment(ref passed) <= max;
    }
}
