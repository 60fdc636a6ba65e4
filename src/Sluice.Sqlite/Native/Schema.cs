using System.Globalization;

namespace Sluice.Sqlite;

/// <summary>
/// The store's tables (see docs/adr): chunks of entries, marks, and rows for exceptions from the order. Large values are in the last column
/// of a row (only nulls may follow), so that the other columns can be read without them.
/// </summary>
internal static class Schema
{
    /// <summary>The prefix of the store's tables; other tables in the file belong to the application.</summary>
    public const string Prefix = "sluice_";

    /// <summary>The version that this code writes. Older versions are upgraded when the store is opened, in one transaction.</summary>
    public const int Version = 7;

    // A block has the chunks of a transaction: their number, their directory, the link to the block before (BlockLink), their bytes. Chunk
    // ids count from the block's id on.
    private const string Blocks =
        "CREATE TABLE sluice_block(id INTEGER PRIMARY KEY, n INTEGER NOT NULL, chunks BLOB NOT NULL, before BLOB, blob BLOB NOT NULL)";
    private const string FirstBlocks =
        "CREATE TABLE sluice_block(id INTEGER PRIMARY KEY, n INTEGER NOT NULL, chunks BLOB NOT NULL, blob BLOB NOT NULL)";

    // From version 1, without blocks, to version 2.
    private static readonly string[] ToSecond =
    [
        FirstBlocks,
        "ALTER TABLE sluice_chunk ADD COLUMN block INTEGER",
        "ALTER TABLE sluice_chunk ADD COLUMN start INTEGER",
        "ALTER TABLE sluice_chunk ADD COLUMN length INTEGER",
        "ALTER TABLE sluice_meta ADD COLUMN recent INTEGER NOT NULL DEFAULT 1",
    ];

    // From version 2, with checksums of entries only, to version 3, which computes the others (SchemaSums).
    private static readonly string[] ToThird =
    [
        "ALTER TABLE sluice_stream ADD COLUMN sum INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE sluice_part ADD COLUMN digest INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE sluice_part ADD COLUMN sum INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE sluice_row ADD COLUMN sum INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE sluice_state ADD COLUMN sum INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE sluice_file ADD COLUMN sum INTEGER NOT NULL DEFAULT 0",
    ];

    // From version 3, whose windows of idempotency keys included the time while the store was closed, to version 4.
    private static readonly string[] ToFourth = ["ALTER TABLE sluice_meta ADD COLUMN away INTEGER NOT NULL DEFAULT 0"];

    // From version 4, which did not detect the loss of a whole block, stream or group, to version 5. A null checksum marks a row not
    // written since.
    private static readonly string[] ToFifth =
    [
        "ALTER TABLE sluice_block ADD COLUMN before BLOB",
        "ALTER TABLE sluice_meta ADD COLUMN last BLOB",
        "ALTER TABLE sluice_meta ADD COLUMN roots INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE sluice_meta ADD COLUMN sum INTEGER",
        "ALTER TABLE sluice_log ADD COLUMN sum INTEGER",
        "ALTER TABLE sluice_producer ADD COLUMN sum INTEGER",
    ];

    // From version 5, without pauses of groups, to version 6. An older version would lease from a paused group, so it must not open
    // the file.
    private static readonly string[] ToSixth = ["ALTER TABLE sluice_group ADD COLUMN paused INTEGER"];

    // From version 6, without drains of groups, to version 7. An older version would end a pause and leave the mark of the drain.
    private static readonly string[] ToSeventh = ["ALTER TABLE sluice_group ADD COLUMN draining INTEGER NOT NULL DEFAULT 0"];

    private static readonly string Upgraded = string.Create(CultureInfo.InvariantCulture, $"UPDATE sluice_meta SET version = {Version}");

    private static readonly string[] Tables =
    [
        "CREATE TABLE sluice_meta(id INTEGER PRIMARY KEY CHECK(id = 1), version INTEGER NOT NULL, generation INTEGER NOT NULL, txn "
            + "INTEGER NOT NULL, time INTEGER NOT NULL, recent INTEGER NOT NULL DEFAULT 1, away INTEGER NOT NULL DEFAULT 0, last BLOB, "
            + "roots INTEGER NOT NULL DEFAULT 0, sum INTEGER)",
        """
        CREATE TABLE sluice_stream(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, partitions INTEGER NOT NULL,
            max_items INTEGER NOT NULL, max_bytes INTEGER NOT NULL, max_entry INTEGER NOT NULL, retention INTEGER NOT NULL,
            ended INTEGER NOT NULL DEFAULT 0, failure TEXT, sum INTEGER NOT NULL DEFAULT 0)
        """,
        // Written when a log is trimmed, for facts that its chunks no longer hold. log = stream * 4096 + partition.
        "CREATE TABLE sluice_log(log INTEGER PRIMARY KEY, tail INTEGER NOT NULL, total INTEGER NOT NULL, trimmed INTEGER NOT NULL, sum "
            + "INTEGER)",
        // The rows of chunks whose block is before sluice_meta.recent. total: the bytes of all entries ever appended to the log, up to and
        // including this
        // chunk. The entries are in the block from start on, or in the blob if the block was split or never existed (version 1).
        """
        CREATE TABLE sluice_chunk(id INTEGER PRIMARY KEY, log INTEGER NOT NULL, first INTEGER NOT NULL, n INTEGER NOT NULL,
            bytes INTEGER NOT NULL, total INTEGER NOT NULL, blob BLOB NOT NULL, block INTEGER, start INTEGER, length INTEGER)
        """,
        Blocks,
        "CREATE UNIQUE INDEX sluice_chunk_first ON sluice_chunk(log, first)",
        """
        CREATE TABLE sluice_producer(id INTEGER PRIMARY KEY, stream INTEGER NOT NULL, name TEXT NOT NULL, epoch INTEGER NOT NULL,
            last INTEGER NOT NULL, last_from INTEGER NOT NULL, generation INTEGER NOT NULL, part INTEGER NOT NULL, first INTEGER NOT NULL,
            forget INTEGER, position BLOB NOT NULL, sum INTEGER, UNIQUE(stream, name))
        """,
        "CREATE INDEX sluice_producer_forget ON sluice_producer(forget) WHERE forget IS NOT NULL",
        """
        CREATE TABLE sluice_group(id INTEGER PRIMARY KEY AUTOINCREMENT, stream INTEGER NOT NULL, name TEXT NOT NULL,
            last_dead INTEGER NOT NULL DEFAULT 0, quarantine_owner TEXT, quarantine_epoch INTEGER NOT NULL DEFAULT 0, paused INTEGER,
            draining INTEGER NOT NULL DEFAULT 0, UNIQUE(stream, name))
        """,
        """
        CREATE TABLE sluice_part(grp INTEGER NOT NULL, part INTEGER NOT NULL, epoch INTEGER NOT NULL, owner TEXT,
            owner_version INTEGER NOT NULL, version INTEGER NOT NULL, dispatched INTEGER NOT NULL, done INTEGER NOT NULL,
            cseq INTEGER NOT NULL, cseq_epoch INTEGER NOT NULL, last_own INTEGER NOT NULL, rows INTEGER NOT NULL,
            row_bytes INTEGER NOT NULL, flying INTEGER NOT NULL, passed BLOB NOT NULL, digest INTEGER NOT NULL DEFAULT 0,
            sum INTEGER NOT NULL DEFAULT 0, PRIMARY KEY(grp, part)) WITHOUT ROWID
        """,
        """
        CREATE TABLE sluice_row(id INTEGER PRIMARY KEY, grp INTEGER NOT NULL, part INTEGER NOT NULL, seq INTEGER NOT NULL,
            state INTEGER NOT NULL, before INTEGER NOT NULL, alone INTEGER NOT NULL, attempts INTEGER NOT NULL, due INTEGER,
            bytes INTEGER NOT NULL, node TEXT NOT NULL, error TEXT NOT NULL, blob BLOB NOT NULL, sum INTEGER NOT NULL DEFAULT 0)
        """,
        "CREATE UNIQUE INDEX sluice_row_seq ON sluice_row(grp, part, seq)",
        "CREATE INDEX sluice_row_due ON sluice_row(grp, part, due, abs(seq), seq) WHERE state = 1",
        "CREATE INDEX sluice_row_suspect ON sluice_row(grp, part, seq) WHERE state = 3",
        "CREATE INDEX sluice_row_flying ON sluice_row(grp, part) WHERE state = 0",
        """
        CREATE TABLE sluice_dead(id INTEGER PRIMARY KEY, grp INTEGER NOT NULL, number INTEGER NOT NULL, part INTEGER NOT NULL,
            root INTEGER NOT NULL, attempts INTEGER NOT NULL, died INTEGER NOT NULL, node TEXT NOT NULL, path TEXT NOT NULL,
            error TEXT NOT NULL, blob BLOB NOT NULL)
        """,
        "CREATE UNIQUE INDEX sluice_dead_number ON sluice_dead(grp, number)",
        """
        CREATE TABLE sluice_state(grp INTEGER NOT NULL, part INTEGER NOT NULL, node TEXT NOT NULL, key TEXT NOT NULL,
            version INTEGER NOT NULL, value BLOB NOT NULL, sum INTEGER NOT NULL DEFAULT 0,
            PRIMARY KEY(grp, part, node, key)) WITHOUT ROWID
        """,
        "CREATE TABLE sluice_file(grp INTEGER NOT NULL, part INTEGER NOT NULL, name TEXT NOT NULL, length INTEGER NOT NULL, sum INTEGER "
            + "NOT NULL DEFAULT 0, PRIMARY KEY(grp, part, name)) WITHOUT ROWID",
        """
        CREATE TABLE sluice_reader(id INTEGER PRIMARY KEY AUTOINCREMENT, stream INTEGER NOT NULL, name TEXT NOT NULL,
            start INTEGER NOT NULL, expires INTEGER, gates INTEGER NOT NULL, UNIQUE(stream, name))
        """,
        "CREATE TABLE sluice_cursor(reader INTEGER NOT NULL, part INTEGER NOT NULL, next INTEGER NOT NULL, PRIMARY KEY(reader, part)) "
            + "WITHOUT ROWID",
        """
        CREATE TABLE sluice_batch(name TEXT PRIMARY KEY, accepted INTEGER NOT NULL, ended INTEGER NOT NULL, failed INTEGER NOT NULL,
            closed INTEGER NOT NULL) WITHOUT ROWID
        """,
    ];

    /// <summary>Validates the version, before anything is changed.</summary>
    /// <exception cref="StreamStoreException">A newer version of Sluice has created the tables.</exception>
    public static void CheckVersion(Database database, string path)
    {
        if (!IsThere(database) || VersionOf(database) is >= 1 and <= Version) return;
        if (VersionOf(database) < 1)
            throw new StreamStoreException($"The store {path} is damaged: its first row (sluice_meta) is missing, or cannot be understood. "
                + "Nothing was changed. Restore a backup.")
            { IsPermanent = true };
        throw new StreamStoreException(
            $"The store {path} has the schema version {VersionOf(database)}, this version of Sluice knows those up to {Version}. Nothing "
                + $"was changed: open it with the version of Sluice that wrote it, or a later one.");
    }

    /// <summary>Validates that there are tables, of this version or an earlier one.</summary>
    /// <exception cref="StreamStoreException">There are no tables, or a newer version of Sluice has written them.</exception>
    public static void CheckThere(Database database, string path)
    {
        if (!IsThere(database)) throw new StreamStoreException($"The file {path} has no Sluice store.") { IsPermanent = true };
        CheckVersion(database, path);
    }

    /// <summary>Validates that the tables can be read without an upgrade.</summary>
    /// <exception cref="StreamStoreException">There are no tables, or another version of Sluice has written them.</exception>
    public static void CheckReadable(Database database, string path)
    {
        CheckThere(database, path);
        if (VersionOf(database) is var found && found < Version)
            throw new StreamStoreException(
                $"The store {path} has the schema version {found}, and must be upgraded to {Version} before it can be read. There "
                    + "is no way back, so copy it first (sluice backup); then open it once with a service of this version of Sluice.")
            { IsPermanent = true };
    }

    /// <summary>Creates the tables, or upgrades them.</summary>
    public static void Open(Database database)
    {
        if (!IsThere(database)) Execute(database, [.. Tables,
            $"INSERT INTO sluice_meta VALUES(1, {Version}, 1, 0, 0, 1, 0, NULL, 0, NULL)"]);
        else if (VersionOf(database) is var found && found < Version)
            Execute(database, [.. found < 2 ? ToSecond : [], .. found < 3 ? ToThird : [], .. found < 4 ? ToFourth : [],
                .. found < 5 ? ToFifth : [], .. found < 6 ? ToSixth : [], .. ToSeventh, Upgraded],
                found < 3 ? SchemaSums.Compute : found < 5 ? SchemaSums.ComputeRoots : null);
    }

    private static void Execute(Database database, string[] statements, Action<Database>? then = null)
    {
        database.Execute("BEGIN IMMEDIATE");
        foreach (string statement in statements) database.Execute(statement);
        then?.Invoke(database);
        database.Execute("COMMIT");
    }

    private static int VersionOf(Database database)
        => int.TryParse(database.Ask("SELECT version FROM sluice_meta"), CultureInfo.InvariantCulture, out int found) ? found : 0;

    private static bool IsThere(Database database) => database.Ask("SELECT name FROM sqlite_master WHERE name = 'sluice_meta'") is not null;
}
