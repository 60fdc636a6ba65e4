namespace Sluice.PostgreSql;

/// <summary>The tables of the store. <c>~</c> stands for the schema and its dot.</summary>
/// <remarks>
/// Indexes contain no column that a call changes often, so that updates stay in the page (HOT). Each table that is written often is
/// vacuumed after a fixed number of dead rows, whatever its size.
/// </remarks>
internal static class SchemaText
{
    /// <summary>The version that this library reads and writes.</summary>
    public const int Version = 7;

    private const string Often = "WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000)";
    private const string Queue = "WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, "
        + "autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 20000, "
        + "toast.autovacuum_vacuum_scale_factor = 0, "
        + "toast.autovacuum_vacuum_threshold = 20000)";

    /// <summary>The statements that create the tables in an empty schema.</summary>
    public static string[] Create =>
    [
        "CREATE TABLE ~meta (one boolean PRIMARY KEY DEFAULT true CHECK (one), version int NOT NULL, generation int NOT NULL DEFAULT 1, "
            + "store text NOT NULL)",
        "CREATE TABLE ~stream (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text COLLATE \"C\" NOT NULL UNIQUE, "
            + "partitions int NOT NULL, max_items bigint NOT NULL, max_bytes bigint NOT NULL, max_entry int NOT NULL, "
            + "retention int NOT NULL, has_ended boolean NOT NULL DEFAULT false, failure text, next int NOT NULL DEFAULT 0, "
            + "items bigint NOT NULL DEFAULT 0, bytes bigint NOT NULL DEFAULT 0, gone bigint NOT NULL DEFAULT 0, "
            + "gone_bytes bigint NOT NULL DEFAULT 0, time bigint NOT NULL DEFAULT 0, changes bigint NOT NULL DEFAULT 0, "
            + "held_items bigint NOT NULL DEFAULT 0, held_bytes bigint NOT NULL DEFAULT 0, stamp bigint NOT NULL DEFAULT 0, "
            + "store text NOT NULL) " + Often,
        "CREATE TABLE ~part (stream bigint NOT NULL, n int NOT NULL, tail bigint NOT NULL DEFAULT 0, bytes bigint NOT NULL DEFAULT 0, "
            + "trimmed bigint NOT NULL DEFAULT 0, trimmed_bytes bigint NOT NULL DEFAULT 0, swept bigint NOT NULL DEFAULT 0, "
            + "PRIMARY KEY (stream, n)) " + Often,
        "CREATE TABLE ~chunk (stream bigint NOT NULL, part int NOT NULL, first bigint NOT NULL, last bigint NOT NULL, "
            + "before bigint NOT NULL, bytes bigint NOT NULL, body bytea NOT NULL, PRIMARY KEY (stream, part, first)) " + Queue,
        "ALTER TABLE ~chunk ALTER body SET STORAGE EXTERNAL",
        InPages,
        FewStatistics,
        "CREATE TABLE ~grp (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, stream bigint NOT NULL, name text COLLATE \"C\" NOT NULL, "
            + "items bigint NOT NULL DEFAULT 0, bytes bigint NOT NULL DEFAULT 0, dead bigint NOT NULL DEFAULT 0, "
            + "last_dead bigint NOT NULL DEFAULT 0, q_owner text, q_epoch bigint NOT NULL DEFAULT 0, paused bigint, "
            + "draining boolean NOT NULL DEFAULT false, "
            + "UNIQUE (stream, name)) " + Often,
        "CREATE TABLE ~owned (grp bigint NOT NULL, part int NOT NULL, epoch bigint NOT NULL DEFAULT 0, owner text, instance text, "
            + "owner_version int NOT NULL DEFAULT 0, version int NOT NULL DEFAULT 0, dispatched bigint NOT NULL, done bigint NOT NULL, "
            + "last_commit bigint NOT NULL DEFAULT 0, commit_epoch bigint NOT NULL DEFAULT 0, last_own bigint NOT NULL DEFAULT 0, "
            + "rows int NOT NULL DEFAULT 0, flying int NOT NULL DEFAULT 0, retrying int NOT NULL DEFAULT 0, "
            + "suspects int NOT NULL DEFAULT 0, passed bytea NOT NULL DEFAULT '', PRIMARY KEY (grp, part)) " + Often,
        "CREATE TABLE ~waiting (grp bigint NOT NULL, part int NOT NULL, seq bigint NOT NULL, state int NOT NULL, before int NOT NULL, "
            + "alone boolean NOT NULL, attempts int NOT NULL, due bigint, share bigint NOT NULL, node text NOT NULL, error text NOT NULL, "
            + "body bytea NOT NULL, PRIMARY KEY (grp, part, seq)) " + Queue,
        "CREATE INDEX waiting_due ON ~waiting (grp, part, due) WHERE state = 1",
        "CREATE INDEX waiting_suspect ON ~waiting (grp, part, seq) WHERE state = 3",
        "CREATE TABLE ~dead (grp bigint NOT NULL, number bigint NOT NULL, part int NOT NULL, root bigint NOT NULL, attempts int NOT NULL, "
            + "died bigint NOT NULL, node text NOT NULL, path text NOT NULL, error text NOT NULL, body bytea NOT NULL, "
            + "PRIMARY KEY (grp, number))",
        "CREATE INDEX dead_node ON ~dead (grp, left(node, 300), number)",
        // Keys may be longer than an index allows: their first characters are in the index.
        "CREATE TABLE ~state (grp bigint NOT NULL, part int NOT NULL, node text COLLATE \"C\" NOT NULL, key text COLLATE \"C\" NOT NULL, "
            + "version int NOT NULL, value bytea NOT NULL) " + Often,
        "CREATE INDEX state_key ON ~state (grp, part, left(node, 200), left(key, 200))",
        "CREATE TABLE ~file (grp bigint NOT NULL, part int NOT NULL, name text COLLATE \"C\" NOT NULL, length bigint NOT NULL)",
        "CREATE INDEX file_name ON ~file (grp, part, left(name, 200))",
        "CREATE TABLE ~reader (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, stream bigint NOT NULL, "
            + "name text COLLATE \"C\" NOT NULL, start int NOT NULL, idle bigint, gates boolean NOT NULL, expires bigint, "
            + "items bigint NOT NULL, bytes bigint NOT NULL, UNIQUE (stream, name)) " + Often,
        "CREATE TABLE ~cursor (reader bigint NOT NULL, part int NOT NULL, next bigint NOT NULL, PRIMARY KEY (reader, part)) " + Often,
        "CREATE TABLE ~producer (stream bigint NOT NULL, name text COLLATE \"C\" NOT NULL, epoch bigint NOT NULL, last bigint NOT NULL, "
            + "last_from bigint NOT NULL, first_part int, first_seq bigint NOT NULL, first_generation int NOT NULL, "
            + "position bytea NOT NULL, forget bigint, PRIMARY KEY (stream, name)) " + Often,
        "CREATE INDEX producer_forget ON ~producer (stream, forget) WHERE forget IS NOT NULL",
        "CREATE TABLE ~member (grp bigint NOT NULL, name text COLLATE \"C\" NOT NULL, beats bigint NOT NULL, instance text NOT NULL, "
            + "lease bigint NOT NULL, PRIMARY KEY (grp, name)) " + Often,
        "CREATE TABLE ~batch (name text COLLATE \"C\" PRIMARY KEY, accepted bigint NOT NULL DEFAULT 0, ended bigint NOT NULL DEFAULT 0, "
            + "failed bigint NOT NULL DEFAULT 0, closed boolean NOT NULL DEFAULT false) " + Often,
        "CREATE TABLE ~reserved (grp bigint NOT NULL, part int NOT NULL, stream bigint NOT NULL, items bigint NOT NULL, "
            + "bytes bigint NOT NULL, PRIMARY KEY (grp, part, stream)) " + Often,
        "CREATE INDEX reserved_stream ON ~reserved (stream)",
        Gone,
        Intake,
        IntakeKey,
        .. NoPauses,
    ];

    /// <summary>The statements that make tables of each earlier version, from 1 on, those of the next one.</summary>
    public static string[][] Upgrades =>
    [
        [
            // Some tables of version 1 have them already: for some hours, the number was not raised.
            "ALTER TABLE ~part ADD COLUMN IF NOT EXISTS swept bigint NOT NULL DEFAULT 0",
            "ALTER TABLE ~grp ADD COLUMN IF NOT EXISTS draining boolean NOT NULL DEFAULT false",
            Gone,
        ],
        [
            "ALTER TABLE ~stream ADD COLUMN held_items bigint NOT NULL DEFAULT 0, ADD COLUMN held_bytes bigint NOT NULL DEFAULT 0",
            Intake,
            IntakeKey,
        ],
        [
            "ALTER TABLE ~stream ADD COLUMN store text",
            "UPDATE ~stream SET store = (SELECT store FROM ~meta)",
            "ALTER TABLE ~stream ALTER store SET NOT NULL",
        ],
        [
            "ALTER TABLE ~stream ADD COLUMN stamp bigint NOT NULL DEFAULT 0",
        ],
        [
            InPages,
            FewStatistics,
        ],
        NoPauses,
    ];

    /// <summary>The statements at the beginning of an upgrade: those that wait for a vacuum.</summary>
    /// <remarks>
    /// A statement that changes the settings of a table waits until a vacuum of the table ends: hours for a large table. The server cancels
    /// an autovacuum when another session has waited for its lock for <c>deadlock_timeout</c>. So these statements wait longer than that.
    /// They come first, while the upgrade has no lock that readers or writers need.
    /// </remarks>
    /// <param name="version">The version that the tables have.</param>
    public static string[] Before(int version) => [PassVacuum, .. version < WithIntake ? NoPauses[..^1] : NoPauses];

    private const int WithIntake = 3;
    private const string PassVacuum = "SELECT set_config('lock_timeout', least(setting::bigint + 1000, 15000)::text, true) "
        + "FROM pg_settings WHERE name = 'deadlock_timeout'";

    // Blocks of up to a page are rows of their own pages; only larger ones are divided into TOAST rows.
    private const string InPages = "ALTER TABLE ~chunk SET (toast_tuple_target = 8160)";

    // Queries find blocks by the primary key. Without this, each ANALYZE of autovacuum would read 30,000 blocks (240 MB) to learn what is
    // in them; so it reads 3,000. Some stores of version 6 were made before this; they differ in nothing else.
    private const string FewStatistics = "ALTER TABLE ~chunk ALTER body SET STATISTICS 0, ALTER stream SET STATISTICS 10, "
        + "ALTER part SET STATISTICS 10, ALTER first SET STATISTICS 10, ALTER last SET STATISTICS 10, ALTER before SET STATISTICS 10, "
        + "ALTER bytes SET STATISTICS 10";

    // Autovacuum pauses for 2 ms after each few pages. At 90,000 items a second it is then slower than blocks become dead, and the table,
    // which stays at 150 MB without the pauses, grows without end (ADR 0057). These tables are small while vacuum keeps up, so it has
    // little to read.
    private static string[] NoPauses =>
    [
        $"ALTER TABLE ~chunk {WithoutPauses}",
        $"ALTER TABLE ~waiting {WithoutPauses}",
        $"ALTER TABLE ~intake {WithoutPauses}",
    ];
    private const string WithoutPauses = "SET (autovacuum_vacuum_cost_delay = 0, toast.autovacuum_vacuum_cost_delay = 0)";

    // Streams and groups that were removed, whose many rows are deleted later.
    private const string Gone = "CREATE TABLE IF NOT EXISTS ~gone (kind int NOT NULL, id bigint NOT NULL, PRIMARY KEY (kind, id))";

    // What senders accept in transactions of their own: a row for each send, until a round moves its entries into their partitions.
    private const string Intake = "CREATE TABLE ~intake (stream bigint NOT NULL, xid bigint NOT NULL, "
        + "id bigint GENERATED ALWAYS AS IDENTITY, items int NOT NULL, bytes bigint NOT NULL, damaged boolean NOT NULL DEFAULT false, "
        + "key text COLLATE \"C\", print bytea, keep bigint, body bytea NOT NULL, PRIMARY KEY (stream, xid, id)) " + Queue;
    private const string IntakeKey = "CREATE UNIQUE INDEX intake_key ON ~intake (stream, key) WHERE key IS NOT NULL";
}
