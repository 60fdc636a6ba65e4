using System.Net;

namespace Sluice.Redis;

/// <summary>
/// The client's connection to the server. The client reconnects by itself, but sometimes fails to if the server dies meanwhile, and it does
/// not notice a silent connection. <see cref="Connection"/> replaces the link then. Thread-safe.
/// </summary>
internal sealed class Link
{
    private readonly ConnectionMultiplexer multiplexer;
    private readonly TimeSpan longest;
    private string? channel;
    private long lostAt;                             // the time when it was first seen broken; zero while it is whole

    private Link(ConnectionMultiplexer multiplexer, Target target, TimeSpan longest, string log)
    {
        (this.multiplexer, Target, this.longest) = (multiplexer, target, longest);
        multiplexer.PreserveAsyncOrder = false; // otherwise the continuation of one answer, which may run users' code, delays all others
        Log = log;
        Database = multiplexer.GetDatabase();
    }

    public IDatabase Database { get; }

    /// <summary>The server that it leads to.</summary>
    public Target Target { get; }

    /// <summary>The client's log of connecting.</summary>
    public string Log { get; }

    public bool IsConnected => multiplexer.IsConnected;

    // Messages use their own connection.
    private bool IsWhole => IsConnected && (channel is null || multiplexer.GetSubscriber().IsConnected(channel));

    /// <summary>The time since it was first seen without a connection, or without messages.</summary>
    public TimeSpan LostFor
    {
        get
        {
            if (IsWhole)
            {
                Volatile.Write(ref lostAt, 0);
                return TimeSpan.Zero;
            }
            long now = TimeProvider.System.GetTimestamp(), first = Interlocked.CompareExchange(ref lostAt, now, 0);
            return first == 0 ? TimeSpan.Zero : TimeProvider.System.GetElapsedTime(first, now);
        }
    }

    /// <summary>
    /// A hash of the connected sockets. While it stays the same, the servers at the other ends do too. It changes as soon as the client
    /// reconnects; the client's event (<c>ConnectionRestored</c>) comes only after answers over the new connection. Ends without a
    /// connection do not count.
    /// </summary>
    /// <exception cref="ObjectDisposedException">The link was closed.</exception>
    public int Sockets
    {
        get
        {
            var sockets = new HashCode();
            foreach (EndPoint end in multiplexer.GetEndPoints())
            {
                if (ServerAt(end) is not { IsConnected: true } server) continue;
                sockets.Add(end);
                sockets.Add(server.GetCounters().Interactive.SocketCount);
            }
            return sockets.ToHashCode();
        }
    }

    /// <summary>The <see cref="Sockets"/> at the last check of the server; null if it was not checked.</summary>
    public int? LookedAt { get; set; }

    /// <summary>Connects, for at most the time in the connection string.</summary>
    /// <param name="target">The server.</param>
    /// <param name="longest">A limit in addition to the client's own (connectTimeout), which it may exceed.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="TimeoutException">The limit is over.</exception>
    public static async Task<Link> OpenAsync(Target target, TimeSpan longest, CancellationToken cancellation)
    {
        using var log = new StringWriter();
        Task<ConnectionMultiplexer> connecting = ConnectionMultiplexer.ConnectAsync(target.Options, log);
        try
        {
            return new(await connecting.WaitAsync(longest, TimeProvider.System, cancellation).ConfigureAwait(false), target, longest,
                log.ToString());
        }
        catch (Exception given) when (given is OperationCanceledException or TimeoutException)
        {
            _ = connecting.ContinueWith(static late => late.Result.Dispose(), CancellationToken.None,
                TaskContinuationOptions.OnlyOnRanToCompletion, TaskScheduler.Default);
            throw;
        }
    }

    /// <summary>Subscribes to messages. The callback also gets null after messages may have been missed.</summary>
    public async Task SubscribeAsync(string channel, Action<byte[]?> changed)
    {
        multiplexer.ConnectionRestored += (_, _) => changed(null);
        await multiplexer.GetSubscriber().SubscribeAsync(channel, (_, message) => changed(message)).ConfigureAwait(false);
        this.channel = channel;
    }

    /// <summary>Returns the server's INFO.</summary>
    /// <param name="section">The section of INFO.</param>
    public Task<RedisResult> InfoAsync(string section)
        => Target.IsClustered ? Database.ExecuteAsync("EVAL", "return redis.call('INFO', ARGV[1])", 0, section)
        : Database.ExecuteAsync("INFO", section);

    /// <summary>Determines which of several servers is the master now.</summary>
    public Task ReconsiderAsync(CancellationToken cancellation)
        => multiplexer.ConfigureAsync().WaitAsync(longest, TimeProvider.System, cancellation);

    // A closed client knows no servers.
    private IServer ServerAt(EndPoint end)
    {
        try
        {
            return multiplexer.GetServer(end);
        }
        catch (ArgumentException unknown)
        {
            throw new ObjectDisposedException("The connection was closed.", unknown);
        }
    }

    /// <summary>Closes the link at once. Calls in the client's queue are never answered.</summary>
    public void Close()
    {
        multiplexer.Close(allowCommandsToComplete: false);
        multiplexer.Dispose();
    }
}
