using Sluice.Testing;

namespace Sluice.Scale;

/// <summary>
/// Moves a clock from one due timer to the next one, when nothing runs any more. Whether something runs is seen from the thread pool and
/// from the number of calls of the store; a thread that the machine has stopped in the middle of work is not seen. So two runs of one
/// seed differ slightly.
/// </summary>
internal sealed class VirtualTime(Func<long> calls)
{
    // Timers that are due so close to each other fire together: a host does not see less than that.
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(1);
    private const int CalmLooks = 3;

    private readonly DateTimeOffset start = new TestClock().GetUtcNow();

    public TestClock Clock { get; } = new();

    /// <summary>How often it has moved the clock.</summary>
    public long Moves { get; private set; }

    public TimeSpan Elapsed => Clock.GetUtcNow() - start;

    /// <summary>Lets time pass until a task has ended, or for so long.</summary>
    public async Task PassAsync(TimeSpan longest, Task? until = null)
    {
        DateTimeOffset end = Clock.GetUtcNow() + longest;
        while (true)
        {
            await SettleAsync();
            if (until is { IsCompleted: true } || Clock.GetUtcNow() >= end) return;
            Moves++;
            TimeSpan wait = (Clock.NextDue ?? end) - Clock.GetUtcNow();
            Clock.Advance(wait < Step ? Step : wait < end - Clock.GetUtcNow() ? wait : end - Clock.GetUtcNow());
        }
    }

    private async Task SettleAsync()
    {
        for (int calm = 0; calm < CalmLooks;)
        {
            (long completed, long made) = (ThreadPool.CompletedWorkItemCount, calls());
            await Task.Yield();                          // this is one item of the pool
            Thread.Yield();
            bool rests = ThreadPool.PendingWorkItemCount == 0 && ThreadPool.CompletedWorkItemCount - completed <= 1 && calls() == made;
            calm = rests ? calm + 1 : 0;
        }
    }
}
