using Sluice.Membership;

namespace Sluice.Flows;

/// <summary>
/// Cancels an attempt that works for longer than its limit (<see cref="Processor.Timeout"/>). Waiting time does not count, nor does the
/// time in which the store leaves a call of the attempt without an answer.
/// </summary>
/// <remarks>
/// Thread-safe: a lock guards the times. The timer is set at the start of the attempt, and again only if it fires too early. An attempt
/// begins with a wait, for its slot. A call to the store counts as work if its answer comes at once, as many calls run beside the function.
/// </remarks>
internal sealed class FunctionTimeout : IDisposable, IStoreCallWatch
{
    // A store that takes longer for an answer is away.
    private static readonly TimeSpan MaxAnswer = TimeSpan.FromSeconds(1);

    private readonly TimeProvider time;
    private readonly TimeSpan limit;
    private readonly CancellationTokenSource source = new();
    private readonly ITimer timer;
    private readonly Lock sync = new();
    private TimeSpan worked;                         // before the last change
    private long since;                              // the last change: the begin or end of a wait, or an answer
    private int waits = 1;
    private int calls;                               // without an answer
    private bool isDue;                              // the timer has fired during a wait or a call
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
        {
            Count();
            waits++;
        }
    }

    /// <summary>Ends a wait.</summary>
    public void GoOn()
    {
        lock (sync)
        {
            Count();
            waits--;
        }
        LookIfDue();
    }

    /// <inheritdoc/>
    public void Ask()
    {
        lock (sync)
        {
            if (calls == 0) Count();
            calls++;
        }
    }

    /// <inheritdoc/>
    public void Answer()
    {
        lock (sync)
        {
            Count();
            calls--;
        }
        LookIfDue();
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

    private void Count()
    {
        TimeSpan passed = time.GetElapsedTime(since);
        if (waits == 0 && (calls == 0 || passed < MaxAnswer)) worked += passed;
        since = time.GetTimestamp();
    }

    private void LookIfDue()
    {
        if (Volatile.Read(ref isDue)) Look();
    }

    // The end of a wait, or the answer to a call, looks again. With calls on the way, only the time before the last answer is sure to be
    // work: the calls of several outputs overlap, and each answer ends a piece of it.
    private void Look()
    {
        lock (sync)
        {
            if (hasEnded || isExceeded) return;
            isDue = waits > 0 || calls > 0;
            if (waits > 0) return;
            TimeSpan left = limit - worked - (calls > 0 ? TimeSpan.Zero : time.GetElapsedTime(since));
            if (left > TimeSpan.Zero)
            {
                if (calls == 0) timer.Change(left, Timeout.InfiniteTimeSpan);
                return;
            }
            isExceeded = true;
        }
        source.Cancel();
    }
}
