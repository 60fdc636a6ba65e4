using System.Runtime.CompilerServices;

namespace Sluice.PostgreSql.Sources;

/// <summary>
/// Follows a table for one run: looks for new rows, waits until no row can appear before them (<see cref="TableBarrier"/>), reads them page
/// by page.
/// </summary>
internal sealed class TableFollower<T>(SourceServer server, string table, string[] after, Func<NpgsqlDataReader, T> item,
    PostgresTableOptions options)
{
    private static readonly TimeSpan FirstWait = TimeSpan.FromMilliseconds(10);

    private TableShape shape = null!;
    private TableLooker looker = null!;
    private TablePages<T> pages = null!;
    private TablePosition? position;
    private bool isChecked;

    public async IAsyncEnumerable<WithPosition<T>> ReadAsync(SourceProgress progress,
        [EnumeratorCancellation] CancellationToken cancellation)
    {
        var catalog = new TableCatalog(server, table, after);
        shape = await server.CallAsync(connection => catalog.ReadAsync(connection, cancellation), cancellation).ConfigureAwait(false);
        looker = new(server, shape, table, options);
        pages = new(server, shape, looker.MinAge, item, options);
        var barrier = new TableBarrier(server, looker, shape);
        if (!progress.Start.IsEmpty) position = TablePosition.Read(progress.Start, server.Name);
        TablePosition? interrupted = progress.Interrupted is { } row ? TablePosition.Read(row, server.Name) : null;
        (position ?? interrupted)?.Check(shape, server.Name);
        position = interrupted ?? position;
        // Until a row comes: the interrupted one may go while the source waits, or come later.
        bool isIncluded = interrupted is not null, isHeldBack = false;
        string[]? unread = null;                     // the bound of a look, if no row up to it could be read
        TimeSpan wait = FirstWait;
        while (true)
        {
            TableLook look = await LookAsync(isIncluded, cancellation).ConfigureAwait(false);
            if (look.Bound is not { } bound || isHeldBack || (unread is not null && bound.AsSpan().SequenceEqual(unread)))
            {
                (isHeldBack, unread) = (false, null);
                if (options.PollInterval is not { } poll) yield break;
                await server.WaitAsync(wait < poll ? wait : poll, cancellation).ConfigureAwait(false);
                wait = wait * 2 < poll ? wait * 2 : poll;
                continue;
            }
            unread = bound;
            await barrier.PassAsync(await ReserveAsync(look, cancellation).ConfigureAwait(false), cancellation).ConfigureAwait(false);
            bool isWhole = false;
            while (!isWhole)
            {
                (List<TablePages<T>.Row> rows, Exception? failure) = await server.CallAsync(connection => pages.ReadAsync(connection,
                    position?.Values, isIncluded, bound, cancellation), cancellation).ConfigureAwait(false);
                if (isIncluded && rows.Count == 0 && failure is null)
                {
                    isHeldBack = await server.CallAsync(connection => pages.HasAsync(connection, position!.Values, cancellation),
                        cancellation).ConfigureAwait(false);
                    if (isHeldBack) break;           // its time has not come again: the clock was set back, or QuietDuration is longer
                    (isIncluded, isWhole) = (false, true);
                    progress.PassOverInterrupted();
                    continue;
                }
                if (isIncluded && rows is [{ IsFrom: false }, ..]) progress.PassOverInterrupted();
                isIncluded &= rows.Count == 0;
                if (rows.Count > 0) (unread, wait) = (null, FirstWait);
                foreach ((string[] values, T one, _) in rows)
                {
                    TablePosition next = new(shape.Id, look.Timeline, look.Sequence, TablePosition.Names(shape), values);
                    byte[] bytes = next.ToBytes(shape, server.Name);
                    position = next;
                    yield return new(one, bytes);
                }
                if (failure is not null) throw failure;
                isWhole = rows.Count < options.MaxPageRows;
            }
        }
    }

    private async Task<TableLook> ReserveAsync(TableLook look, CancellationToken cancellation)
    {
        if (looker.Reserve == default) return look;
        await server.WaitAsync(looker.Reserve, cancellation).ConfigureAwait(false);
        return look with
        {
            Open = await server.CallAsync(connection => looker.OpenAsync(connection, cancellation), cancellation).ConfigureAwait(false)
        };
    }

    private async Task<TableLook> LookAsync(bool isIncluded, CancellationToken cancellation)
    {
        TableLook look;
        try
        {
            // Includes the row to resume with by its own bound.
            look = await server.CallAsync(connection => looker.LookAsync(connection, position?.Values, cancellation), cancellation)
                .ConfigureAwait(false);
        }
        catch (InvalidDataException e) when (e.InnerException is PostgresException { SqlState: PostgresErrorCodes.UndefinedTable })
        {
            throw await GoneAsync(cancellation).ConfigureAwait(false);
        }
        // The sequence has not given a number since it was made or set: which one it was set behind is only in itself.
        if (look.Sequence == 0 && position is { Sequence: > 0 }) look = look with
        {
            Sequence = await server.CallAsync(connection => looker.SequenceAsync(connection, cancellation), cancellation)
                .ConfigureAwait(false)
        };
        await CheckAsync(look, cancellation).ConfigureAwait(false);
        if (isIncluded && look.Bound is null) look = look with { Bound = position!.Values };
        if (look.Passed == "empty") server.WarnOnce(
            $"{shape.Name} has rows without a value in {string.Join(", ", after)}: they are read when they get one.");
        if (look.Passed == "future") server.WarnOnce(
            $"{shape.Name} has rows whose {shape.First.Name} is in the future: they are read when the time has come.");
        if ((look.Bound ?? position?.Values) is [var last, ..] && shape.First.IsAboveNumbers(last)) server.WarnOnce(
            $"{shape.Name} has a row whose {shape.First.Name} is {last}: rows that come later are smaller, and are not read. Correct the "
                + "row, and give the producer another name.");
        return look;
    }

    private async Task CheckAsync(TableLook look, CancellationToken cancellation)
    {
        if (look.Table != shape.Id) throw await GoneAsync(cancellation).ConfigureAwait(false);
        if (position is null) return;
        if (!isChecked && look.Table != position.Table)
        {
            if (!await server.CallAsync(connection => pages.HasAsync(connection, position.Values, cancellation), cancellation)
                .ConfigureAwait(false))
                throw new InvalidDataException(
                    $"The table {shape.Name} is another one than the producer '{server.Name}' has followed: it was dropped and created "
                        + $"again, and has no row with {shape.Describe(position.Values)}, the last one that was accepted. Its rows up to "
                        + "there would be skipped. Give the producer another name, to begin at the beginning.");
            server.Warn($"{shape.Name} was created again, and has the row that was accepted last ("
                + $"{shape.Describe(position.Values)}): the source goes on behind it. If it is another table, its rows up to there are not "
                + "read: give the producer another name.");
        }
        if (!isChecked && look.Timeline != position.Timeline) server.Warn(
            $"the server has another timeline ({look.Timeline}, and {position.Timeline} before): a replica was promoted, or a backup "
                + "restored. Accepted rows that the new server does not have are not taken back.");
        if (shape.First.Sequence != 0 && position.Sequence > look.Sequence && look.Sequence >= 0) throw new InvalidDataException(
            $"The sequence of {shape.Name}.{shape.First.Name} has gone back to {look.Sequence}: the producer '{server.Name}' has seen it "
                + $"at {position.Sequence}. It was restarted (TRUNCATE … RESTART IDENTITY), or the server lacks the last transactions. "
                + $"Rows up to {shape.Describe(position.Values)} would be skipped. Set it forward (setval), or give the producer another "
                + "name.");
        isChecked = true;
    }

    private async Task<InvalidDataException> GoneAsync(CancellationToken cancellation)
    {
        string? name = await server.CallAsync(async connection =>
        {
            await using NpgsqlCommand command = connection.CreateCommand();
            command.CommandText = "SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname) FROM pg_class c "
                + "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = $1::bigint::oid";
            command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = shape.Id });
            return await command.ExecuteScalarAsync(cancellation).ConfigureAwait(false) as string;
        }, cancellation).ConfigureAwait(false);
        return new(name is null ? $"The table {table}, which the producer '{server.Name}' follows, was dropped."
            : $"The table {table}, which the producer '{server.Name}' follows, is called {name} now. Name it so: the position stays.");
    }
}
