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
    private volatile string? channel;
    private long lostAt;                             // the time when it was first seen broken; zero while it is whole

    private Link(ConnectionMultiplexer multiplexer, Target target, TimeSpan longest, string log)
    {
        (this.multiplexer, Target, this.longest) = (multiplexer, target, longest);
        Log = log;
        Database = multiplexer.GetDatabase();
    }

    public IDatabase Database { get; }

    /// <summary>The server that it leads to.</summary>
    public Target Target { get; }

    /// <summary>The client's log of connecting.</summary>
    public string Log { get; }

    public bool IsConnected => multiplexer.IsConnected;

    /// <summary>Whether it has subscribed to messages, or has tried to.</summary>
    public bool HasChannel => channel is not null;

    // Messages use their own connection.
    private bool IsWhole => IsConnected && (channel is not { } name || multiplexer.GetSubscriber().IsConnected(Literal(name)));

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

    /// <summary>
    /// Subscribes to messages. The callback gets null first, and whenever messages may have been missed. Without a connection, the client
    /// subscribes when it has connected again.
    /// </summary>
    public async Task SubscribeAsync(string channel, Action<byte[]?> changed)
    {
        this.channel = channel;
        multiplexer.ConnectionRestored += (_, _) => changed(null);
        await multiplexer.GetSubscriber().SubscribeAsync(Literal(channel), (_, message) => changed(message)).ConfigureAwait(false);
        changed(null);
    }

    /// <summary>Returns the server's INFO.</summary>
    /// <param name="section">The section of INFO.</param>
    public Task<RedisResult> InfoAsync(string section)
        => Target.IsClustered ? Database.ExecuteAsync("EVAL", "return redis.call('INFO', ARGV[1])", 0, section)
        : Database.ExecuteAsync("INFO", section);

    private static RedisChannel Literal(string channel) => new(channel, RedisChannel.PatternMode.Literal);

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
            throw Closed(unknown);
        }
    }

    /// <summary>The failure of a call on a closed link.</summary>
    public static ObjectDisposedException Closed(Exception cause) => new("The connection was closed.", cause);

    /// <summary>Closes the link at once. The client cancels calls in its queue, or never answers them.</summary>
    public void Close()
    {
        multiplexer.Close(allowCommandsToComplete: false);
        multiplexer.Dispose();
    }
}
