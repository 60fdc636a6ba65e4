using System.Collections.Concurrent;

namespace Sluice.PostgreSql;

/// <summary>
/// A stream store in a PostgreSQL database (13 or later). Any number of processes share its streams, and take over the partitions of
/// processes that die. What is acknowledged is committed: with <c>fsync</c> and <c>synchronous_commit</c> on it survives a power failure.
/// </summary>
/// <remarks>
/// <para>
/// Thread-safe. Each call is one atomic step. Calls that arrive while a transaction runs share the next one: one transaction locks the
/// streams of its calls, in one order, and writes all of them in one round trip.
/// </para>
/// <para>
/// If the connection is lost, repeatable calls are sent again until <see cref="PostgresStoreOptions.Timeout"/>. A commit or an append that
/// was already executed is then answered from its record. Other calls fail, with a message that they may have been executed.
/// </para>
/// </remarks>
public sealed partial class PostgresStreamStore : StreamStore
{
    private readonly NpgsqlDataSource source;
    private readonly bool ownsSource;
    private readonly StorePlace place;
    private readonly PostgresStoreOptions options;
    private readonly Sql sql;
    private readonly StreamChanges changes = new();
    private readonly ConcurrentDictionary<string, int> partitions = new(StringComparer.Ordinal);
    private readonly RoundRunner runner;
    private readonly RoundQueue queue;
    private readonly Notifier? notifier;
    private readonly Poller? poller;
    private readonly ITimer? look;
    private volatile string id;
    private volatile int generation;
    private volatile bool isDisposed;

    private PostgresStreamStore(NpgsqlDataSource source, bool ownsSource, StorePlace place, PostgresStoreOptions options, Sql sql,
        ServerSilence silence, (string Id, int Generation, bool IsSafe) opened)
    {
        (this.source, this.ownsSource, this.place, this.options, this.sql) = (source, ownsSource, place, options, sql);
        (id, generation, Durability) = (opened.Id, opened.Generation, opened.IsSafe ? Durability.Power : Durability.Process);
        runner = new(source, sql, place, silence, options) { Begun = Compare, Ended = Publish };
        queue = new(options.MaxWriters, runner.RunAsync);
        if (options.Listens)
        {
            notifier = new(source, changes, options);
            look = options.Time.CreateTimer(_ => changes.PublishAll(), null, options.Poll, options.Poll);
        }
        else
        {
            poller = new(source, sql, changes, options);
        }
    }

    /// <inheritdoc/>
    /// <remarks>
    /// <see cref="Durability.Power"/> if the server has <c>fsync</c> and <c>full_page_writes</c> on and the user's
    /// <c>synchronous_commit</c> is not off; else <see cref="Durability.Process"/>. Read when the store is opened.
    /// </remarks>
    public override Durability Durability { get; }

    /// <inheritdoc/>
    public override StreamStoreCapabilities Capabilities => StreamStoreCapabilities.SharedByProcesses
        | (notifier is null ? StreamStoreCapabilities.None : StreamStoreCapabilities.PartitionChanges);

    /// <inheritdoc/>
    public override int Generation => generation;

    /// <summary>Connects to a store, and creates its tables if they are missing (<see cref="PostgresStoreOptions.AutoCreate"/>).</summary>
    /// <param name="connection">
    /// The connection string; for example <c>Host=localhost;Database=shop;Username=app;Password=…</c>. No error shows the password. Its
    /// words <c>Schema=…</c> and <c>Transaction Pooling=true</c> override the options of these names.
    /// </param>
    /// <param name="options">The options of the store.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    /// <exception cref="StreamStoreException">
    /// The server does not answer, refuses the user, has no such database, is older than 13, or has tables of another version; the message
    /// says which.
    /// </exception>
    /// <exception cref="ArgumentException">The connection string is invalid, or an option is out of its range.</exception>
    public static ValueTask<PostgresStreamStore> OpenAsync(string connection, PostgresStoreOptions? options = null,
        CancellationToken cancellation = default)
    {
        options ??= new();
        options.Check();
        (connection, options) = DataSources.Divide(connection, options);
        return new(OpenAsync(DataSources.Make(connection, options), ownsSource: true, options, cancellation));
    }

    /// <summary>Opens a store over connections that the application has configured. The store does not dispose the data source.</summary>
    /// <param name="source">The data source, without multiplexing, for at least three connections.</param>
    /// <param name="options">The options of the store.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    /// <exception cref="StreamStoreException">The store cannot be opened; the message says why.</exception>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    public static ValueTask<PostgresStreamStore> OpenAsync(NpgsqlDataSource source, PostgresStoreOptions? options = null,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(source);
        options ??= new();
        options.Check();
        return new(OpenAsync(source, ownsSource: false, options, cancellation));
    }

    /// <summary>
    /// Returns the statements that create the tables of a store, for a database administrator: then the application's user needs no
    /// permission to create anything (<see cref="PostgresStoreOptions.AutoCreate"/>).
    /// </summary>
    /// <param name="schema">The PostgreSQL schema (<see cref="PostgresStoreOptions.Schema"/>).</param>
    /// <exception cref="ArgumentException">The schema has a name that a store cannot have.</exception>
    public static string SchemaSql(string schema = "sluice")
    {
        new PostgresStoreOptions { Schema = schema }.Check();
        return SchemaSetup.Script(schema);
    }

    /// <summary>
    /// Closes the connections. Callers that wait for a change, and later calls, get an <see cref="ObjectDisposedException"/>.
    /// </summary>
    public override async ValueTask DisposeAsync()
    {
        if (isDisposed) return;
        isDisposed = true;
        changes.Close(nameof(PostgresStreamStore));
        if (look is not null) await look.DisposeAsync().ConfigureAwait(false);
        runner.Dispose();
        await queue.CloseAsync(new ObjectDisposedException(nameof(PostgresStreamStore))).ConfigureAwait(false);
        if (notifier is not null) await notifier.DisposeAsync().ConfigureAwait(false);
        if (poller is not null) await poller.DisposeAsync().ConfigureAwait(false);
        if (ownsSource) await source.DisposeAsync().ConfigureAwait(false);
    }

    private static async Task<PostgresStreamStore> OpenAsync(NpgsqlDataSource source, bool ownsSource, PostgresStoreOptions options,
        CancellationToken cancellation)
    {
        StorePlace place = StorePlace.Of(source.ConnectionString, options.Schema);
        var silence = new ServerSilence(place, options);
        var sql = new Sql(options.Schema);
        try
        {
            var opened = await StoreOpening.OpenAsync(source, sql, place, silence, options, cancellation).ConfigureAwait(false);
            silence.Open();
            var store = new PostgresStreamStore(source, ownsSource, place, options, sql, silence, opened);
            await store.ListenAsync(cancellation).ConfigureAwait(false);
            return store;
        }
        catch
        {
            if (ownsSource) await source.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    // If the server has gone since, the notifier tries on, and then wakes everybody who waits.
    private async Task ListenAsync(CancellationToken cancellation)
    {
        if (notifier is null) return;
        await notifier.Begun.WaitAsync(TimeSpan.FromSeconds(5), TimeProvider.System, cancellation)
            .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!cancellation.IsCancellationRequested) return;
        await DisposeAsync().ConfigureAwait(false);
        cancellation.ThrowIfCancellationRequested();
    }

    // Runs before the calls of each transaction.
    private void Compare(Round round)
    {
        if (round.StoreId != id) throw Failures.Emptied(sql.Schema);
        generation = round.Generation;
    }

    private void Publish(Round round)
    {
        if (round.Changes.IsEmpty) return;
        foreach ((string stream, HashSet<int>? changed) in round.Changes.Streams)
            if (changed is null) changes.Publish([stream]);
            else changes.PublishEntries(stream, changed);
        notifier?.Tell(round.Changes.Streams);
        poller?.Hurry();
    }

    private async ValueTask<T> CallAsync<T>(int order, bool isRepeatable, Action<Needs> declare, Func<Round, ValueTask<T>> run,
        CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        var call = new StoreCall<T>(order, isRepeatable, run, cancellation);
        declare(call.Needs);
        ObjectDisposedException.ThrowIf(!queue.Add(call), this);
        return await call.Task.ConfigureAwait(false);
    }

    private async ValueTask<T> LookAsync<T>(Action<Needs> declare, Func<Round, ValueTask<T>> read, CancellationToken cancellation)
    {
        ObjectDisposedException.ThrowIf(isDisposed, this);
        var needs = new Needs();
        declare(needs);
        return await runner.ReadAsync(needs, read, cancellation).ConfigureAwait(false);
    }
}
