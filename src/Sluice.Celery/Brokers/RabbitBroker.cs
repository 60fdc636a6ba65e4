using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace Sluice.Celery;

/// <summary>The broker RabbitMQ. Messages are durable, and confirmed by the broker.</summary>
internal sealed class RabbitBroker(BrokerAddress address) : Broker
{
    private const byte MaxPriority = 10;             // Celery's advice
    private const ushort NotFound = 404;

    private readonly SemaphoreSlim turn = new(1);
    private readonly HashSet<string> known = [];     // queues that were there on this connection
    private IConnection? connection;
    private IChannel? channel;

    public override async Task SendAsync(TaskMessage task, CeleryRoute route, CancellationToken cancellation)
    {
        var properties = new BasicProperties
        {
            ContentType = "application/json",
            ContentEncoding = "utf-8",
            CorrelationId = task.Id,
            Persistent = true,
            Headers = task.Headers(route).ToDictionary(static each => each.Name, static each => each.Value),
        };
        if (route.Priority is { } priority) properties.Priority = (byte)priority;
        byte[] body = task.ToBody();
        await turn.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            IChannel open = await OpenAsync(cancellation).ConfigureAwait(false);
            await FindAsync(route, cancellation).ConfigureAwait(false);
            open = channel ?? open;
            await open.BasicPublishAsync("", route.Queue!, mandatory: true, properties, body, cancellation).ConfigureAwait(false);
        }
        catch (PublishException e)
        {
            known.Remove(route.Queue!);              // deleted meanwhile, or full
            throw new BrokerAwayException($"The Celery broker, {address}, has not taken a task into the queue {route.Queue}.", e);
        }
        catch (Exception e) when (e is not (OperationCanceledException or BrokerAwayException or FlowException))
        {
            await CloseAsync().ConfigureAwait(false);
            throw Explain(e);
        }
        finally
        {
            turn.Release();
        }
    }

    public override async Task<string> DescribeAsync(string queue, CancellationToken cancellation)
    {
        try
        {
            await turn.WaitAsync(cancellation).ConfigureAwait(false);
            try
            {
                QueueDeclareOk found = await (await OpenAsync(cancellation).ConfigureAwait(false))
                    .QueueDeclarePassiveAsync(queue, cancellation).ConfigureAwait(false);
                string tasks = $"{found.MessageCount:N0} {(found.MessageCount == 1 ? "task" : "tasks")}";
                return found.ConsumerCount == 0 ? $"no worker reads the queue, which has {tasks}"
                    : $"the queue has {tasks}, and {found.ConsumerCount:N0} "
                        + $"{(found.ConsumerCount == 1 ? "worker reads" : "workers read")} it";
            }
            finally
            {
                turn.Release();
            }
        }
        catch (Exception)
        {
            return $"{address} does not answer";
        }
    }

    public override async ValueTask DisposeAsync()
    {
        await turn.WaitAsync().ConfigureAwait(false);
        await CloseAsync().ConfigureAwait(false);
    }

    private async Task<IChannel> OpenAsync(CancellationToken cancellation)
    {
        if (channel is { IsOpen: true } && connection is { IsOpen: true }) return channel;
        await CloseAsync().ConfigureAwait(false);
        var factory = new ConnectionFactory
        {
            HostName = address.Host,
            Port = address.Port,
            VirtualHost = address.VirtualHost,
            AutomaticRecoveryEnabled = false,        // the next task connects again
            ClientProvidedName = "sluice-celery",
            RequestedConnectionTimeout = TimeSpan.FromSeconds(5),
            Ssl = new SslOption(address.Host, enabled: address.IsTls),
        };
        if (address.User.Length > 0) (factory.UserName, factory.Password) = (address.User, address.Password);
        connection = await factory.CreateConnectionAsync(cancellation).ConfigureAwait(false);
        return channel = await NewChannelAsync(cancellation).ConfigureAwait(false);
    }

    private Task<IChannel> NewChannelAsync(CancellationToken cancellation) => connection!.CreateChannelAsync(
        new(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true), cancellation);

    /// <summary>Makes the queue if there is none. A worker may have made it with arguments that are not known here, so it is only looked
    /// for first.</summary>
    private async Task FindAsync(CeleryRoute route, CancellationToken cancellation)
    {
        if (known.Contains(route.Queue!)) return;
        try
        {
            await channel!.QueueDeclarePassiveAsync(route.Queue!, cancellation).ConfigureAwait(false);
        }
        catch (OperationInterruptedException e) when (e.ShutdownReason?.ReplyCode == NotFound)
        {
            channel = await NewChannelAsync(cancellation).ConfigureAwait(false);     // the question has closed the first one
            var arguments = new Dictionary<string, object?>();
            if (route.Priority is not null) arguments["x-max-priority"] = MaxPriority;
            await channel.QueueDeclareAsync(route.Queue!, durable: true, exclusive: false, autoDelete: false, arguments,
                cancellationToken: cancellation).ConfigureAwait(false);
        }
        known.Add(route.Queue!);
    }

    // Never throws.
    private async Task CloseAsync()
    {
        (IConnection? closed, connection, channel) = (connection, null, null);
        known.Clear();
        if (closed is null) return;
        try
        {
            await closed.DisposeAsync().ConfigureAwait(false);
        }
        catch (Exception)
        {
            // It was broken already.
        }
    }

    private Exception Explain(Exception e)
    {
        for (Exception? cause = e; cause is not null; cause = cause.InnerException)
        {
            if (cause is AuthenticationFailureException)
                return new FlowException($"The Celery broker, {address}, refuses the user or the password. Correct them in the address "
                    + $"(amqp://USER:PASSWORD@HOST:PORT/VHOST).");
            if (cause is OperationInterruptedException { ShutdownReason: { ReplyCode: 403 or 406 or 530 } reason })
                return new FlowException($"The Celery broker, {address}, refuses: {reason.ReplyText}");
        }
        return new BrokerAwayException($"The Celery broker, {address}, cannot be reached.", e);
    }
}
