namespace Sluice;

/// <summary>Cancels an attempt of a function that works for longer than it may (<see cref="Processor.Timeout"/>). Time in which it waits does not count.</summary>
/// <remarks>Thread-safe: one lock guards the account of time. The timer is set when the attempt begins, and again only when it goes off too early.</remarks>
internal sealed class FunctionTimeout : IDisposable
{
    private readonly TimeProvider time;
    private readonly TimeSpan limit;
    private readonly CancellationTokenSource source = new();
    private readonly ITimer timer;
    private readonly Lock sync = new();
    private TimeSpan worked;                         // before the function waited last
    private long since;                              // when it went on; of no meaning while it waits
    private int waits;
    private bool hasEnded;
    private bool isExceeded;

    public FunctionTimeout(TimeProvider time, TimeSpan limit)
    {
        (this.time, this.limit, since) = (time, limit, time.GetTimestamp());
        Token = source.Token;
        timer = time.CreateTimer(static self => ((FunctionTimeout)self!).Look(), this, limit, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Cancelled when the attempt has worked for too long.</summary>
    public CancellationToken Token { get; }

    /// <summary>The function waits, in one place more.</summary>
    public void Rest()
    {
        lock (sync)
            if (waits++ == 0) worked += time.GetElapsedTime(since);
    }

    /// <summary>One of its waits has ended.</summary>
    public void GoOn()
    {
        lock (sync)
            if (--waits == 0) since = time.GetTimestamp();
    }

    /// <summary>The function begins with the next item.</summary>
    public void Restart()
    {
        lock (sync) (worked, since) = (TimeSpan.Zero, time.GetTimestamp());
    }

    public void Dispose()
    {
        timer.Dispose();
        lock (sync)
        {
            hasEnded = true;
            if (!isExceeded) source.Dispose();       // else it may be about to be cancelled
        }
    }

    private void Look()
    {
        lock (sync)
        {
            if (hasEnded) return;
            TimeSpan left = limit - worked - (waits == 0 ? time.GetElapsedTime(since) : TimeSpan.Zero);
            if (left > TimeSpan.Zero)
            {
                timer.Change(left, Timeout.InfiniteTimeSpan);
                return;
            }
            isExceeded = true;
        }
        source.Cancel();
    }
}
