namespace Sluice;

/// <summary>Calls something regularly, on a thread of its own: whoever starves the thread pool does not hold it up.</summary>
/// <remarks>
/// The thread waits in real time, and then asks the clock whether it is time: timers of the system's clock go off on the pool. The clock's timer only wakes it
/// earlier, which is how clocks that stand still until they are moved say that they were. Calls are due at whole intervals from the start: one that is late does
/// not put off the next ones, and of those that were missed one is made.
/// </remarks>
internal sealed class Heart
{
    private static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(1);          // waits are counted in whole ones

    private readonly TimeProvider time;
    private readonly TimeSpan interval;
    private readonly Action beat;
    private readonly object gate = new();            // to wait on
    private readonly TaskCompletionSource ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ITimer timer;
    private readonly long begun;
    private TimeSpan due;                            // since then
    private bool isWanted;                           // this and above: under the gate
    private volatile bool isStopped;

    /// <summary>Starts it; the first call comes after an interval.</summary>
    /// <param name="name">The thread's name.</param>
    /// <param name="time">The clock.</param>
    /// <param name="interval">The time between two calls.</param>
    /// <param name="beat">May block. What it throws would end the process.</param>
    public Heart(string name, TimeProvider time, TimeSpan interval, Action beat)
    {
        if (interval < Shortest) interval = Shortest;
        (this.time, this.interval, this.beat) = (time, interval, beat);
        (begun, due) = (time.GetTimestamp(), interval);
        timer = time.CreateTimer(static heart => ((Heart)heart!).Wake(), this, interval, interval);
        new Thread(Work) { IsBackground = true, Name = name }.UnsafeStart();
    }

    /// <summary>A call begins at once, or after the one under way; the next ones are due as before.</summary>
    public void CallNow()
    {
        lock (gate)
        {
            isWanted = true;
            Monitor.Pulse(gate);
        }
    }

    /// <summary>No more calls begin.</summary>
    /// <returns>A task that ends when the one under way has.</returns>
    public Task StopAsync()
    {
        isStopped = true;
        timer.Dispose();
        Wake();
        return ended.Task;
    }

    private void Work()
    {
        while (!isStopped)
        {
            if (IsTime()) beat();
        }
        ended.SetResult();
    }

    private bool IsTime()
    {
        lock (gate)
        {
            TimeSpan now = time.GetElapsedTime(begun);
            TimeSpan left = due - now;
            bool isTime = isWanted;
            isWanted = false;
            if (left <= TimeSpan.Zero)
            {
                due += TimeSpan.FromTicks(interval.Ticks * (1 - (left.Ticks / interval.Ticks)));
                isTime = true;
            }
            if (!isTime && !isStopped) Monitor.Wait(gate, left < Shortest ? Shortest : left);
            return isTime;
        }
    }

    private void Wake()
    {
        lock (gate) Monitor.Pulse(gate);
    }
}
