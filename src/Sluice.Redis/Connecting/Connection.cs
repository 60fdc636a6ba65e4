using StackExchange.Redis;

namespace Sluice.Redis;

/// <summary>
/// The connection of a store, and the one way to the server: scripts by their hash. A run of the server knows a script only if somebody has loaded it
/// in that run, which is done here after <see cref="Cleaning"/>; so no script runs on a server that was restarted before it is clean. Any thread.
/// </summary>
internal sealed class Connection : IAsyncDisposable
{
    private readonly ServerAddress address;
    private readonly RedisStoreOptions options;
    private readonly SemaphoreSlim preparing = new(1);
    private readonly SemaphoreSlim replacing = new(1);
    private readonly CancellationTokenSource closing = new();
    private readonly RedisKey[] keys;
    private volatile Link link;
    private Action<string?>? changed;
    private int isDisposed;

    private Connection(ServerAddress address, Link link, RedisStoreOptions options)
    {
        (this.address, this.link, this.options) = (address, link, options);
        keys = [$"{{{options.Prefix}}}:meta"];
    }

    public IDatabase Database => link.Database;
    public string Channel => $"{{{options.Prefix}}}:changes";
    public string Clean => $"{{{options.Prefix}}}:clean";
    public bool IsDisposed => Volatile.Read(ref isDisposed) != 0;

    /// <exception cref="StreamStoreException">No server answers, it wants a password or another one, or it is too old.</exception>
    public static async Task<Connection> OpenAsync(ServerAddress address, RedisStoreOptions options, CancellationToken cancellation)
    {
        Link link = await Link.OpenAsync(address, cancellation).ConfigureAwait(false);
        var connection = new Connection(address, link, options);
        try
        {
            if (!link.IsConnected) throw Failures.NotThere(address, link.Log);
            ServerInfo info = await connection.InfoAsync(cancellation).ConfigureAwait(false);
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

    /// <summary>Tells of changes, and of the moments after which some may have been missed (null). Called once.</summary>
    public async Task SubscribeAsync(Action<string?> tell, CancellationToken cancellation)
    {
        changed = tell;
        await SubscribeAsync(link, tell, cancellation).ConfigureAwait(false);
    }

    /// <summary>Runs a script.</summary>
    /// <param name="script">The script.</param>
    /// <param name="arguments">All of them, from the first.</param>
    /// <param name="isRepeatable">Whether it may be sent again when its outcome is not known.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    public async Task<RedisResult> RunAsync(Script script, RedisValue[] arguments, bool isRepeatable, CancellationToken cancellation)
    {
        ObjectDisposedException.ThrowIf(IsDisposed, typeof(RedisStreamStore));
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, closing.Token);
        long begun = TimeProvider.System.GetTimestamp();
        for (bool isPrepared = true, mayHaveRun = false; ;)
        {
            ObjectDisposedException.ThrowIf(IsDisposed, typeof(RedisStreamStore));
            bool isSending = false;
            Link used = link;
            try
            {
                if (!isPrepared) await PrepareAsync(either.Token).ConfigureAwait(false);
                (isPrepared, isSending) = (true, true);
                return await AnswerAsync(used.Database.ScriptEvaluateAsync(script.Hash, keys, arguments), isRepeatable, either.Token).ConfigureAwait(false);
            }
            catch (RedisServerException unknown) when (unknown.Message.StartsWith("NOSCRIPT", StringComparison.Ordinal))
            {
                isPrepared = false;
            }
            catch (Exception failure) when (Failures.MayPass(failure) && !IsDisposed)
            {
                mayHaveRun |= isSending && Failures.MayHaveRun(failure);
                if (failure is TimeoutException) await ReplaceAsync(used, either.Token).ConfigureAwait(false);
                bool again = (isRepeatable || !mayHaveRun) && TimeProvider.System.GetElapsedTime(begun) < options.Patience;
                if (!again) throw Failures.Explain(failure, address, mayHaveRun) ?? failure;
                await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, either.Token).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Ends the connection without waiting for what is under way, which is canceled.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref isDisposed, 1) != 0) return;
        await closing.CancelAsync().ConfigureAwait(false);
        link.Close();
    }

    /// <summary>
    /// Waits for an answer, for so long and no longer: the client knows no limit of its own, and a connection that is silent, or an answer that it lost when a connection
    /// was cut, would be waited for for ever.
    /// </summary>
    /// <param name="answer">What is waited for.</param>
    /// <param name="isRepeatable">Whether it may be asked again, and so is given up early.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    /// <exception cref="TimeoutException">There was none.</exception>
    internal async Task<T> AnswerAsync<T>(Task<T> answer, bool isRepeatable, CancellationToken cancellation)
        => await answer.WaitAsync(isRepeatable || options.Patience < options.Silence ? options.Silence : options.Patience, TimeProvider.System, cancellation).ConfigureAwait(false);

    internal async Task<ServerInfo> InfoAsync(CancellationToken cancellation)
        => ServerInfo.Read((string)await AnswerAsync(Database.ExecuteAsync("INFO", "all"), isRepeatable: true, cancellation).ConfigureAwait(false));

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
                if (!await AnswerAsync(loading.ExecuteAsync(), isRepeatable: true, cancellation).ConfigureAwait(false)) continue;
                await AnswerAsync(Task.WhenAll(loaded), isRepeatable: true, cancellation).ConfigureAwait(false);
                RedisResult now = await AnswerAsync(info, isRepeatable: true, cancellation).ConfigureAwait(false);
                if (ServerInfo.Read((string)now).RunId == run) return;
                await AnswerAsync(Database.ExecuteAsync("SCRIPT", "FLUSH"), isRepeatable: true, cancellation).ConfigureAwait(false);
            }
        }
        finally
        {
            preparing.Release();
        }
    }

    // A connection on which no answer has come gives way to another one, if there is another one to be had.
    private async Task ReplaceAsync(Link silent, CancellationToken cancellation)
    {
        await replacing.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            if (link != silent) return;
            Link fresh = await Link.OpenAsync(address, cancellation).ConfigureAwait(false);
            try
            {
                if (!fresh.IsConnected) throw new TimeoutException();
                if (changed is { } tell) await SubscribeAsync(fresh, tell, cancellation).ConfigureAwait(false);
            }
            catch (Exception failure)
            {
                fresh.Close();
                if (Failures.MayPass(failure)) return;
                throw;
            }
            link = fresh;
            silent.Close();
            changed?.Invoke(null);
            if (IsDisposed) fresh.Close();
        }
        finally
        {
            replacing.Release();
        }
    }

    private async Task SubscribeAsync(Link to, Action<string?> tell, CancellationToken cancellation)
        => await to.SubscribeAsync(Channel, tell).WaitAsync(options.Silence, TimeProvider.System, cancellation).ConfigureAwait(false);
}
