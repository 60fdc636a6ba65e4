namespace Sluice;

/// <summary>Since when a store has owed an answer to calls of one kind, whether it fails them or does not come back from them.</summary>
/// <remarks>Thread-safe. Time is the monotonic clock's.</remarks>
internal sealed class Answers(TimeProvider time)
{
    private readonly Lock sync = new();
    private int owed;
    private long since;

    /// <summary>How long it has owed all the answers that it owes; zero if none.</summary>
    public TimeSpan Silence
    {
        get { lock (sync) return owed == 0 ? TimeSpan.Zero : time.GetElapsedTime(since); }
    }

    /// <summary>Called after an answer, by whoever has noted it. Set before anything is asked.</summary>
    public Action? Answered { get; set; }

    /// <summary>A call is made, and repeated until it is answered.</summary>
    public void Ask()
    {
        lock (sync)
        {
            if (owed++ == 0) since = time.GetTimestamp();
        }
    }

    /// <summary>The call was answered, or nobody wants to know any more.</summary>
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
