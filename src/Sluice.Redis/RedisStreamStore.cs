using System.Collections.Concurrent;
using StackExchange.Redis;

namespace Sluice.Redis;

/// <summary>
/// A stream store on Redis 7: any number of processes share its streams, and take partitions over from those that die. What it has acknowledged
/// survives what the server does (see its <c>appendonly</c> and <c>appendfsync</c>). In a Redis Cluster a store is on the master that serves the slot of its prefix.
/// </summary>
/// <remarks>
/// <para>
/// Thread-safe. Each call is one function of a library that the server is given, so one step of its; calls that come together share the connection. Keys begin with the prefix in braces
/// (<see cref="RedisStoreOptions.Prefix"/>); nobody else may write to them.
/// </para>
/// <para>
/// If the connection is cut, calls that do no harm when they are repeated are sent again, until <see cref="RedisStoreOptions.Timeout"/> is over: a commit, or an append, that
/// had been done is then answered from what was recorded. Other calls fail, and say that they may have been done.
/// </para>
/// <para>
/// After a restart of the server nothing is written until its append-only file has been rewritten (<c>BGREWRITEAOF</c>), as a crash may leave half a commit at its end.
/// Whoever deletes everything (<c>FLUSHALL</c>) is noticed by the next call: <see cref="StoreRolledBackException"/>.
/// </para>
/// </remarks>
public sealed partial class RedisStreamStore : StreamStore
{
    private const int Form = 4;                      // of the keys

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
    /// <remarks>What it was opened with (<see cref="RedisStoreOptions.Durability"/>).</remarks>
    public override Durability Durability => options.Durability;

    /// <inheritdoc/>
    public override StreamStoreCapabilities Capabilities => StreamStoreCapabilities.SharedByProcesses | StreamStoreCapabilities.PartitionChanges;

    /// <inheritdoc/>
    public override int Generation => generation;

    /// <summary>Connects to a store, which is made if the database has none under its prefix.</summary>
    /// <param name="connection">
    /// For example <c>localhost:6379,password=…,ssl=true,defaultDatabase=1,prefix=shop</c>; a server and its replicas as <c>one:6379,two:6379</c>. The password appears in no error, and
    /// a prefix goes before that of the options.
    /// </param>
    /// <param name="options">How to open it.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    /// <exception cref="StreamStoreException">No server answers there, it wants a password or another one, it is older than 7.0, it does not flush as asked, or it has a store of a newer version: says which.</exception>
    /// <exception cref="ArgumentException">It is no connection string, or an option is out of its range.</exception>
    public static async ValueTask<RedisStreamStore> ConnectAsync(string connection, RedisStoreOptions? options = null, CancellationToken cancellation = default)
    {
        ServerAddress address = ServerAddress.Parse(connection);
        options = address.Complete(options ?? new());
        Connection open = await Connection.OpenAsync(address, options, cancellation).ConfigureAwait(false);
        try
        {
            Reply opened = new(await open.RunAsync(Script.Named("open_store"), [NewId()], isRepeatable: true, cancellation).ConfigureAwait(false), new("open_store", address, null, null));
            if (opened[3].Long != Form)
                throw new StreamStoreException(
                    $"The store at {address} was written by {(opened[3].Long > Form ? "a newer" : "an older")} version of Sluice: this one knows the form {Form}, not {opened[3].Long}. Use that version, or another prefix.")
                { IsPermanent = true };
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

    /// <summary>Closes the connection. Whoever waits for a change, and every later call, gets an <see cref="ObjectDisposedException"/>.</summary>
    public override async ValueTask DisposeAsync()
    {
        await poll.DisposeAsync().ConfigureAwait(false);
        changes.Close(nameof(RedisStreamStore));
        pushed.Clear();
        await connection.DisposeAsync().ConfigureAwait(false);
    }

    // For tests.
    internal Connection Connection => connection;

    private static string NewId() => Guid.NewGuid().ToString("N");

    // Some messages may have been missed; perhaps none come any more.
    private void Look()
    {
        pushed.Sweep();
        changes.PublishAll();
        _ = connection.CheckAsync();
    }

    // A message has come, or some may have been missed.
    private void Hear(byte[]? told)
    {
        if (told is null)
        {
            pushed.Clear();
            changes.PublishAll();
            return;
        }
        var message = new ChangeMessage(told);
        pushed.Put(message);
        if (message.Partitions is { } partitions) changes.PublishEntries(message.Stream, partitions);
        else changes.Publish([message.Stream]);
    }

    private async Task<Reply> CallAsync(string script, Arguments arguments, CancellationToken cancellation, bool isRepeatable = true)
    {
        cancellation.ThrowIfCancellationRequested();
        var subject = new CallSubject(script, address, arguments.AboutStream, arguments.AboutPartition);
        Reply reply = await RunAsync(script, arguments.ToArray(options.ServerTime?.Invoke(), id), isRepeatable, cancellation, subject).ConfigureAwait(false);
        generation = reply[1].Int;
        return reply[2];
    }

    private async Task<Reply> RunAsync(string script, RedisValue[] arguments, bool isRepeatable, CancellationToken cancellation, CallSubject? subject = null)
    {
        try
        {
            return new(await connection.RunAsync(Script.Named(script), arguments, isRepeatable, cancellation).ConfigureAwait(false), subject ?? new(script, address, null, null));
        }
        catch (Exception failure) when (Failures.Refusal(failure) is { } words)
        {
            if (words[0] is "NOSTREAM" or "REMADE") Forget(Names.Decode(words[1]));
            throw words[0] is "REMADE" or "TOOLONG" or "BACKPRODUCER" ? new RefusedException(words) : Failures.Refused(words, address);
        }
        catch (Exception failure) when (connection.IsDisposed && failure is not ObjectDisposedException)
        {
            throw new ObjectDisposedException(nameof(RedisStreamStore), failure);
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

    // How many partitions a stream has; (0, "") if it is not there, which the script then says at its time.
    private async ValueTask<(int Partitions, string Made)> ShapeAsync(string stream, CancellationToken cancellation)
    {
        if (known.TryGetValue(stream, out var shape)) return shape;
        await FindStreamAsync(stream, cancellation).ConfigureAwait(false);
        return known.TryGetValue(stream, out shape) ? shape : (0, "");
    }

    private int NextSticky(int partitions) => (int)((uint)Interlocked.Increment(ref sticky) % (uint)partitions);
}

/// <summary>A refusal that the call explains, or answers by trying again.</summary>
internal sealed class RefusedException(string[] words) : Exception(string.Join(' ', words))
{
    public string[] Words => words;
}
