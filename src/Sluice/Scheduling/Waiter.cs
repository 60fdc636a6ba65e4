using System.Threading.Tasks.Sources;

namespace Sluice;

/// <summary>Lets one party wait, again and again, without allocating; any other may wake it.</summary>
/// <remarks>
/// The waiting party: <see cref="Arm"/>, look once more whether there is nothing to do, then await
/// <see cref="WaitAsync"/>, or <see cref="Disarm"/>. The waking party: make the work visible, then <see cref="Wake"/>.
/// Both sides have a full fence between their write and their read, so one of them sees the other.
/// A wait ends on the run's scheduler, never inside <see cref="Wake"/> or <see cref="WakeByProducer"/>. Somebody who finds the wait completed when he looks
/// need not ask for its result: <see cref="Arm"/> begins anew.
/// </remarks>
/// <param name="scheduler">Where waits end.</param>
/// <param name="onWake">Called when a wait is to end, before whoever waits goes on; false lets him go on waiting, after a <see cref="Rearm"/>.</param>
internal sealed class Waiter(RunScheduler scheduler, Func<bool>? onWake = null) : IValueTaskSource, IThreadPoolWorkItem
{
    private ManualResetValueTaskSourceCore<bool> core;
    private int armed;

    public bool IsArmed => Volatile.Read(ref armed) != 0;

    public void Arm()
    {
        if (core.GetStatus(core.Version) != ValueTaskSourceStatus.Pending) core.Reset();
        Interlocked.Exchange(ref armed, 1);
    }

    /// <summary>Inside the callback: the wake-up was a late one, the wait goes on. From here on the next may come at any time.</summary>
    public void Rearm() => Interlocked.Exchange(ref armed, 1);

    /// <summary>There was something to do after all. If a wake-up came first, it must be awaited all the same.</summary>
    /// <returns>Whether no wait is needed.</returns>
    public bool Disarm() => Interlocked.Exchange(ref armed, 0) == 1;

    /// <summary>
    /// Goes to the end of the scheduler's queue. Whoever may always find something to do does so now and then: others may need the thread,
    /// and a pool adds none while its threads are busy.
    /// </summary>
    public ValueTask YieldAsync()
    {
        Arm();
        Wake();
        return WaitAsync();
    }

    public ValueTask WaitAsync() => new(this, core.Version);

    /// <summary>May be called by anyone, at any time; without effect unless armed. The caller has fenced.</summary>
    public void Wake()
    {
        if (Volatile.Read(ref armed) == 0 || Interlocked.Exchange(ref armed, 0) == 0) return;
        scheduler.Schedule(this);
    }

    /// <summary>The same by a producer, who may have nothing else to do (<see cref="Turn"/>).</summary>
    public void WakeByProducer()
    {
        if (Volatile.Read(ref armed) == 0 || Interlocked.Exchange(ref armed, 0) == 0) return;
        scheduler.HandOff(this);
    }

    void IThreadPoolWorkItem.Execute()
    {
        Turn turn = Turn.Current;
        bool begins = turn.TryBegin();
        if (onWake?.Invoke() ?? true) core.SetResult(true);
        if (begins) turn.Finish();
    }

    void IValueTaskSource.GetResult(short token) => core.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => core.GetStatus(token);

    // Execute already runs on the scheduler: going through a captured context would be a second hop.
    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags)
        => core.OnCompleted(continuation, state, token, ValueTaskSourceOnCompletedFlags.None);
}
