using System.Threading.Channels;

namespace Sluice.Celery.Tests;

/// <summary>A broker in memory: the test reads the tasks that it gets.</summary>
internal sealed class PlayedBroker : Broker
{
    private readonly Channel<TaskMessage> tasks = Channel.CreateUnbounded<TaskMessage>();

    /// <summary>What the next sendings throw.</summary>
    public Queue<Exception> Failures { get; } = new();

    /// <summary>A queue that takes nothing; null for none.</summary>
    public string? FullQueue { get; set; }

    /// <summary>A queue for which it gives no answer; null for none.</summary>
    public string? SilentQueue { get; set; }

    /// <summary>Whether it cannot be reached.</summary>
    public bool IsAway { get; set; }

    public List<CeleryRoute> Routes { get; } = [];

    /// <summary>The next task that was sent.</summary>
    public ValueTask<TaskMessage> NextAsync() => tasks.Reader.ReadAsync(TestContext.Current.CancellationToken);

    /// <summary>Awaited before it takes a task.</summary>
    public Func<Task> OnSending { get; set; } = static () => Task.CompletedTask;

    public override async Task SendAsync(TaskMessage task, CeleryRoute route, CancellationToken cancellation)
    {
        await OnSending();
        if (Failures.TryDequeue(out Exception? failure)) throw failure;
        if (IsAway) throw new BrokerAwayException("The Celery broker cannot be reached.");
        if (route.Queue == SilentQueue) throw new BrokerAwayException("The Celery broker has not answered within 10 seconds.");
        if (route.Queue == FullQueue)
            throw new BrokerAwayException($"The Celery broker has not taken a task into the queue {FullQueue}.") { Queue = FullQueue };
        lock (Routes) Routes.Add(route);
        tasks.Writer.TryWrite(task);
    }

    /// <summary>Whether tasks wait in the queue, as it says; null if it does not answer.</summary>
    public bool? HasTasks { get; set; } = true;

    /// <summary>How often it was asked about a queue.</summary>
    public int Looks { get; private set; }

    public override bool HasAcknowledgeTimeout => true;

    public override Task<QueueState> DescribeAsync(string queue, CancellationToken cancellation)
    {
        Looks++;                                     // one at a time
        return Task.FromResult(new QueueState("nobody reads it", HasTasks));
    }

    public override ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
