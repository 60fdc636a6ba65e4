namespace Sluice.Flows;

/// <summary>
/// Cancels an attempt that works for longer than its limit (<see cref="Processor.Timeout"/>). Waiting time does not count.
/// </summary>
/// <remarks>
/// Thread-safe: a lock guards the times. The timer is set at the start of the attempt, and again only if it fires too early. An attempt
/// begins with a wait, for its slot.
/// </remarks>
internal sealed class FunctionTimeout : IDisposable
{
    private readonly TimeProvider time;
    private readonly TimeSpan limit;
    private readonly CancellationTokenSource source = new();
    private readonly ITimer timer;
    private readonly Lock sync = new();
    private TimeSpan worked;                         // before the last wait
    private long since;                              // the end of the last wait; meaningless during a wait
    private int waits = 1;
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

    /// <summary>Begins a wait; waits may overlap.</summary>
    public void Rest()
    {
        lock (sync)
            if (waits++ == 0) worked += time.GetElapsedTime(since);
    }

    /// <summary>Ends a wait.</summary>
    public void GoOn()
    {
        lock (sync)
            if (--waits == 0) since = time.GetTimestamp();
    }

    /// <summary>Restarts the limit for the next item.</summary>
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
            if (!isExceeded) source.Dispose();       // otherwise a cancellation may be due
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
