using StackExchange.Redis;

namespace Sluice.Celery;

/// <summary>A message broker, as far as a sender of tasks needs it.</summary>
/// <remarks>Thread-safe. Connects with the first call, and again after the connection was lost.</remarks>
internal abstract class Broker : IAsyncDisposable
{
    public static Broker Of(BrokerAddress address) => address.IsRedis ? new RedisBroker(address) : new RabbitBroker(address);

    /// <summary>Puts a task into a queue. When it ends, the broker has the task.</summary>
    /// <exception cref="BrokerAwayException">The broker cannot be reached now, or does not take the task now. The task may be in the queue
    /// nevertheless.</exception>
    /// <exception cref="FlowException">The broker refuses the user or the task; another try does not help.</exception>
    public abstract Task SendAsync(TaskMessage task, CeleryRoute route, CancellationToken cancellation);

    /// <summary>Looks at a queue. Never throws, and never waits for long.</summary>
    public abstract Task<QueueState> DescribeAsync(string queue, CancellationToken cancellation);

    /// <summary>Whether the broker delivers a task again that a worker has not acknowledged for half an hour, and disables the worker.
    /// </summary>
    public virtual bool HasAcknowledgeTimeout => false;

    /// <summary>Receives warnings, on any thread.</summary>
    public Action<string>? OnWarning { get; set; }

    /// <summary>Closes the connection. Running calls end with an exception.</summary>
    public abstract ValueTask DisposeAsync();
}

/// <summary>What a broker knows of a queue.</summary>
/// <param name="Text">The state for a warning, such as <c>the queue has 3 tasks</c>.</param>
/// <param name="HasTasks">Whether tasks wait in the queue; null if the broker has not answered.</param>
internal sealed record QueueState(string Text, bool? HasTasks)
{
    /// <summary>Whether another task may be superfluous. A broker that is busy or away may still have all tasks.</summary>
    public bool MayHaveTasks => HasTasks != false;
}

/// <summary>Thrown while a broker cannot be reached, or takes no task for a queue. The message has no secrets.</summary>
internal sealed class BrokerAwayException(string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>The queue for which the broker takes no task, although it answers; null if it does not
    /// answer, perhaps for this queue only.</summary>
    public string? Queue { get; init; }

    /// <summary>A server that cannot be reached, with the innermost cause: a name that is not known, a refused connection.</summary>
    /// <param name="what">The server, for the message.</param>
    /// <param name="e">How a client has failed. The messages of Redis' client are left out: they are long, and say no cause.</param>
    public static BrokerAwayException Unreachable(string what, Exception e)
    {
        string? why = e.GetBaseException() switch
        {
            RedisConnectionException failed => $"{failed.FailureType}",
            RedisException or RedisTimeoutException or OperationCanceledException or InvalidOperationException => null,
            { } cause => cause.Message.ReplaceLineEndings(" ").TrimEnd('.', ' '),
        };
        return new($"{what} cannot be reached{(why is null ? "" : $": {why}")}.", e);
    }
}
