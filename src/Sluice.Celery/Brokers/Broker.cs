namespace Sluice.Celery;

/// <summary>A message broker, as far as a sender of tasks needs it.</summary>
/// <remarks>Thread-safe. Connects with the first call, and again after the connection was lost.</remarks>
internal abstract class Broker : IAsyncDisposable
{
    public static Broker Of(BrokerAddress address) => address.IsRedis ? new RedisBroker(address) : new RabbitBroker(address);

    /// <summary>Puts a task into a queue. When it ends, the broker has the task.</summary>
    /// <exception cref="BrokerAwayException">The broker cannot be reached now. The task may be in the queue nevertheless.</exception>
    /// <exception cref="FlowException">The broker refuses the user or the task; another try does not help.</exception>
    public abstract Task SendAsync(TaskMessage task, CeleryRoute route, CancellationToken cancellation);

    /// <summary>Describes a queue for a warning, such as <c>it has 3 tasks and no worker</c>. Never throws.</summary>
    public abstract Task<string> DescribeAsync(string queue, CancellationToken cancellation);

    public abstract ValueTask DisposeAsync();
}

/// <summary>Thrown while a broker cannot be reached. The message has no secrets.</summary>
internal sealed class BrokerAwayException(string message, Exception? inner = null) : Exception(message, inner);
