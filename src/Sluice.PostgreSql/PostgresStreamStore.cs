using System.Collections.Concurrent;
using Sluice.Diagnostics;

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
    private const int MaxKnown = 10_000;             // streams
    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(5), MinClosing = TimeSpan.FromSeconds(5);

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
    private readonly Sweeper sweeper;
    private readonly IntakeInsert insert;
    private readonly IntakeWatch watch;
    private readonly ITimer look;
    private volatile string id;
    private volatile int generation;
    private readonly OneDisposal disposal = new();
    private readonly AppendRefusals refusals;
    private long latest;                             // the latest time that a round has seen, in ticks

    private PostgresStreamStore(NpgsqlDataSource source, bool ownsSource, StorePlace place, PostgresStoreOptions options, Sql sql,
        ServerSilence silence, (string Id, int Generation, bool IsSafe, long Seen) opened)
    {
        (this.source, this.ownsSource, this.place, this.options, this.sql) = (source, ownsSource, place, options, sql);
        (id, generation, Durability) = (opened.Id, opened.Generation, opened.IsSafe ? Durability.Power : Durability.Process);
        refusals = new(options.Watch(place), options.Time);
        if (options.Listens) notifier = new(source, ownsSource, changes, options);
        else poller = new(source, sql, changes, options);
        runner = new(source, sql, place, silence, options, opened.Seen) { Begun = Compare, Ended = Publish, Notifier = notifier };
        queue = new(options.MaxWriters, runner.RunAsync);
        sweeper = new(TrimAsync, cancellation => runner.DirectAsync(connection => GoneRows.DeleteSomeAsync(connection, sql, cancellation),
            cancellation), options.OnWarning);
        insert = new(sql);
        watch = new(EndedAsync, stream => TakeInAsync(stream), changes.Publish, options.WakeInterval, TimeProvider.System);
        // Polls look at the counters of streams that were locked; room that another stream's call has freed is not among them.
        TimeSpan interval = options.Listens || options.Poll > LookInterval ? options.Poll : LookInterval;
        look = options.Time.CreateTimer(_ =>
        {
            changes.PublishAll();
            if (partitions.Count > MaxKnown) partitions.Clear();     // other processes may have deleted most of them
            runner.ForgetOld();
        }, null, interval, interval);
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
    /// <remarks>
    /// <see cref="NpgsqlTransaction"/>. Its connection is one of the store's. Over connections that the store has made from a connection
    /// string, values have the built-in types and arrays; give the store an <see cref="NpgsqlDataSource"/> for others. A function may use
    /// savepoints. It cannot commit, and a rollback fails its item; <c>SET LOCAL</c> of the search path, the role and time limits ends with
    /// it. It has 2 seconds, and each of its statements 4.
    /// </remarks>
    public override Type TransactionType => typeof(NpgsqlTransaction);

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
    /// <param name="source">
    /// The data source, without multiplexing, for at least three connections. The store takes no part in a
    /// <see cref="System.Transactions.TransactionScope"/> of its callers, also if the data source enlists its connections. After an error
    /// in a statement of the store, it closes the idle connections of the data source.
    /// </param>
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
    /// Returns the statements that create the tables of a store, or upgrade them, for a database administrator: then the application's user
    /// needs no permission to create anything (<see cref="PostgresStoreOptions.AutoCreate"/>).
    /// </summary>
    /// <param name="schema">The PostgreSQL schema (<see cref="PostgresStoreOptions.Schema"/>).</param>
    /// <param name="user">
    /// The application's user, who exists: gets the right to use the tables. Null for none, for example if it runs the statements itself.
    /// </param>
    /// <param name="from">
    /// The version of the tables that the schema has, from 1 to the one before this library's: the statements upgrade them, and keep their
    /// rows. Null to create them.
    /// </param>
    /// <returns>One transaction, as text for <c>psql</c>. <c>sluice schema</c> prints it.</returns>
    /// <exception cref="ArgumentException">The schema has a name that a store cannot have, the user's name is empty, or there is no upgrade
    /// from that version.</exception>
    public static string SchemaSql(string schema = "sluice", string? user = null, int? from = null)
    {
        if (user is not null) ArgumentException.ThrowIfNullOrWhiteSpace(user);
        new PostgresStoreOptions { Schema = schema }.Check();
        if (from is < 1 or >= SchemaText.Version)
            throw new ArgumentException(from == SchemaText.Version
                ? $"Tables of the version {from} need no upgrade: this library uses that version."
                : $"There is no upgrade from the version {from}: this library knows the versions 1 to {SchemaText.Version}.", nameof(from));
        return SchemaSetup.Script(schema, user, from);
    }

    /// <summary>
    /// Closes the connections. Callers that wait for a change, and later calls, get an <see cref="ObjectDisposedException"/>. Calls in
    /// progress have <see cref="PostgresStoreOptions.Timeout"/>, and 5 seconds at least, to get their answers.
    /// </summary>
    public override ValueTask DisposeAsync() => disposal.RunAsync(CloseAsync);

    private async Task CloseAsync()
    {
        await watch.DisposeAsync().ConfigureAwait(false);
        changes.Close(place.Name);
        await look.DisposeAsync().ConfigureAwait(false);
        runner.Dispose();
        ValueTask swept = sweeper.DisposeAsync();
        // A server that does not answer may hold its calls up for longer, or for ever.
        await Task.WhenAll(queue.CloseAsync(DisposedStore.Error(place.Name)), swept.AsTask())
            .WaitAsync(options.Timeout > MinClosing ? options.Timeout : MinClosing, TimeProvider.System)
            .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (notifier is not null) await notifier.DisposeAsync().ConfigureAwait(false);
        if (poller is not null) await poller.DisposeAsync().ConfigureAwait(false);
        if (ownsSource) await source.DisposeAsync().ConfigureAwait(false);
    }

    private static async Task<PostgresStreamStore> OpenAsync(NpgsqlDataSource source, bool ownsSource, PostgresStoreOptions options,
        CancellationToken cancellation)
    {
        StorePlace place = StorePlace.Of(source.ConnectionString, options.Schema);
        var silence = new ServerSilence(options.Watch(place));
        var sql = new Sql(options.Schema, options.FrozenAfter);
        try
        {
            var opened = await StoreOpening.OpenAsync(source, sql, place, silence, options, cancellation).ConfigureAwait(false);
            silence.Open();
            PostgresStreamStore store = Connections.Detached(() => new PostgresStreamStore(source, ownsSource, place, options, sql, silence,
                opened));
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
        SchemaSetup.Check(round.Version, place);
        if (round.StoreId != id) throw Failures.Emptied(sql.Schema);
        if (round.Generation != generation) runner.ForgetMarks();
        NoteGeneration(round.Generation);
        for (long seen = Volatile.Read(ref latest); round.Now > seen; seen = Volatile.Read(ref latest))
            Interlocked.CompareExchange(ref latest, round.Now, seen);
    }

    // Never lowers it: a round may compare after a later one.
    private void NoteGeneration(int found)
    {
        for (int known = generation; found > known; known = generation) Interlocked.CompareExchange(ref generation, found, known);
    }

    // Removes a portion of the blocks that all consumers of a stream have passed.
    private async Task<bool> TrimAsync(string stream, CancellationToken cancellation)
        => await CallAsync(4, true, needs => needs.Streams.Add(stream), async round =>
        {
            int removed = 0;
            if (round.FindStream(stream) is { } found)
                await round.ReadAsync([Trimming.All(sql, found)], (_, _) => removed++).ConfigureAwait(false);
            return removed > 0;
        }, cancellation).ConfigureAwait(false);

    private void Publish(Round round)
    {
        sweeper.Add(round);
        foreach (string damage in round.Damage) WarningHandlers.Tell(options.OnWarning, damage);
        if (round.Changes.IsEmpty) return;
        foreach ((string stream, HashSet<int>? changed) in round.Changes.Streams)
            if (changed is null) changes.Publish([stream]);
            else changes.PublishEntries(stream, changed);
        if (!round.HasTold) notifier?.Tell(round.Changes.Streams);
        poller?.Hurry();
    }

    private async ValueTask<T> CallAsync<T>(int order, bool isRepeatable, Action<Needs> declare, Func<Round, ValueTask<T>> run,
        CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        var call = new StoreCall<T>(order, isRepeatable, run, cancellation);
        declare(call.Needs);
        if (!queue.Add(call)) throw DisposedStore.Error(place.Name);
        return await call.Task.ConfigureAwait(false);
    }

    private async ValueTask<T> LookAsync<T>(Action<Needs> declare, Func<Round, ValueTask<T>> read, CancellationToken cancellation)
    {
        if (disposal.HasBegun) throw DisposedStore.Error(place.Name);
        var needs = new Needs();
        declare(needs);
        return await runner.ReadAsync(needs, read, cancellation).ConfigureAwait(false);
    }
}
