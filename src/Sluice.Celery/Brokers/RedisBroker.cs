namespace Sluice.Celery;

/// <summary>The broker Redis: a queue is a list, with kombu's form of messages.</summary>
internal sealed class RedisBroker(BrokerAddress address) : Broker
{
    // The lists of a queue for its priorities: kombu's defaults.
    private const string Separator = "\u0006\u0016";
    private static readonly int[] Steps = [0, 3, 6, 9];

    private readonly RedisLink link = new(address, "broker");

    public override async Task SendAsync(TaskMessage task, CeleryRoute route, CancellationToken cancellation)
    {
        int priority = route.Priority is { } urgent ? 9 - urgent : 0;
        int step = Steps.Last(each => each <= priority);
        string list = step == 0 ? route.Queue! : $"{route.Queue}{Separator}{step}";
        await link.AskAsync("LPUSH", [list, task.ToRedis(route, priority)], cancellation).ConfigureAwait(false);
    }

    public override async Task<QueueState> DescribeAsync(string queue, CancellationToken cancellation)
    {
        try
        {
            long count = 0;
            foreach (int step in Steps)
                count += (long)await link.AskAsync("LLEN", [step == 0 ? queue : $"{queue}{Separator}{step}"], cancellation)
                    .ConfigureAwait(false);
            return new(count == 0 ? "the queue is empty, so a worker has taken the task, and is busy or cannot reach this service"
                : $"the queue has {count:N0} {(count == 1 ? "task" : "tasks")}", count > 0);
        }
        catch (Exception e) when (e is BrokerAwayException or FlowException or OperationCanceledException)
        {
            return new($"{address} does not answer", HasTasks: null);
        }
    }

    public override ValueTask DisposeAsync() => link.DisposeAsync();
}
