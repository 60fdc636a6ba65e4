using System.Net.Sockets;

namespace Sluice.PostgreSql;

/// <summary>A sink that writes rows into a database outside of the store.</summary>
/// <remarks>
/// The protocol of ADR 12, for each partition: transactions are numbered, and the store commits the number as the length of a file. A
/// transaction one ahead of the store belongs to a commit that was not applied, and is undone from its notes. An owner's number, which each
/// transaction compares, keeps out a process that has lost the partition: locks of a session would not work behind a pooler.
/// </remarks>
/// <param name="connect">Makes the connections, when the sink begins.</param>
/// <param name="isOwn">Whether the sink closes them.</param>
/// <param name="place">The database, for messages.</param>
/// <param name="insert">The statement that writes a row.</param>
/// <param name="delete">The statement that undoes a row.</param>
/// <param name="create">A statement to run at the start.</param>
/// <param name="adopt">Whether to accept notes of another store.</param>
internal sealed class PostgresDatabase(Func<NpgsqlDataSource> connect, bool isOwn, string place, SinkStatement insert, string delete,
    string? create, bool adopt) : TransactionalSink<object?[]>
{
    private const string CounterPrefix = "commits ";

    private readonly Dictionary<int, Part> parts = [];
    private readonly SinkEvidence evidence = new();
    private NpgsqlDataSource? source;
    private SinkNotes? notes;
    private string sink = "";
    private int needed;

    protected override async ValueTask BeginAsync(SinkState state, CancellationToken cancellation)
    {
        FormerSinkKind.Refuse(state, static name => name.StartsWith(CounterPrefix, StringComparison.Ordinal));
        sink = $"{state.Consecutor}/{state.Node}";
        source ??= connect();
        try
        {
            notes ??= await PrepareAsync(state, cancellation).ConfigureAwait(false);
            Dictionary<int, NotedPartition> claimed = await notes.ClaimAsync(state.Partitions, cancellation).ConfigureAwait(false);
            parts.Clear();
            foreach (NotedPartition partition in claimed.Values)
                parts.Add(partition.Number, await BeginAsync(state, partition).ConfigureAwait(false));
        }
        catch (Exception failure) when (IsOfServer(failure))
        {
            throw Explained(failure);
        }
    }

    protected override async ValueTask PrepareAsync(SinkCommit<object?[]> commit, CancellationToken cancellation)
    {
        Part part = parts.GetValueOrDefault(commit.Partition) ?? throw new InvalidOperationException(string.Create(
            CultureInfo.InvariantCulture, $"The sink {sink} has not begun for partition {commit.Partition}: a defect."));
        var rows = new PostgresWrites { Items = commit.Items, Evidence = evidence };
        foreach (StagedItem<object?[]> item in commit.Items) rows.AddChecked(insert.Sql, item.Value);
        try
        {
            if (part.MayBeAhead) await TakeBackAsync(part).ConfigureAwait(false);            // an earlier undo failed
            part.MayBeAhead = true;
            if (!await notes!.TryWriteAsync(part.Noted, part.Committed, rows, delete, needed).ConfigureAwait(false))
            {
                part.MayBeAhead = false;
                throw await WhyNotAsync(part).ConfigureAwait(false);
            }
        }
        catch (ItemRejectedException refused)
        {
            part.MayBeAhead = false;                 // nothing was written
            if (refused.Attachment is not null && refused.Attachment != rows) throw;
            throw new ItemRejectedException(refused.Message, refused.InnerException) { Item = refused.Item, IsFinal = refused.IsFinal };
        }
        catch (Exception failure) when (IsOfServer(failure))
        {
            throw Explained(failure);
        }
        commit.SetFileLength(CounterOf(commit.Partition), part.Committed + 1);
    }

    protected override async ValueTask CommittedAsync(SinkCommit<object?[]> commit, CancellationToken cancellation)
    {
        Part part = parts[commit.Partition];
        evidence.Taken = commit.Items[^1].Value;
        (part.Committed, part.MayBeAhead) = (part.Committed + 1, false);
        // The next transaction clears the notes. Only the first one must be confirmed, in case no other follows.
        if (part.Committed > 1) return;
        try
        {
            await notes!.ConfirmAsync(part.Noted).ConfigureAwait(false);
        }
        catch (Exception failure) when (IsOfServer(failure))
        {
            // The next transaction confirms it, and so does the next start.
        }
    }

    protected override async ValueTask VoidedAsync(SinkCommit<object?[]> commit, CancellationToken cancellation)
    {
        if (!parts.TryGetValue(commit.Partition, out Part? part) || !part.MayBeAhead) return;
        try
        {
            await TakeBackAsync(part).ConfigureAwait(false);
        }
        catch (Exception failure) when (IsOfServer(failure))
        {
            throw Explained(failure);
        }
    }

    protected override async ValueTask EndAsync()
    {
        parts.Clear();
        if (isOwn && source is not null) await source.DisposeAsync().ConfigureAwait(false);
        (source, notes) = (null, null);
    }

    private async Task<SinkNotes> PrepareAsync(SinkState state, CancellationToken cancellation)
    {
        var made = new SinkNotes(source!, sink);
        await made.MakeAsync(cancellation).ConfigureAwait(false);
        evidence.Types = await TypesAsync(create, insert.Sql).ConfigureAwait(false);
        int places = evidence.Types.Length;
        needed = (await TypesAsync(null, delete).ConfigureAwait(false)).Length;
        if (needed > places)
            throw new InvalidOperationException(string.Create(CultureInfo.InvariantCulture,
                $"The sink {state.Node} of {state.Consecutor} cannot take its rows back: the statement for that has {needed} parameters, "
                    + $"and the one that writes a row {places}. They get the same values: {delete}"));
        insert.Places = places;
        return made;

        async Task<uint[]> TypesAsync(string? before, string sql)
        {
            await using NpgsqlConnection connection = await source!.OpenOwnAsync(cancellation).ConfigureAwait(false);
            try
            {
                return await AttachmentCalls.PrepareAsync(connection, before, sql, cancellation).ConfigureAwait(false);
            }
            catch (SinkStatementException refused)
            {
                throw SinkStatement.Refused(state, sql, before, refused);
            }
        }
    }

    // Compares the numbers of the store and of the database, and undoes what the store has not committed.
    private async Task<Part> BeginAsync(SinkState state, NotedPartition noted)
    {
        bool isKnown = state.FileLengths.TryGetValue(CounterOf(noted.Number), out long committed);
        long written = noted.Written;
        if (written < committed) throw Behind(noted.Number, written, committed);
        if (!isKnown && noted.IsConfirmed)
        {
            if (!adopt)
                throw new InvalidDataException(
                    $"{place} has rows that {sink} has written with another store. Name another database, or the store that goes with it; "
                        + "or let the sink continue the database as it is (adopt: true).");
            await notes!.ForgetAsync(noted).ConfigureAwait(false);
            written = 0;
        }
        if (written > committed + 1)
            throw new InvalidDataException(string.Create(CultureInfo.InvariantCulture,
                $"{place} has the rows of {written:N0} commits of {sink}, partition {noted.Number}, and the store knows {committed:N0}: "
                    + $"the store is older than the database, or another one. They belong together: restore both."));
        var part = new Part(noted) { Committed = committed };
        if (written > committed) await TakeBackAsync(part).ConfigureAwait(false);
        // The process may have died before it confirmed.
        if (committed == 1 && !noted.IsConfirmed) await notes!.ConfirmAsync(noted).ConfigureAwait(false);
        return part;
    }

    /// <summary>Undoes rows that were not committed. A refused row is then no item's fault.</summary>
    private async Task TakeBackAsync(Part part)
    {
        try
        {
            await notes!.TakeBackAsync(part.Noted, part.Committed).ConfigureAwait(false);
            part.MayBeAhead = false;
        }
        catch (ItemRejectedException refused)
        {
            throw new IOException($"Rows of a commit that was not applied cannot be taken back from {place}: {refused.Message}",
                refused.InnerException);
        }
    }

    private async Task<Exception> WhyNotAsync(Part part)
    {
        if (await notes!.FindAsync(part.Noted).ConfigureAwait(false) is not { } found) return Behind(part.Noted.Number, 0, part.Committed);
        if (found.Owner != part.Noted.Owner)
            return new IOException(string.Create(CultureInfo.InvariantCulture,
                $"Another process writes to {place} for {sink}, partition {part.Noted.Number}: it has begun after this one. If this "
                    + $"process has lost the partition, that is as it should be. Else another store has a consecutor and a sink of these "
                    + $"names: name the sink's node differently."));
        if (found.Number == part.Committed + 1)
        {
            // Its commit was in doubt, and became visible only after it was to be taken back.
            part.MayBeAhead = true;
            return new IOException(string.Create(CultureInfo.InvariantCulture,
                $"A transaction of {sink}, partition {part.Noted.Number}, has been committed in {place} although its connection was lost: "
                    + $"it is taken back, and the items are written again."));
        }
        return found.Number < part.Committed ? Behind(part.Noted.Number, found.Number, part.Committed)
            : new InvalidDataException(string.Create(CultureInfo.InvariantCulture,
                $"{place} has the rows of {found.Number:N0} commits of {sink}, partition {part.Noted.Number}, and the store knows "
                    + $"{part.Committed:N0}: another program has changed sluice_sink."));
    }

    private InvalidDataException Behind(int partition, long written, long committed) => new(string.Create(CultureInfo.InvariantCulture,
        $"{place} has the rows of {written:N0} commits of {sink}, partition {partition}, and the store knows {committed:N0}: the database "
            + $"was restored from a backup, replaced, or is a standby that was promoted without the last commits. Put it back, together "
            + $"with the store if that is older."));

    private static string CounterOf(int partition) => CounterPrefix + partition.ToString(CultureInfo.InvariantCulture);

    private static bool IsOfServer(Exception failure)
        => failure is NpgsqlException or SocketException or TimeoutException or EndOfStreamException or ObjectDisposedException;

    private IOException Explained(Exception failure) => new(failure is PostgresException server
        ? $"The database {place} cannot be written: {RowFailure.TextOf(server) ?? $"{server.MessageText} ({server.SqlState})."}"
        : Failures.IsSourceGone(failure)
            ? $"The NpgsqlDataSource that you gave to the sink of the database {place} was disposed, and the sink cannot connect any more. "
                + "Dispose the data source last, after the consecutor; the rows wait for the next start."
        : Failures.Unsafe(failure) is { } reason
            ? $"There is no TLS connection to the database {place}: {reason.TrimEnd('.')}. SSL Mode and Root Certificate in the connection "
                + "string say what is asked for."
        : $"The database {place} does not answer: {failure.Message.TrimEnd('.')}.", failure);

    /// <summary>A partition that this process owns.</summary>
    private sealed class Part(NotedPartition noted)
    {
        public NotedPartition Noted => noted;

        /// <summary>The number of the last transaction whose commit the store has applied.</summary>
        public long Committed { get; set; }

        /// <summary>Whether a transaction may be in the database that the store has not committed.</summary>
        public bool MayBeAhead { get; set; }
    }
}
