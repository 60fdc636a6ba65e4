using Sluice.Scheduling;
using Sluice.Testing;

namespace Sluice.Tests.Membership;

/// <summary>Heartbeats go on in a process that gets no more threads.</summary>
public class HeartbeatThreadsTests
{
    /// <remarks>A failed start of the lookout ended the process, or left the heartbeats without a lookout for its life.</remarks>
    [Fact]
    public async Task ALookoutThatGetsNoThreadIsStartedLater()
    {
        var clock = new TestClock();
        int starts = 0;
        var threads = new HeartbeatThreads(clock, thread =>
        {
            if (Interlocked.Increment(ref starts) is 2 or 4 or 5) throw new OutOfMemoryException();
            thread.UnsafeStart();
        });
        using var blocked = new ManualResetEventSlim();
        var blocks = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var beats = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

        threads.Post(static _ => { }, null);         // the second start fails
        threads.Post(_ =>
        {
            blocks.SetResult();
            blocked.Wait();
        }, null);
        await blocks.Task.WaitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(3, starts);

        clock.Advance(TimeSpan.FromSeconds(1));
        threads.Post(_ => beats.SetResult(), null);  // the lookout takes over when it has found a successor
        await beats.Task.WaitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(6, starts);
        blocked.Set();
    }
}
