using System.Diagnostics.CodeAnalysis;

namespace Sluice;

/// <summary>Calls something regularly, on the threads of <see cref="HeartbeatThreads"/>: a starved thread pool does not hold it up.</summary>
/// <remarks>
/// Locking rule: everything under <c>sync</c>; beats, clocks and <see cref="HeartbeatThreads"/> are called outside of it. One beat of a heart runs at a time. The threads wait in real time, and then ask the
/// clock whether it is time. A clock other than the system's also has a timer, which only wakes the heart earlier: a clock that stands still until it is moved says by it that it was. Calls are due at
/// whole intervals from the start: a late call does not put off the next ones, and of several missed calls one is made.
/// </remarks>
internal sealed class HeartbeatTimer
{
    private const int EarlyShare = 16;               // a call may come early by this part of the interval, so that hearts share wake-ups
    private static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(1);          // waits are counted in whole ones

    private readonly HeartbeatThreads threads;
    private readonly TimeProvider time;
    private readonly TimeSpan interval;
    private readonly TimeSpan early;
    private readonly Func<Task> beat;
    private readonly Action<Exception> failed;
    private readonly TaskCompletionSource ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ITimer? timer;
    private readonly long begun;
    private readonly Lock sync = new();
    private TimeSpan due;                            // since then
    private bool isWanted;
    private bool isAtWork;                           // queued, or looking at the clock, or beating
    private bool looksAgain;
    private bool isStopped;
    private HeartbeatPause rest;

    /// <summary>Starts it; the first call comes after an interval.</summary>
    /// <param name="time">The clock.</param>
    /// <param name="interval">The time between two calls.</param>
    /// <param name="beat">Awaits with <c>ConfigureAwait(true)</c>, to come back to a thread of the hearts.</param>
    /// <param name="failed">The owner, who is told what the beat has thrown. The heart goes on.</param>
    /// <param name="threads">Where it runs; with all hearts of the process unless given.</param>
    public HeartbeatTimer(TimeProvider time, TimeSpan interval, Func<Task> beat, Action<Exception> failed, HeartbeatThreads? threads = null)
    {
        if (interval < Shortest) interval = Shortest;
        this.threads = threads ?? HeartbeatThreads.OfProcess;
        (this.time, this.interval, this.beat, this.failed) = (time, interval, beat, failed);
        (begun, due) = (time.GetTimestamp(), interval);
        if (time == TimeProvider.System) early = interval / EarlyShare;
        else timer = time.CreateTimer(static heart => ((HeartbeatTimer)heart!).Wake(), this, interval, interval);
        lock (sync) Rest(interval);
    }

    /// <summary>A call begins at once, or after the one under way; the next ones are due as before. Any thread.</summary>
    public void CallNow() => Wake(isWanted: true);

    /// <summary>No more calls begin. Any thread.</summary>
    /// <returns>A task that ends when the call under way has.</returns>
    public Task StopAsync()
    {
        lock (sync)
        {
            isStopped = true;
            if (!isAtWork) ended.TrySetResult();
            threads.Forget(rest);
        }
        timer?.Dispose();
        return ended.Task;
    }

    /// <summary>It may be time. Any thread.</summary>
    public void Wake() => Wake(isWanted: false);

    private void Wake(bool isWanted)
    {
        lock (sync)
        {
            if (isStopped) return;
            this.isWanted |= isWanted;
            looksAgain = true;
            if (isAtWork) return;
            isAtWork = true;
        }
        threads.Post(static heart => _ = ((HeartbeatTimer)heart!).RunAsync(), this);
    }

    // Throws nothing. On a thread of the hearts, and back on one after each beat.
    private async Task RunAsync()
    {
        while (IsTime())
        {
            try
            {
                await beat().ConfigureAwait(true);
            }
            catch (Exception e)
            {
                Report(e);
            }
        }
    }

    private bool IsTime()
    {
        while (true)
        {
            TimeSpan now = time.GetElapsedTime(begun);
            TimeSpan left;
            lock (sync)
            {
                bool isTime = isWanted;
                isWanted = false;
                left = due - now;
                if (left <= early)
                {
                    due += TimeSpan.FromTicks(interval.Ticks * (1 - (left.Ticks / interval.Ticks)));
                    isTime = true;
                }
                if (isTime && !isStopped) return true;
                if (looksAgain && !isStopped)
                {
                    looksAgain = false;              // it was woken since, perhaps after the clock was looked at
                    continue;
                }
                isAtWork = false;
                if (isStopped)
                {
                    ended.TrySetResult();
                    return false;
                }
                Rest(left < Shortest ? Shortest : left);
                return false;
            }
        }
    }

    [MemberNotNull(nameof(rest))]
    private void Rest(TimeSpan wait)
    {
        if (rest is not null) threads.Forget(rest);
        threads.WakeAfter(rest = new(this, wait, early));
    }

    private void Report(Exception failure)
    {
        try
        {
            failed(failure);
        }
        catch (Exception e)
        {
            Warnings.Tell($"A heartbeat has failed ({failure.Message}), and its owner could not be told: {e.Message}");
        }
    }
}
