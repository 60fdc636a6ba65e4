using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Sluice.Sqlite;

/// <summary>A sink that writes rows into a file outside of the store.</summary>
/// <remarks>
/// It uses the protocol of committed file lengths: the file's transactions are numbered, and the store commits the number. A transaction
/// one ahead of the store belongs to a commit that was not applied; it is undone from its record. It cannot be further ahead, because
/// commits with sinks are made one at a time, and the lock excludes other writers. Item ids are not used; docs/adr says why.
/// </remarks>
internal sealed class SqliteDatabase(string path, RowInsert insert, string delete, string? create, bool adopt)
    : TransactionalSink<object?[]>
{
    private const string Counter = "commits";

    private FileStream? claim;
    private Database? database;
    private SinkNotes notes = null!;
    private long committed;
    private bool hasBegun;

    protected override ValueTask BeginAsync(SinkState state, CancellationToken cancellation)
    {
        FormerSinkKind.Refuse(state, static name => name == Counter);
        string name = $"{state.Consecutor}/{state.Node}";
        claim ??= Claim(state);
        try
        {
            database ??= Open(state);
            notes = new(database, name);
            bool isKnown = state.FileLengths.TryGetValue(Counter, out committed);
            long written = notes.Number;
            if (written < committed)
                throw new InvalidDataException(string.Create(CultureInfo.InvariantCulture,
                    $"{path} has the rows of {written:N0} commits of {name}, and the store knows {committed:N0}: the file was replaced, "
                        + $"deleted or restored from a backup. Put it back, together with the store if that is older."));
            // The member that has the other partitions had the lock until now: it may have committed the rest.
            if (!hasBegun && !state.HasAllPartitions && written != committed)
                throw new InvalidDataException(string.Create(CultureInfo.InvariantCulture,
                    $"{path} has the rows of {written:N0} commits of {name}, and the partitions of this member know {committed:N0}. Other "
                        + $"members, or newer code, have the other partitions, and may have made the others. The file is left alone until "
                        + $"this member has all partitions: stop the others, because one member at a time writes a file."));
            if (!isKnown && notes.IsConfirmed)
            {
                if (!adopt)
                    throw new InvalidDataException(
                        $"{path} has rows that {name} has written with another store. Name another file, or the store that goes with it; "
                            + $"or let the sink continue the file as it is (adopt: true).");
                notes.Forget();
                written = 0;
            }
            if (written > committed + 1)
                throw new InvalidDataException(string.Create(CultureInfo.InvariantCulture,
                    $"{path} has the rows of {written:N0} commits of {name}, and the store knows {committed:N0}: the store is older than "
                        + $"the file, or another one. They belong together: restore both."));
            if (written > committed) TakeBack();
            if (committed == 1) notes.Confirm();     // the process may have died before it confirmed
            hasBegun = true;
        }
        catch (InvalidDataException) when (!hasBegun)
        {
            Close();                                 // another member may get all partitions first
            throw;
        }
        catch (SqliteFailure failure)
        {
            throw Explained(failure);
        }
        return default;
    }

    protected override ValueTask PrepareAsync(SinkCommit<object?[]> commit, CancellationToken cancellation)
    {
        if (database!.HasMoved)
            throw new IOException(
                $"{path} is not the file any more that the sink writes to: it was moved, renamed, deleted, or has another one in its "
                    + $"place. Put it back, with its -wal; or stop the consecutor first.");
        try
        {
            if (notes.Number > committed) TakeBack();                    // an earlier undo failed
            notes.Write(committed + 1, insert.Sql, delete, commit.Items);
        }
        catch (SqliteFailure failure)
        {
            throw Explained(failure);
        }
        commit.SetFileLength(Counter, committed + 1);
        return default;
    }

    protected override ValueTask CommittedAsync(SinkCommit<object?[]> commit, CancellationToken cancellation)
    {
        // The next transaction clears the record. Only the first one must be confirmed, in case no other follows.
        if (++committed > 1) return default;
        try
        {
            notes.Confirm();
        }
        catch (SqliteFailure)
        {
            // The next transaction confirms it, and so does the next start.
        }
        return default;
    }

    protected override ValueTask VoidedAsync(SinkCommit<object?[]> commit, CancellationToken cancellation)
    {
        if (notes.Number > committed) TakeBack();
        return default;
    }

    protected override ValueTask EndAsync()
    {
        Close();
        return default;
    }

    private void Close()
    {
        database?.Dispose();
        claim?.Dispose();
        (database, claim) = (null, null);
    }

    /// <summary>Undoes rows that were not committed. A refused row is then no item's fault.</summary>
    private void TakeBack()
    {
        try
        {
            notes.TakeBack(committed);
        }
        catch (ItemRejectedException refused)
        {
            throw new IOException($"Rows of a commit that was not applied cannot be taken back from {path}: {refused.Message}",
                refused.InnerException);
        }
    }

    private Database Open(SinkState state)
    {
        if (state.Store?.Root is SqliteStreamStore store && store.Path == path)
            throw new InvalidOperationException(
                $"{path} is the file of the store itself: use SqliteSink.InStore for the sink {state.Node}.");
        Database opened = Database.Open(path);
        try
        {
            // A new file: WAL is faster.
            if (opened.Ask("SELECT name FROM sqlite_schema LIMIT 1") is null) opened.Ask("PRAGMA journal_mode = WAL");
            opened.Execute($"PRAGMA synchronous = {(state.Store?.Durability.Level >= Durability.Power.Level ? "FULL" : "NORMAL")}");
            SinkNotes.Create(opened);
            if (create is not null) Prepared(state, create, () => opened.Execute(create));
            int places = 0, needed = 0;
            Prepared(state, insert.Sql, () => places = opened.Foreign(insert.Sql).Parameters);
            Prepared(state, delete, () => needed = opened.Foreign(delete).Parameters);
            if (needed > places)
                throw new InvalidOperationException(string.Create(CultureInfo.InvariantCulture,
                    $"The sink {state.Node} of {state.Consecutor} cannot take its rows back: the statement for that has {needed} places, "
                        + $"and the one that writes a row {places}. They get the same values: {delete}"));
            insert.Places = places;
            return opened;
        }
        catch
        {
            opened.Dispose();
            throw;
        }
    }

    private static void Prepared(SinkState state, string sql, Action prepare)
    {
        try
        {
            prepare();
        }
        catch (SqliteFailure failure) when (failure is { IsFull: false, IsIo: false })
        {
            throw RowInsert.Refused(state, sql, failure);
        }
    }

    private FileStream Claim(SinkState state)
    {
        if (!Directory.Exists(Path.GetDirectoryName(path)))
            throw new DirectoryNotFoundException($"The directory of {path} does not exist. Make it, or name another file.");
        string beside = $"{path}-{LockName(state.Consecutor, state.Node)}.lock";
        try
        {
            return new FileStream(beside, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 0);
        }
        catch (IOException locked) when (StoreLock.IsHeld(locked))
        {
            throw new IOException($"{path} is being written for {state.Consecutor}/{state.Node} already: {beside} is locked by another "
                + $"process, or by another sink of this one. End that one first.", locked);
        }
    }

    // Two names never have one lock: where letters are replaced, the hash tells the names apart.
    private static string LockName(string consecutor, string node)
    {
        string name = $"{consecutor}/{node}";
        string plain = string.Concat(name.Select(static letter => IsPlain(letter) ? letter : '.'));
        return consecutor.All(IsPlain) && node.All(static letter => IsPlain(letter) || letter == '.') ? plain
            : $"{plain}-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(name)).AsSpan(0, 8))}";
    }

    private static bool IsPlain(char letter) => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '_';

    private IOException Explained(SqliteFailure failure)
        => new($"The database {path} cannot be written: {failure.Message} (SQLite {failure.Code.ToString(CultureInfo.InvariantCulture)}).",
        failure);
}
