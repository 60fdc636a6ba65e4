namespace Sluice.Membership;

/// <summary>Measures how long the store has left calls of one kind unanswered, whether they fail or do not return.</summary>
/// <remarks>
/// Thread-safe: the count and the time are under its lock. Time is the monotonic clock's. <see cref="Answered"/> is called outside of the
/// lock.
/// </remarks>
internal sealed class CallSilenceTracker(TimeProvider time) : IStoreCallWatch
{
    private readonly Lock sync = new();
    private int owed;
    private long since;

    /// <summary>The time since the store last answered, while it owes an answer; zero if it owes none.</summary>
    public TimeSpan Silence
    {
        get { lock (sync) return owed == 0 ? TimeSpan.Zero : time.GetElapsedTime(since); }
    }

    /// <summary>Called after each answer, on the thread that noted the answer. Set before the first call.</summary>
    public Action? Answered { get; set; }

    /// <inheritdoc/>
    public void Ask()
    {
        lock (sync)
        {
            if (owed++ == 0) since = time.GetTimestamp();
        }
    }

    /// <inheritdoc/>
    public void Answer()
    {
        lock (sync)
        {
            owed--;
            since = time.GetTimestamp();
        }
        Answered?.Invoke();
    }
}
