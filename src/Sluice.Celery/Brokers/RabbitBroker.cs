using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace Sluice.Celery;

/// <summary>The broker RabbitMQ. Messages are durable, and confirmed by the broker.</summary>
internal sealed class RabbitBroker(BrokerAddress address) : Broker
{
    private const byte MaxPriority = 10;             // Celery's advice
    private const ushort NotFound = 404, PreconditionFailed = 406;

    private static readonly TimeSpan TurnTimeout = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan CloseTimeout = TimeSpan.FromSeconds(2);

    private readonly CancellationTokenSource life = new();
    private readonly SemaphoreSlim turn = new(1);
    private readonly HashSet<string> known = [];     // queues that were there on this connection
    private IConnection? connection;
    private IChannel? channel;
    private string? blocked;                         // why the broker takes nothing on this connection
    private volatile bool isDistrusted;              // whether the certificate of the last connection was not trusted

    /// <summary>The time in which the broker takes a task, or answers.</summary>
    internal TimeSpan SendTimeout { get; init; } = TimeSpan.FromSeconds(10);

    public override bool HasAcknowledgeTimeout => true;

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
        await EnterAsync(cancellation).ConfigureAwait(false);
        // Once begun, it ends by itself: a publication that is cancelled half way would cost the connection.
        Task sending = SendInTurnAsync(route, properties, body);
        try
        {
            await sending.WaitAsync(cancellation).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            _ = ObserveAsync(sending);
            throw;
        }
    }

    public override async Task<QueueState> DescribeAsync(string queue, CancellationToken cancellation)
    {
        try
        {
            using var brief = new TimeLimit(TurnTimeout, TimeProvider.System, cancellation);
            await EnterAsync(brief.Token).ConfigureAwait(false);
            Task<QueueState> looking = LookInTurnAsync(queue);
            _ = ObserveAsync(looking);
            return await looking.WaitAsync(cancellation).ConfigureAwait(false);
        }
        catch (Exception)
        {
            return new($"{address} does not answer", HasTasks: null);
        }
    }

    public override async ValueTask DisposeAsync()
    {
        await life.CancelAsync().ConfigureAwait(false);
        await turn.WaitAsync().ConfigureAwait(false);        // all that have it end now
        await CloseAsync().ConfigureAwait(false);
        turn.Release();
    }

    private async Task EnterAsync(CancellationToken cancellation)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, life.Token);
        try
        {
            await turn.WaitAsync(either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException ended) when (life.IsCancellationRequested)
        {
            throw new ObjectDisposedException("The connection to the broker was closed.", ended);
        }
    }

    private async Task SendInTurnAsync(CeleryRoute route, BasicProperties properties, byte[] body)
    {
        try
        {
            await WithinAsync(async cancellation =>
            {
                await OpenAsync(cancellation).ConfigureAwait(false);
                await FindAsync(route, cancellation).ConfigureAwait(false);
                await channel!.BasicPublishAsync("", route.Queue!, mandatory: true, properties, body, cancellation).ConfigureAwait(false);
                return true;
            }).ConfigureAwait(false);
        }
        catch (PublishException e)
        {
            known.Remove(route.Queue!);              // deleted meanwhile, or full
            throw new BrokerAwayException($"The Celery broker, {address}, has not taken a task into the queue {route.Queue}.", e)
            { Queue = route.Queue };
        }
        catch (Exception e) when (e is not (BrokerAwayException or FlowException or ObjectDisposedException))
        {
            await CloseAsync().ConfigureAwait(false);
            throw Explain(e);
        }
        finally
        {
            turn.Release();
        }
    }

    private async Task<QueueState> LookInTurnAsync(string queue)
    {
        try
        {
            QueueDeclareOk? there = await WithinAsync(async cancellation =>
            {
                await OpenAsync(cancellation).ConfigureAwait(false);
                return await AskAsync(queue, cancellation).ConfigureAwait(false);
            }).ConfigureAwait(false);
            if (there is not { } found)
                return new("the queue does not exist, because it was deleted with its tasks, or expired", HasTasks: false);
            string tasks = $"{found.MessageCount:N0} {(found.MessageCount == 1 ? "task" : "tasks")}";
            return new(found.ConsumerCount == 0 ? $"no worker reads the queue, which has {tasks}"
                : $"the queue has {tasks}, and {found.ConsumerCount:N0} "
                    + $"{(found.ConsumerCount == 1 ? "worker reads" : "workers read")} it", found.MessageCount > 0);
        }
        finally
        {
            turn.Release();
        }
    }

    /// <summary>
    /// Does something with the connection, within a time limit: a broker that has an alarm takes nothing, and says nothing more. Then the
    /// connection is closed.
    /// </summary>
    /// <exception cref="BrokerAwayException">It took too long. The broker may have done it nevertheless.</exception>
    private async Task<T> WithinAsync<T>(Func<CancellationToken, Task<T>> work)
    {
        using var late = new TimeLimit(SendTimeout, TimeProvider.System, life.Token);
        Task<T> working = work(late.Token);
        try
        {
            return await working.WaitAsync(late.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (late.Token.IsCancellationRequested)
        {
            _ = ObserveAsync(working);
            string why = blocked is { } reason ? $" It has blocked this connection: {reason}." : "";
            await CloseAsync().ConfigureAwait(false);
            if (life.IsCancellationRequested) throw new ObjectDisposedException("The client of the Celery broker is disposed.", e);
            throw new BrokerAwayException($"The Celery broker, {address}, has not answered within {SendTimeout.TotalSeconds:N0} "
                + $"seconds.{why}", e);
        }
    }

    // Never throws.
    private static async Task ObserveAsync(Task left) => await left.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

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
            HandshakeContinuationTimeout = SendTimeout,
            ContinuationTimeout = SendTimeout,
            Ssl = new SslOption(address.Host, enabled: address.IsTls) { CertificateValidationCallback = IsTrusted },
        };
        isDistrusted = false;
        if (address.User.Length > 0) (factory.UserName, factory.Password) = (address.User, address.Password);
        IConnection made = await factory.CreateConnectionAsync(cancellation).ConfigureAwait(false);
        made.ConnectionBlockedAsync += (_, happened) => TellBlocked(happened.Reason);
        made.ConnectionUnblockedAsync += (_, _) => TellBlocked(null);
        if (cancellation.IsCancellationRequested)    // nobody waits for it any more
        {
            await made.DisposeAsync().ConfigureAwait(false);
            cancellation.ThrowIfCancellationRequested();
        }
        connection = made;
        return channel = await NewChannelAsync(cancellation).ConfigureAwait(false);
    }

    // A handshake also fails at a port without TLS, and while a broker starts: those have no certificate, and are waited for.
    private bool IsTrusted(object sender, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors)
    {
        isDistrusted = errors != SslPolicyErrors.None;
        return !isDistrusted;
    }

    private Task<IChannel> NewChannelAsync(CancellationToken cancellation) => connection!.CreateChannelAsync(
        new(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true), cancellation);

    /// <summary>Makes the queue if there is none. A worker may have made it with arguments that are not known here, so it is only looked
    /// for first.</summary>
    private async Task FindAsync(CeleryRoute route, CancellationToken cancellation)
    {
        if (known.Contains(route.Queue!)) return;
        if (await AskAsync(route.Queue!, cancellation).ConfigureAwait(false) is null)
            await MakeAsync(route, cancellation).ConfigureAwait(false);
        known.Add(route.Queue!);
    }

    /// <returns>Null if there is no such queue.</returns>
    private async Task<QueueDeclareOk?> AskAsync(string queue, CancellationToken cancellation)
    {
        try
        {
            return await channel!.QueueDeclarePassiveAsync(queue, cancellation).ConfigureAwait(false);
        }
        catch (OperationInterruptedException e) when (e.ShutdownReason?.ReplyCode == NotFound)
        {
            known.Remove(queue);
            channel = await NewChannelAsync(cancellation).ConfigureAwait(false);     // the question has closed the first one
            return null;
        }
    }

    private async Task MakeAsync(CeleryRoute route, CancellationToken cancellation)
    {
        var arguments = new Dictionary<string, object?>();
        if (route.Priority is not null) arguments["x-max-priority"] = MaxPriority;
        try
        {
            await channel!.QueueDeclareAsync(route.Queue!, durable: true, exclusive: false, autoDelete: false, arguments,
                cancellationToken: cancellation).ConfigureAwait(false);
        }
        catch (OperationInterruptedException e) when (e.ShutdownReason?.ReplyCode == PreconditionFailed)
        {
            channel = await NewChannelAsync(cancellation).ConfigureAwait(false);     // a worker has made it meanwhile
            await channel.QueueDeclarePassiveAsync(route.Queue!, cancellation).ConfigureAwait(false);
        }
    }

    private Task TellBlocked(string? reason)
    {
        bool wasBlocked = Interlocked.Exchange(ref blocked, reason) is not null;
        if (reason is not null && !wasBlocked)
            OnWarning?.Invoke($"The Celery broker, {address}, takes no tasks now: {reason}. They wait until it does.");
        return Task.CompletedTask;
    }

    // Never throws.
    private async Task CloseAsync()
    {
        (IConnection? closed, connection, channel, blocked) = (connection, null, null, null);
        known.Clear();
        if (closed is null) return;
        try
        {
            await closed.CloseAsync(200, "done", CloseTimeout, abort: true, CancellationToken.None).ConfigureAwait(false);
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
            // The broker counts connections of a lost network until their heartbeats are over.
            if (cause is OperationInterruptedException { ShutdownReason: { ReplyCode: 530 } limit }
                && limit.ReplyText.Contains("connection limit", StringComparison.OrdinalIgnoreCase))
                return new BrokerAwayException($"The Celery broker, {address}, takes no more connections: {limit.ReplyText}", e);
            if (cause is OperationInterruptedException { ShutdownReason: { ReplyCode: 403 or 406 or 530 } reason })
                return new FlowException($"The Celery broker, {address}, refuses: {reason.ReplyText}");
            if (cause is AuthenticationException && isDistrusted)
                return new FlowException($"The Celery broker, {address}, has a certificate that is not trusted, has expired, or is of "
                    + $"another host. Trust the authority that made it (SSL_CERT_FILE), or correct the host in the address.");
        }
        return BrokerAwayException.Unreachable($"The Celery broker, {address},", e);
    }
}
