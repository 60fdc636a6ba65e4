using System.Collections.Concurrent;
using Sluice.Diagnostics;

namespace Sluice.Redis;

/// <summary>
/// A stream store on Redis 7. Any number of processes share its streams, and take over the partitions of processes that die. The server's
/// settings (<c>appendonly</c>, <c>appendfsync</c>) decide which failures acknowledged writes survive. In a Redis Cluster, a store is on
/// the master that serves the slot of its prefix.
/// </summary>
/// <remarks>
/// <para>
/// Thread-safe. Each call is one function of a library on the server, and so one atomic step; concurrent calls share the connection. Keys
/// begin with the prefix in braces (<see cref="RedisStoreOptions.Prefix"/>); no other program may write to them.
/// </para>
/// <para>
/// If the connection is cut, repeatable calls are sent again until <see cref="RedisStoreOptions.Timeout"/>. A commit or an append that was
/// already executed is then answered from its record. Other calls fail, with a message that they may have been executed.
/// </para>
/// <para>
/// After a restart of the server nothing is written until its append-only file has been rewritten (<c>BGREWRITEAOF</c>): a crash may leave
/// half a commit at its end. If all data was deleted (<c>FLUSHALL</c>), the next call throws a <see cref="StoreRolledBackException"/>.
/// </para>
/// </remarks>
public sealed partial class RedisStreamStore : StreamStore
{
    private const int Form = 4;                      // the format of the keys
    private const int MaxKnown = 10_000;             // streams

    private readonly ServerAddress address;
    private readonly Connection connection;
    private readonly RedisStoreOptions options;
    private readonly StreamChanges changes = new();
    private readonly PushedEntries pushed;
    private readonly ConcurrentDictionary<string, (int Partitions, string Made)> known = new(StringComparer.Ordinal);
    private readonly ITimer poll;
    private volatile string id;
    private volatile int generation;
    private int sticky = Environment.ProcessId;

    private RedisStreamStore(ServerAddress address, Connection connection, RedisStoreOptions options, Reply opened)
    {
        (this.address, this.connection, this.options) = (address, connection, options);
        (id, generation) = (opened[0].Text, opened[1].Int);
        pushed = new(options.Time);
        poll = options.Time.CreateTimer(_ => Look(), null, options.PollInterval, options.PollInterval);
    }

    /// <inheritdoc/>
    /// <remarks>The durability that it was opened with (<see cref="RedisStoreOptions.Durability"/>).</remarks>
    public override Durability Durability => options.Durability;

    /// <inheritdoc/>
    public override StreamStoreCapabilities Capabilities
        => StreamStoreCapabilities.SharedByProcesses | StreamStoreCapabilities.PartitionChanges;

    /// <inheritdoc/>
    public override int Generation => generation;

    /// <summary>Returns the store as settings name it, without the password: <c>redis:</c> and the servers.</summary>
    public override string ToString() => $"redis:{address}";

    /// <summary>Connects to a store, and creates it if the database has none under its prefix.</summary>
    /// <param name="connection">
    /// The connection string; for example <c>localhost:6379,user=shop,password=…,ssl=true,defaultDatabase=1,prefix=shop</c>; for a server
    /// and its replicas <c>one:6379,two:6379</c>. No error shows the password. Its prefix overrides the prefix of the options.
    /// </param>
    /// <param name="options">The options of the store.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    /// <exception cref="StreamStoreException">
    /// The server does not answer, refuses the password, is older than 7.0, does not flush as required, or has a store of another version;
    /// the message says which.
    /// </exception>
    /// <exception cref="ArgumentException">The connection string is invalid, or an option is out of its range.</exception>
    public static ValueTask<RedisStreamStore> ConnectAsync(string connection, RedisStoreOptions? options = null,
        CancellationToken cancellation = default)
        => ConnectAsync(ServerAddress.Parse(connection), options, cancellation);

    /// <summary>
    /// Connects with options of the client, for what a connection string cannot say, such as a token instead of a password. The store
    /// copies them, and opens connections of its own with the copy.
    /// </summary>
    /// <param name="servers">
    /// The servers and how to reach them. The store sets <c>AbortOnConnectFail</c> to false and <c>AllowAdmin</c> to true. In a Redis
    /// Cluster it asks the servers itself, and cannot call the events for certificates of these options: use those of
    /// <see cref="RedisStoreOptions"/>, or <c>SslClientAuthenticationOptions</c>.
    /// </param>
    /// <param name="options">The options of the store.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    /// <exception cref="StreamStoreException">As with a connection string.</exception>
    /// <exception cref="ArgumentException">The options name no server, or an option is out of its range.</exception>
    public static ValueTask<RedisStreamStore> ConnectAsync(ConfigurationOptions servers, RedisStoreOptions? options = null,
        CancellationToken cancellation = default)
        => ConnectAsync(ServerAddress.From(servers), options, cancellation);

    private static async ValueTask<RedisStreamStore> ConnectAsync(ServerAddress address, RedisStoreOptions? options,
        CancellationToken cancellation)
    {
        options = address.Complete(options ?? new());
        Connection open = await Connection.OpenAsync(address, options, cancellation).ConfigureAwait(false);
        try
        {
            Reply opened = new(await open.RunAsync(Script.Named("open_store"), [NewId()], isRepeatable: true, cancellation)
                .ConfigureAwait(false), new("open_store", address, null, null));
            if (opened[3].Long != Form)
                throw new StreamStoreException(
                    $"The store at {address} was written by {(opened[3].Long > Form ? "a newer" : "an older")} version of Sluice: this "
                        + $"one knows the form {Form}, not {opened[3].Long}. Use that version, or another prefix.")
                { IsPermanent = true };
            if (opened[4].Long == 0)
                WarningHandlers.Tell(options.OnWarning, $"The user may not publish to {{{options.Prefix}}}:changes on the Redis server at "
                    + $"{address}: services that wait for entries or room look by themselves, every "
                    + $"{options.PollInterval.TotalSeconds:0.###} s. Give the user that right (&{{{options.Prefix}}}:*).");
            var store = new RedisStreamStore(address, open, options, opened);
            open.Changed = store.Hear;
            return store;
        }
        catch (Exception failure)
        {
            await open.DisposeAsync().ConfigureAwait(false);
            if (Failures.Explain(failure, address) is { } explained) throw explained;
            throw;
        }
    }

    /// <summary>
    /// Closes the connection. Callers that wait for a change, and later calls, get an <see cref="ObjectDisposedException"/>.
    /// </summary>
    public override async ValueTask DisposeAsync()
    {
        await poll.DisposeAsync().ConfigureAwait(false);
        changes.Close($"at {address}");
        pushed.Clear();
        await connection.DisposeAsync().ConfigureAwait(false);
    }

    // For tests.
    internal Connection Connection => connection;

    private static string NewId() => Guid.NewGuid().ToString("N");

    // Wakes all waiting callers, because messages may be lost, and checks the connection.
    private void Look()
    {
        pushed.Sweep();
        changes.PublishAll();
        if (known.Count > MaxKnown) known.Clear();   // other processes may have deleted most of them
        _ = connection.CheckAsync();
    }

    // Handles a message; null if some may have been missed.
    private void Hear(byte[]? told)
    {
        if (told is null)
        {
            pushed.Clear();
            changes.PublishAll();
            return;
        }
        var message = new ChangeMessage(told);
        pushed.Put(message, id);
        if (message.Partitions is { } partitions) changes.PublishEntries(message.Stream, partitions);
        else changes.Publish([message.Stream]);
    }

    // Before a caller waits for a change.
    private async ValueTask ListenAsync(CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        try
        {
            await connection.ListenAsync(cancellation).ConfigureAwait(false);
        }
        catch (Exception failure) when (connection.IsDisposed)
        {
            throw DisposedStore.Error($"at {address}", failure);
        }
        catch (Exception failure) when (Failures.Explain(failure, address) is { } explained)
        {
            throw explained;
        }
    }

    private async Task<Reply> CallAsync(string script, Arguments arguments, CancellationToken cancellation, bool isRepeatable = true,
        long? since = null)
    {
        cancellation.ThrowIfCancellationRequested();
        var subject = new CallSubject(script, address, arguments.AboutStream, arguments.AboutPartition);
        Reply reply = await RunAsync(script, arguments.ToArray(options.ServerTime?.Invoke(), id), isRepeatable, cancellation, subject,
            since).ConfigureAwait(false);
        NoteGeneration(reply[1].Int);
        return reply[2];
    }

    // Never lowers it: an answer may come after those of later calls.
    private void NoteGeneration(int answered)
    {
        for (int known = generation; answered > known; known = generation)
            Interlocked.CompareExchange(ref generation, answered, known);
    }

    private async Task<Reply> RunAsync(string script, RedisValue[] arguments, bool isRepeatable, CancellationToken cancellation,
        CallSubject? subject = null, long? since = null)
    {
        try
        {
            return new(await connection.RunAsync(Script.Named(script), arguments, isRepeatable, cancellation, since).ConfigureAwait(false),
                subject ?? new(script, address, null, null));
        }
        catch (Exception failure) when (Failures.Refusal(failure) is { } words)
        {
            if (words[0] is "NOSTREAM" or "REMADE") Forget(Names.Decode(words[1]));
            throw words[0] is "REMADE" or "TOOLONG" or "BACKPRODUCER" ? new RefusedException(words) : Failures.Refused(words, address);
        }
        catch (Exception failure) when (connection.IsDisposed && failure is not ObjectDisposedException)
        {
            throw DisposedStore.Error($"at {address}", failure);
        }
        catch (Exception failure) when (!connection.IsDisposed && Failures.Explain(failure, address) is { } explained)
        {
            throw explained;
        }
    }

    private void Forget(string stream)
    {
        known.TryRemove(stream, out _);
        pushed.Clear();
        changes.Forget(stream);
    }

    // The number of partitions of a stream; (0, "") if it does not exist, which the script reports.
    private async ValueTask<(int Partitions, string Made)> ShapeAsync(string stream, CancellationToken cancellation)
    {
        while (true)                                 // all may be forgotten between the two
        {
            if (known.TryGetValue(stream, out var shape)) return shape;
            if (await FindStreamAsync(stream, cancellation).ConfigureAwait(false) is null) return (0, "");
        }
    }

    private int NextSticky(int partitions) => (int)((uint)Interlocked.Increment(ref sticky) % (uint)partitions);
}

/// <summary>A refusal that the call explains, or answers with a repetition.</summary>
internal sealed class RefusedException(string[] words) : Exception(string.Join(' ', words))
{
    public string[] Words => words;
}
