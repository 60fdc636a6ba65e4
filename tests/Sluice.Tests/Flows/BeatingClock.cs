using Sluice.Testing;

namespace Sluice.Tests.Flows;

/// <summary>
/// A clock that tells when the timer of heartbeats has begun. A service that has joined may not have begun it yet; if the clock is moved
/// then, no heartbeat comes.
/// </summary>
/// <param name="clock">The clock of the test.</param>
/// <param name="beat">The time between two heartbeats: a third of the lease duration.</param>
internal sealed class BeatingClock(TestClock clock, TimeSpan beat) : WatchedClock(clock)
{
    private readonly TaskCompletionSource begun = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task BegunAsync() => begun.Task.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);

    protected override void OnCreated(TimeSpan dueTime, TimeSpan period)
    {
        if (period == beat) begun.TrySetResult();
    }
}
