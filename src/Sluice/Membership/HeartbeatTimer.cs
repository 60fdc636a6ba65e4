using Sluice.Diagnostics;
using Sluice.Scheduling;

namespace Sluice.Membership;

/// <summary>A periodic timer on the threads of <see cref="HeartbeatThreads"/>, so that a starved thread pool does not delay it.</summary>
/// <remarks>
/// Locking rule: all fields are under <c>sync</c>. Beats and clocks are called outside of it; <see cref="HeartbeatThreads"/> may be called
/// under it. One beat runs at a time. Any thread may call.
/// The threads wait in real time, then ask the clock whether a beat is due. A clock other than the system's also has a timer, which only
/// wakes this one earlier, for a clock that is moved by hand. Beats are due at whole intervals from the start: a late beat does not delay
/// the next, and several missed beats become one.
/// </remarks>
internal sealed class HeartbeatTimer
{
    private const int EarlyShare = 16;               // a beat may be early by 1/16 interval, to share wake-ups
    private static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(1);          // waits are whole milliseconds

    private readonly HeartbeatThreads threads;
    private readonly TimeProvider time;
    private readonly TimeSpan interval;
    private readonly TimeSpan early;
    private readonly Func<Task> beat;
    private readonly Action<Exception> failed;
    private readonly Action wake;
    private readonly TaskCompletionSource ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ITimer? timer;
    private readonly long begun;
    private readonly Lock sync = new();
    private TimeSpan due;                            // since `begun`
    private bool isWanted;
    private bool isAtWork;                           // queued, checking the clock, or beating
    private bool looksAgain;
    private bool isStopped;
    private HeartbeatPause rest;

    /// <summary>Starts the timer; the first beat is due after one interval.</summary>
    /// <param name="time">The clock.</param>
    /// <param name="interval">The time between two beats; at least 1 ms.</param>
    /// <param name="beat">The beat. It awaits with <c>ConfigureAwait(true)</c>, to resume on a thread of the heartbeats.</param>
    /// <param name="failed">Called with an exception of the beat. The timer continues.</param>
    /// <param name="threads">The threads to run on; those of the process unless given.</param>
    public HeartbeatTimer(TimeProvider time, TimeSpan interval, Func<Task> beat, Action<Exception> failed, HeartbeatThreads? threads = null)
    {
        if (interval < Shortest) interval = Shortest;
        this.threads = threads ?? HeartbeatThreads.OfProcess;
        (this.time, this.interval, this.beat, this.failed) = (time, interval, beat, failed);
        (begun, due, wake) = (time.GetTimestamp(), interval, Wake);
        if (time == TimeProvider.System) early = interval / EarlyShare;
        else timer = time.CreateTimer(static heartbeat => ((HeartbeatTimer)heartbeat!).Wake(), this, interval, interval);
        lock (sync) Rest(interval);
    }

    /// <summary>Requests a beat at once, or after the current one. Later beats are due as before. Any thread.</summary>
    public void CallNow() => Wake(isWanted: true);

    /// <summary>Stops the timer: no more beats begin. Any thread.</summary>
    /// <returns>A task that completes when the current beat has ended.</returns>
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

    /// <summary>Makes the timer check the clock. Any thread.</summary>
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
        threads.Post(static heartbeat => _ = ((HeartbeatTimer)heartbeat!).RunAsync(), this);
    }

    // Never throws. Starts on a thread of the heartbeats, and resumes on one after each beat.
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
                    looksAgain = false;              // woken meanwhile, perhaps after the clock was read
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
        threads.WakeAfter(rest = new(wake, wait, early));
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
