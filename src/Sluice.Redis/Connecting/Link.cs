using System.Net;
using StackExchange.Redis;

namespace Sluice.Redis;

/// <summary>
/// The client's connection to the server, which it makes again by itself when it is cut; now and then it does not, where the server dies while it does so. Nor does it notice that
/// one is silent. Both are replaced, by <see cref="Connection"/>. Any thread.
/// </summary>
internal sealed class Link
{
    private readonly ConnectionMultiplexer multiplexer;
    private readonly TimeSpan longest;
    private string? channel;
    private long lostAt;                             // a timestamp: when it was first seen not to be whole; zero while it is

    private Link(ConnectionMultiplexer multiplexer, Target target, TimeSpan longest, string log)
    {
        (this.multiplexer, Target, this.longest) = (multiplexer, target, longest);
        multiplexer.PreserveAsyncOrder = false;      // else what goes on behind an answer holds up all other answers: there, users' code may run
        Log = log;
        Database = multiplexer.GetDatabase();
    }

    public IDatabase Database { get; }

    /// <summary>Where it leads to.</summary>
    public Target Target { get; }

    /// <summary>What the client says of how it connected.</summary>
    public string Log { get; }

    public bool IsConnected => multiplexer.IsConnected;

    // What messages come on is a connection of its own.
    private bool IsWhole => IsConnected && (channel is null || multiplexer.GetSubscriber().IsConnected(channel));

    /// <summary>For how long it has been seen not to be connected, or not to hear any messages.</summary>
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
    /// Differs as soon as the client has begun to connect anew: as long as it is the same, the servers on the other ends are. The client's event (<c>ConnectionRestored</c>) comes later,
    /// behind answers that came over the new connection already. An end that is not connected counts for nothing, however often the client tries.
    /// </summary>
    /// <exception cref="ObjectDisposedException">It was closed.</exception>
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

    /// <summary>The connections over which the servers were looked at last (<see cref="Sockets"/>); null if they were not.</summary>
    public int? LookedAt { get; set; }

    /// <summary>Tries to connect, for as long as the connection string says.</summary>
    /// <param name="target">Where to.</param>
    /// <param name="longest">The client has limits of its own (connectTimeout), and is not believed to keep them.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="TimeoutException">It has taken longer.</exception>
    public static async Task<Link> OpenAsync(Target target, TimeSpan longest, CancellationToken cancellation)
    {
        using var log = new StringWriter();
        Task<ConnectionMultiplexer> connecting = ConnectionMultiplexer.ConnectAsync(target.Options, log);
        try
        {
            return new(await connecting.WaitAsync(longest, TimeProvider.System, cancellation).ConfigureAwait(false), target, longest, log.ToString());
        }
        catch (Exception given) when (given is OperationCanceledException or TimeoutException)
        {
            _ = connecting.ContinueWith(static late => late.Result.Dispose(), CancellationToken.None, TaskContinuationOptions.OnlyOnRanToCompletion, TaskScheduler.Default);
            throw;
        }
    }

    /// <summary>Tells of messages, and of the moments after which some may have been missed (null).</summary>
    public async Task SubscribeAsync(string channel, Action<byte[]?> changed)
    {
        multiplexer.ConnectionRestored += (_, _) => changed(null);
        await multiplexer.GetSubscriber().SubscribeAsync(channel, (_, message) => changed(message)).ConfigureAwait(false);
        this.channel = channel;
    }

    /// <summary>What the server says of itself.</summary>
    /// <param name="section">What is asked for.</param>
    public Task<RedisResult> InfoAsync(string section)
        => Target.IsClustered ? Database.ExecuteAsync("EVAL", "return redis.call('INFO', ARGV[1])", 0, section) : Database.ExecuteAsync("INFO", section);

    /// <summary>Looks which of several servers is the master now.</summary>
    public Task ReconsiderAsync(CancellationToken cancellation) => multiplexer.ConfigureAsync().WaitAsync(longest, TimeProvider.System, cancellation);

    // A client that was closed knows no servers any more.
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

    /// <summary>Ends it at once. What rests in a queue of the client's is never answered.</summary>
    public void Close()
    {
        multiplexer.Close(allowCommandsToComplete: false);
        multiplexer.Dispose();
    }
}
