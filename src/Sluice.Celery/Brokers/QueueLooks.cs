namespace Sluice.Celery;

/// <summary>Looks at queues, for all calls that wait: a queue is looked at once in a second.</summary>
/// <remarks>Thread-safe. Looks take turns with sendings, so thousands of calls with looks of their own would delay all tasks.</remarks>
internal sealed class QueueLooks(Broker broker)
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly Lock sync = new();
    private readonly Dictionary<string, (long At, Task<QueueState> State)> last = [];        // by queue

    /// <summary>Looks at a queue, or returns a look of the last second. Never throws.</summary>
    public Task<QueueState> LookAsync(string queue, TimeProvider time)
    {
        lock (sync)
        {
            long now = time.GetTimestamp();
            if (!last.TryGetValue(queue, out (long At, Task<QueueState> State) look)
                || (look.State.IsCompleted && time.GetElapsedTime(look.At, now) >= Interval))
                last[queue] = look = (now, LookAnewAsync(queue));
            return look.State;
        }
    }

    // Outside of the lock.
    private async Task<QueueState> LookAnewAsync(string queue)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        return await broker.DescribeAsync(queue, CancellationToken.None).ConfigureAwait(false);
    }
}
