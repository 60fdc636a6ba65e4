namespace Sluice.Processes;

/// <summary>How many items a worker has in flight: some milliseconds of work, as measured; or a fixed number.</summary>
/// <remarks>
/// More items would only wait in the worker, fewer would let it idle. A worker that has not answered for a while gets no more items:
/// they would wait behind a slow one while other workers are idle. A fixed number is kept, because the body may work on all at once.
/// Thread-safe.
/// </remarks>
internal sealed class WorkerWindow(TimeProvider time, int? fixedSize)
{
    private const int MaxSize = 1024;
    private const double Seconds = 0.005;
    private static readonly TimeSpan LongestSilence = TimeSpan.FromSeconds(10 * Seconds);

    private volatile int measured = 1;
    private long since;                              // the last sending or answer
    private long answered;                           // the last answer, or the first item after a rest
    private double secondsPerItem = 1;

    /// <summary>The largest number of items in flight.</summary>
    public int Size => fixedSize ?? measured;

    /// <summary>Notes that the worker gets an item and has no other one.</summary>
    public void Begin() => Volatile.Write(ref answered, time.GetTimestamp());

    /// <summary>Notes that items are sent.</summary>
    public void Send() => Volatile.Write(ref since, time.GetTimestamp());

    /// <summary>Whether a worker may get another item beside those that it has.</summary>
    /// <param name="underWay">The number of its items, at least one.</param>
    public bool HasRoom(int underWay)
        => underWay < Size && (fixedSize is not null || time.GetElapsedTime(Volatile.Read(ref answered)) < LongestSilence);

    /// <summary>Notes that answers have come; called by one thread.</summary>
    public void Answer(int answers)
    {
        long now = time.GetTimestamp();
        double perItem = time.GetElapsedTime(Interlocked.Exchange(ref since, now), now).TotalSeconds / answers;
        Volatile.Write(ref answered, now);
        secondsPerItem = perItem > secondsPerItem ? perItem : (secondsPerItem * 0.5) + (perItem * 0.5);
        measured = (int)Math.Clamp(Seconds / Math.Max(secondsPerItem, 1e-7), 1, MaxSize);
    }
}
