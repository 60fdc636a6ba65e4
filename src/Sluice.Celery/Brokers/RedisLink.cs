using StackExchange.Redis;

namespace Sluice.Celery;

/// <summary>The connection to a Redis server. Connects with the first command; the client connects again by itself.</summary>
/// <remarks>Thread-safe. A server that does not answer holds up neither a cancelled call nor the end.</remarks>
/// <param name="address">The address of the server.</param>
/// <param name="role">What the server is, for errors: <c>broker</c> or <c>result backend</c>.</param>
internal sealed class RedisLink(BrokerAddress address, string role) : IAsyncDisposable
{
    private static readonly string[] Refusals = ["NOAUTH", "WRONGPASS", "invalid password", "AuthenticationFailure"];

    private readonly Lock sync = new();
    private readonly TaskCompletionSource<ConnectionMultiplexer> end = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Task<ConnectionMultiplexer>? connecting; // one for all calls; if it has failed, the next call begins another one
    private ConnectionMultiplexer? answered;         // the connection on which the server has answered
    private bool isDisposed;

    /// <summary>The time in which the server answers.</summary>
    internal TimeSpan AnswerTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Executes a command.</summary>
    /// <exception cref="BrokerAwayException">The server does not answer. The command may have been executed nevertheless.</exception>
    /// <exception cref="FlowException">The server refuses the password or the command.</exception>
    public async Task<RedisResult> AskAsync(string command, object[] arguments, CancellationToken cancellation)
    {
        ConnectionMultiplexer? connected = null;
        try
        {
            connected = await ConnectAsync(cancellation).ConfigureAwait(false);
            RedisResult answer = await connected.GetDatabase().ExecuteAsync(command, arguments).WaitAsync(cancellation)
                .ConfigureAwait(false);
            if (Volatile.Read(ref answered) != connected) Note(connected);
            return answer;
        }
        catch (RedisServerException e) when (IsTransient(e))
        {
            throw new BrokerAwayException($"The Celery {role}, {address}, is not ready: {e.Message.TrimEnd('.')}.", e);
        }
        catch (RedisServerException e)
        {
            throw Refused(e.Message);
        }
        catch (RedisConnectionException e) when (IsRefusal(e))
        {
            throw Refused("NOAUTH");
        }
        catch (Exception e) when (e is RedisException or TimeoutException or InvalidOperationException
            || (e is OperationCanceledException && !cancellation.IsCancellationRequested))       // of a client that was closed
        {
            if (connected is { IsConnected: false }) Leave(connected);
            throw Unreachable(e);
        }
    }

    // The client may have forgotten why the server refused it, and go on trying. No channel is listened to before the first answer, so the
    // next call may connect anew.
    private void Leave(ConnectionMultiplexer connected)
    {
        lock (sync)
        {
            if (answered == connected || !IsCurrent(connected)) return;
            connecting = null;
        }
        _ = CloseAsync(Task.FromResult(connected));
    }

    private void Note(ConnectionMultiplexer connected)
    {
        lock (sync)
            if (IsCurrent(connected)) answered = connected;
    }

    private bool IsCurrent(ConnectionMultiplexer connected)
        => connecting is { IsCompletedSuccessfully: true } current && current.Result == connected;

    /// <summary>Listens to a channel until the result is disposed; also after the connection was lost.</summary>
    /// <param name="channel">The channel.</param>
    /// <param name="onMessage">Called for each message.</param>
    /// <param name="cancellation">Ends the wait for the server, also at the disposal of the result.</param>
    /// <exception cref="BrokerAwayException">The server does not answer.</exception>
    public async Task<IAsyncDisposable> ListenAsync(string channel, Action onMessage, CancellationToken cancellation)
    {
        await AskAsync("PING", [], cancellation).ConfigureAwait(false);      // with an error that says what is wrong
        ConnectionMultiplexer connected = await ConnectAsync(cancellation).ConfigureAwait(false);
        ISubscriber subscriber = connected.GetSubscriber();
        var name = new RedisChannel(channel, RedisChannel.PatternMode.Literal);
        Action<RedisChannel, RedisValue> handler = (_, _) => onMessage();
        var subscription = new Subscription(subscriber, name, handler, cancellation);
        Task subscribing = Task.CompletedTask;
        try
        {
            subscribing = subscriber.SubscribeAsync(name, handler);
            await subscribing.WaitAsync(cancellation).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            // The client keeps it otherwise, and subscribes when it connects again. Before the server has answered, it would send nothing.
            _ = EndAsync(subscribing, new Subscription(subscriber, name, handler, CancellationToken.None));
            if (e is RedisException or TimeoutException or InvalidOperationException)
                throw Unreachable(e);
            throw;
        }
        return subscription;
    }

    private static async Task EndAsync(Task subscribing, Subscription subscription)
    {
        await subscribing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await subscription.DisposeAsync().ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        Task<ConnectionMultiplexer>? last;
        lock (sync) (isDisposed, last) = (true, connecting);
        end.TrySetCanceled();                        // the calls that wait for the connection fail
        if (last is null) return;
        Task closing = CloseAsync(last);
        if (last.IsCompleted) await closing.ConfigureAwait(false);       // otherwise it is closed once it is there
    }

    // Never throws.
    private static async Task CloseAsync(Task<ConnectionMultiplexer> connecting)
    {
        try
        {
            ConnectionMultiplexer connected = await connecting.ConfigureAwait(false);
            await connected.CloseAsync(allowCommandsToComplete: false).ConfigureAwait(false);
        }
        catch (Exception)
        {
            // It was not connected, or broken already.
        }
    }

    private async Task<ConnectionMultiplexer> ConnectAsync(CancellationToken cancellation)
    {
        Task<ConnectionMultiplexer> current;
        lock (sync)
        {
            ObjectDisposedException.ThrowIf(isDisposed, this);
            if (connecting is null or { IsCompleted: true, IsCompletedSuccessfully: false })
            {
                connecting = ConnectAsync();
                _ = connecting.ContinueWith(static failed => failed.Exception, CancellationToken.None,
                    TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);           // all who wait may be cancelled
            }
            current = connecting;
        }
        if (!current.IsCompletedSuccessfully)
            current = await Task.WhenAny(current, end.Task).WaitAsync(cancellation).ConfigureAwait(false);
        return await current.ConfigureAwait(false);
    }

    // Outside of the lock.
    private async Task<ConnectionMultiplexer> ConnectAsync()
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        return await ConnectionMultiplexer.ConnectAsync(Options()).ConfigureAwait(false);
    }

    private ConfigurationOptions Options()
    {
        var options = new ConfigurationOptions
        {
            AbortOnConnectFail = false,
            ClientName = "sluice-celery",
            ConnectTimeout = (int)AnswerTimeout.TotalMilliseconds,
            SyncTimeout = (int)AnswerTimeout.TotalMilliseconds,
            DefaultDatabase = address.Database,
            Ssl = address.IsTls,
            User = address.User.Length > 0 ? address.User : null,
            Password = address.Password.Length > 0 ? address.Password : null,
        };
        options.EndPoints.Add(address.Host, address.Port);
        return options;
    }

    private BrokerAwayException Unreachable(Exception e) => BrokerAwayException.Unreachable($"The Celery {role}, {address},", e);

    private static bool IsTransient(RedisServerException e)
        => FirstWord(e.Message) is "LOADING" or "MASTERDOWN" or "READONLY" or "BUSY" or "TRYAGAIN" or "CLUSTERDOWN" or "OOM"
            or "MISCONF" or "NOREPLICAS";

    // The client says it in the text only.
    private static bool IsRefusal(Exception? e) => e is not null
        && (Array.Exists(Refusals, word => e.Message.Contains(word, StringComparison.OrdinalIgnoreCase)) || IsRefusal(e.InnerException));

    private static string FirstWord(string text) => text.Split(' ', 2)[0];

    private FlowException Refused(string answer) => FirstWord(answer) is "NOAUTH" or "WRONGPASS" or "ERR" && IsPassword(answer)
        ? new($"The Celery {role}, {address}, refuses the user or the "
            + $"password{(address.IsTls ? ", or its certificate is not trusted" : "")}. "
            + $"Correct them in the address ({(address.IsTls ? "rediss" : "redis")}://USER:PASSWORD@HOST:PORT/DATABASE; without USER it is "
            + $"the default one){(address.IsTls ? ", or trust the authority that made the certificate (SSL_CERT_FILE)" : "")}.")
        : new($"The Celery {role}, {address}, refuses a command: {answer}");

    private static bool IsPassword(string answer) => FirstWord(answer) != "ERR"
        || answer.Contains("password", StringComparison.OrdinalIgnoreCase) || answer.Contains("AUTH", StringComparison.Ordinal);

    private sealed class Subscription(ISubscriber subscriber, RedisChannel channel, Action<RedisChannel, RedisValue> handler,
        CancellationToken cancellation) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            try
            {
                await subscriber.UnsubscribeAsync(channel, handler).WaitAsync(cancellation).ConfigureAwait(false);
            }
            catch (Exception e) when (e is RedisException or TimeoutException or InvalidOperationException or OperationCanceledException)
            {
                // The connection is gone, and the subscription with it; or a cancelled call does not wait for the server.
            }
        }
    }
}
