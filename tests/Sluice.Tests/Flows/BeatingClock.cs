using Sluice.Testing;

namespace Sluice.Tests.Flows;

/// <summary>
/// A clock that tells when the timer of heartbeats has begun. A service that has joined may not have begun it yet; if the clock is moved
/// then, no heartbeat comes.
/// </summary>
/// <param name="clock">The clock of the test.</param>
/// <param name="beat">The time between two heartbeats: a third of the lease duration.</param>
internal sealed class BeatingClock(TestClock clock, TimeSpan beat) : TimeProvider
{
    private readonly TaskCompletionSource begun = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public override long TimestampFrequency => clock.TimestampFrequency;

    public override DateTimeOffset GetUtcNow() => clock.GetUtcNow();

    public override long GetTimestamp() => clock.GetTimestamp();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        ITimer timer = clock.CreateTimer(callback, state, dueTime, period);
        if (period == beat) begun.TrySetResult();
        return timer;
    }

    public Task BegunAsync() => begun.Task.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
}
