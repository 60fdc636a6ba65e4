using StackExchange.Redis;

namespace Sluice.Redis;

/// <summary>
/// The connection of a store, and the one way to the server: scripts by their hash. A run of the server knows a script only if somebody has loaded it
/// in that run, which is done here after <see cref="Cleaning"/>; so no script runs on a server that was restarted before it is clean. Any thread.
/// </summary>
internal sealed class Connection : IAsyncDisposable
{
    private readonly ServerAddress address;
    private readonly ConnectionMultiplexer multiplexer;
    private readonly RedisStoreOptions options;
    private readonly SemaphoreSlim preparing = new(1);
    private readonly RedisKey[] keys;
    private int isDisposed;

    private Connection(ServerAddress address, ConnectionMultiplexer multiplexer, RedisStoreOptions options)
    {
        (this.address, this.multiplexer, this.options) = (address, multiplexer, options);
        Database = multiplexer.GetDatabase();
        keys = [$"{{{options.Prefix}}}:meta"];
    }

    public IDatabase Database { get; }
    public string Channel => $"{{{options.Prefix}}}:changes";
    public string Clean => $"{{{options.Prefix}}}:clean";
    public bool IsDisposed => Volatile.Read(ref isDisposed) != 0;

    /// <exception cref="StreamStoreException">No server answers, it wants a password or another one, or it is too old.</exception>
    public static async Task<Connection> OpenAsync(ServerAddress address, RedisStoreOptions options, CancellationToken cancellation)
    {
        using var log = new StringWriter();
        ConnectionMultiplexer multiplexer = await ConnectionMultiplexer.ConnectAsync(address.Options, log).WaitAsync(cancellation).ConfigureAwait(false);
        var connection = new Connection(address, multiplexer, options);
        try
        {
            if (!multiplexer.IsConnected) throw Failures.NotThere(address, log.ToString());
            ServerInfo info = await connection.InfoAsync().ConfigureAwait(false);
            if (info.MajorVersion < 7)
                throw new StreamStoreException($"The server at {address} is Redis {info.Version}; Sluice needs 7.0 or newer.");
            await connection.PrepareAsync(cancellation).ConfigureAwait(false);
            return connection;
        }
        catch (Exception failure)
        {
            await connection.DisposeAsync().ConfigureAwait(false);
            if (Failures.Explain(failure, address) is { } explained) throw explained;
            throw;
        }
    }

    /// <summary>Tells of changes, and of the moments after which some may have been missed (null).</summary>
    public async Task SubscribeAsync(Action<string?> changed)
    {
        multiplexer.ConnectionRestored += (_, _) => changed(null);
        await multiplexer.GetSubscriber().SubscribeAsync(Channel, (_, stream) => changed(stream)).ConfigureAwait(false);
    }

    /// <summary>Runs a script.</summary>
    /// <param name="script">The script.</param>
    /// <param name="arguments">All of them, from the first.</param>
    /// <param name="isRepeatable">Whether it may be sent again when its outcome is not known.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    public async Task<RedisResult> RunAsync(Script script, RedisValue[] arguments, bool isRepeatable, CancellationToken cancellation)
    {
        long begun = TimeProvider.System.GetTimestamp();
        for (bool isPrepared = true, mayHaveRun = false; ;)
        {
            ObjectDisposedException.ThrowIf(IsDisposed, typeof(RedisStreamStore));
            bool isSending = false;
            try
            {
                if (!isPrepared) await PrepareAsync(cancellation).ConfigureAwait(false);
                (isPrepared, isSending) = (true, true);
                return await Database.ScriptEvaluateAsync(script.Hash, keys, arguments).WaitAsync(cancellation).ConfigureAwait(false);
            }
            catch (RedisServerException unknown) when (unknown.Message.StartsWith("NOSCRIPT", StringComparison.Ordinal))
            {
                isPrepared = false;
            }
            catch (Exception failure) when (Failures.MayPass(failure) && !IsDisposed)
            {
                mayHaveRun |= isSending && Failures.MayHaveRun(failure);
                bool again = (isRepeatable || !mayHaveRun) && TimeProvider.System.GetElapsedTime(begun) < options.Patience;
                if (!again) throw Failures.Explain(failure, address, mayHaveRun) ?? failure;
                await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, cancellation).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Ends the connection without waiting for what is under way.</summary>
    public ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref isDisposed, 1) == 0) multiplexer.Close(allowCommandsToComplete: false);
        multiplexer.Dispose();
        preparing.Dispose();
        return ValueTask.CompletedTask;
    }

    internal async Task<ServerInfo> InfoAsync() => ServerInfo.Read((string)await Database.ExecuteAsync("INFO", "all").ConfigureAwait(false));

    // The run that was cleaned must be the one that has the scripts then: both are seen in one transaction.
    private async Task PrepareAsync(CancellationToken cancellation)
    {
        await preparing.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            while (true)
            {
                string run = await Cleaning.EnsureAsync(this, address, cancellation).ConfigureAwait(false);
                ITransaction loading = Database.CreateTransaction();
                Task<RedisResult> info = loading.ExecuteAsync("INFO", "server");
                List<Task<RedisResult>> loaded = [.. Script.Every.Select(script => loading.ExecuteAsync("SCRIPT", "LOAD", script.Text))];
                if (!await loading.ExecuteAsync().ConfigureAwait(false)) continue;
                await Task.WhenAll(loaded).ConfigureAwait(false);
                if (ServerInfo.Read((string)await info.ConfigureAwait(false)).RunId == run) return;
                await Database.ExecuteAsync("SCRIPT", "FLUSH").ConfigureAwait(false);
            }
        }
        finally
        {
            if (!IsDisposed) preparing.Release();
        }
    }
}
