using System.Threading.Tasks.Sources;

namespace Sluice.Scheduling;

/// <summary>A reusable, allocation-free wait of one party; any other party may wake it.</summary>
/// <remarks>
/// The waiting party calls <see cref="Arm"/>, checks once more that it has nothing to do, then awaits <see cref="WaitAsync"/> or calls
/// <see cref="Disarm"/>. The waking party makes its work visible, then calls <see cref="Wake"/>. Both have a full fence between their write
/// and their read, so one of them sees the other. A wait ends on the run's scheduler, never inside <see cref="Wake"/> or
/// <see cref="WakeByProducer"/>. The result of a completed wait need not be read: <see cref="Arm"/> begins anew.
/// </remarks>
/// <param name="scheduler">The scheduler on which waits end.</param>
/// <param name="onWake">Called before the waiting party resumes; false continues the wait, after a <see cref="Rearm"/>.</param>
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

    /// <summary>Continues the wait, inside <c>onWake</c>, after a late wake-up. The next wake-up may come at once.</summary>
    public void Rearm() => Interlocked.Exchange(ref armed, 1);

    /// <summary>Cancels the wait, because there is something to do. If a wake-up came first, the wait must still be awaited.</summary>
    /// <returns>Whether no wait is needed.</returns>
    public bool Disarm() => Interlocked.Exchange(ref armed, 0) == 1;

    /// <summary>
    /// Goes to the end of the scheduler's queue. Loops that may always find something to do call it now and then: other work may need the
    /// thread, and a pool adds none while its threads are busy.
    /// </summary>
    public ValueTask YieldAsync()
    {
        Arm();
        Wake();
        return WaitAsync();
    }

    public ValueTask WaitAsync() => new(this, core.Version);

    /// <summary>Wakes the waiting party if it is armed. Any thread, any time, after a full fence.</summary>
    public void Wake()
    {
        if (Volatile.Read(ref armed) == 0 || Interlocked.Exchange(ref armed, 0) == 0) return;
        scheduler.Schedule(this);
    }

    /// <summary>Wakes like <see cref="Wake"/>, from a producer that may have nothing else to do (<see cref="Turn"/>).</summary>
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
