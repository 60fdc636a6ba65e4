namespace Sluice;

/// <summary>What has been sent and is not answered yet: appends under way, and whoever waits for room.</summary>
/// <remarks>Thread-safe. Counted are parties that append, not items: nothing is counted per item.</remarks>
internal sealed class PendingSends(ConsecutorCore core)
{
    /// <summary>How long nothing may end while somebody waits for room before that is a problem: a full stream alone is backpressure.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    private readonly Lock sync = new();
    private int appending;
    private int waiting;                             // this and below: under the lock
    private long since;
    private long ended;

    /// <summary>Whether something is being appended. Look at it before looking into the books: an append is counted there first.</summary>
    public bool IsAppending => Volatile.Read(ref appending) > 0;

    /// <summary>Whether somebody waits for room.</summary>
    public bool IsWaiting
    {
        get { lock (sync) return waiting > 0; }
    }

    public void BeginAppend() => Interlocked.Increment(ref appending);

    /// <summary>Answered, one way or the other.</summary>
    public void EndAppend()
    {
        if (Interlocked.Decrement(ref appending) == 0) core.Books.Touch();
    }

    public void BeginWait()
    {
        lock (sync)
        {
            if (waiting++ == 0) (since, ended) = (core.Time.GetTimestamp(), core.EndedRoots);
        }
        core.Books.Touch();
    }

    public void EndWait()
    {
        lock (sync) waiting--;
    }

    /// <summary>What is to be said of those who wait, for people; null while things move.</summary>
    public string? Problem(ConsecutorStatus state)
    {
        lock (sync)
        {
            if (waiting == 0) return null;
            long now = core.EndedRoots;
            if (now != ended) (since, ended) = (core.Time.GetTimestamp(), now);
            if (core.Time.GetElapsedTime(since) < Patience) return null;
        }
        int inFlight = core.InFlight;
        string why = state switch
        {
            ConsecutorStatus.Created => "The consecutor has not been started.",
            ConsecutorStatus.Paused => "The consecutor is paused.",
            _ when inFlight > 0 => $"If it is a stage of {core.Name} itself that sends, it waits for its own item to end: let it send to another consecutor, make what it sends in the pipeline "
                + "(a stage may make many items of one), or raise MaxItems or MaxBytes of ConsecutorOptions.Stream, which are stored when the stream is made.",
            _ => "Nothing of it is under way here.",
        };
        return $"Sends wait for room: the stream {core.Name} is full, and nothing of what is under way ({inFlight:N0}) has ended since. {why}";
    }
}
