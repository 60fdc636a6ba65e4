namespace Sluice.PostgreSql;

/// <summary>Creates the tables of a store, or checks that this library knows their version.</summary>
internal static class SchemaSetup
{
    // Any number that no other program uses for an advisory lock, followed by a hash of the schema.
    internal const int LockSpace = 0x534C_5543;

    // Calls of other processes queue behind an upgrade that waits for a lock, or wait for it while it waits for them. So it waits a short
    // time, again and again: much less than deadlock_timeout (1 s), after which the server would end one of the two, perhaps the other one.
    private const string LockTimeout = "SET LOCAL lock_timeout = '200ms'";

    // A process that only waits for its turn has no locks that others could wait for. Creating the tables takes a second on a busy server.
    private const string TurnTimeout = "SET LOCAL lock_timeout = '10s'";

    // More than all waits of an upgrade for locks together.
    private static readonly TimeSpan MaxUpgrade = TimeSpan.FromMinutes(2);

    /// <summary>
    /// Creates the tables, or makes those of an earlier version current: in one transaction, under a lock that lasts as long.
    /// </summary>
    /// <exception cref="PostgresException">Other transactions were in the way; the caller repeats it.</exception>
    public static async Task EnsureAsync(NpgsqlConnection connection, Sql sql, StorePlace place, bool create,
        CancellationToken cancellation)
    {
        int? found = await VersionAsync(connection, sql, place, cancellation).ConfigureAwait(false);
        if (found >= SchemaText.Version) Check(found.Value, place);
        else if (create) await MakeAsync(connection, sql, place, cancellation).ConfigureAwait(false);
        else throw Lacking(found, place);
    }

    /// <summary>Everything that a database administrator runs where the application's user may not create or change tables.</summary>
    /// <param name="schema">The schema.</param>
    /// <param name="user">The user who gets the right to use the tables; null to grant none.</param>
    /// <param name="from">The version of the tables that are there; null for none.</param>
    public static string Script(string schema, string? user, int? from)
    {
        string granting = user is null ? "" : " If a user still lacks the right to use them, run the GRANT statements of this text alone.";
        var sql = new Sql(schema);
        string version = SchemaText.Version.ToString(CultureInfo.InvariantCulture);
        return string.Join(";\n", (string[])[
            Sql.Begin,
            .. from is { } present ? Upgrade(present) : Create(),
            .. user is null ? [] : Grants(schema, $"\"{user.Replace("\"", "\"\"", StringComparison.Ordinal)}\""),
            "COMMIT",
            ""]);

        // Both texts may be run again, because the answer to their COMMIT was lost.
        string[] Create() => [
            $"DO $$ BEGIN IF to_regclass('\"{schema}\".meta') IS NOT NULL THEN RAISE EXCEPTION 'The schema {schema} has the tables of a "
                + $"store already: there is nothing to create.{granting}'; END IF; END $$",
            $"CREATE SCHEMA IF NOT EXISTS \"{schema}\"", .. SchemaText.Create.Select(sql.Text),
            sql.Text($"INSERT INTO ~meta(version, store) VALUES ({version}, replace(gen_random_uuid()::text, '-', ''))")];

        // Two processes that upgrade at once wait for each other at the lock, and the second one finds another version.
        string[] Upgrade(int present) => [
            $"SELECT pg_advisory_xact_lock({LockSpace.ToString(CultureInfo.InvariantCulture)}, hashtext('{schema}'))",
            sql.Text($"DO $$ DECLARE found int := (SELECT version FROM ~meta); BEGIN IF found = {version} THEN RAISE EXCEPTION "
                + $"'The tables of the schema {schema} have the version {version} already: there is nothing to upgrade.{granting}'; "
                + $"ELSIF found <> {present.ToString(CultureInfo.InvariantCulture)} THEN RAISE EXCEPTION "
                + $"'The tables of the schema {schema} have the version %. Print the upgrade from that one: sluice schema {schema} --from "
                + "%', found, found; END IF; END $$"),
            .. Steps(present).Select(sql.Text),
            sql.Text($"UPDATE ~meta SET version = {version}")];
    }

    private static async Task MakeAsync(NpgsqlConnection connection, Sql sql, StorePlace place, CancellationToken cancellation)
    {
        await using NpgsqlBatch locked = connection.CreateBatch();
        locked.BatchCommands.Add(new(Sql.Begin));
        locked.BatchCommands.Add(new(TurnTimeout));
        locked.BatchCommands.Add(new(sql.Frozen));
        locked.BatchCommands.Add(new NpgsqlBatchCommand("SELECT pg_advisory_xact_lock($1, hashtext($2))").With(LockSpace).With(sql.Schema));
        locked.BatchCommands.Add(new(LockTimeout));
        await locked.ExecuteNonQueryAsync(cancellation).ConfigureAwait(false);
        // Another process may have created or upgraded it meanwhile.
        int? found = await VersionAsync(connection, sql, place, cancellation).ConfigureAwait(false);
        await using NpgsqlBatch batch = connection.CreateBatch();
        if (found is not { } version)
        {
            // Even IF NOT EXISTS needs the right to create schemas in the database, which a user who owns this one need not have.
            if (!await IsThereAsync(connection, "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)", sql, cancellation)
                .ConfigureAwait(false))
                batch.BatchCommands.Add(new($"CREATE SCHEMA \"{sql.Schema}\""));
            foreach (string text in SchemaText.Create) batch.BatchCommands.Add(sql.Command(text));
            batch.BatchCommands.Add(sql.Command("INSERT INTO ~meta(version, store) VALUES ($1, $2)").With(SchemaText.Version)
                .With(Guid.NewGuid().ToString("N")));
        }
        else if (version < SchemaText.Version)
        {
            batch.Timeout = (int)MaxUpgrade.TotalSeconds;    // the server answers when all is done
            foreach (string text in Steps(version)) batch.BatchCommands.Add(sql.Command(text));
            batch.BatchCommands.Add(sql.Command("UPDATE ~meta SET version = $1").With(SchemaText.Version));
        }
        batch.BatchCommands.Add(new("COMMIT"));
        await batch.ExecuteNonQueryAsync(cancellation).ConfigureAwait(false);
        if (found > SchemaText.Version) Check(found.Value, place);
    }

    private static IEnumerable<string> Steps(int version)
        => [.. SchemaText.Before(version), LockTimeout, .. SchemaText.Upgrades[(version - 1)..].SelectMany(static texts => texts)];

    private static StreamStoreException Lacking(int? version, StorePlace place) => new(version is null
        ? $"There is no store at {place}, and none is created here (PostgresStoreOptions.AutoCreate is off; commands and the dashboard "
            + $"create none). Name the schema that has the store (Schema=…), or let a database administrator run what sluice schema "
            + $"{place.Schema} prints (PostgresStreamStore.SchemaSql)."
        : $"The store at {place} has tables of the version {version}, this library needs {SchemaText.Version}, and AutoCreate is off. Let "
            + $"a database administrator run what sluice schema {place.Schema} --from {version} --user USER prints, where USER is the "
            + "application's (PostgresStreamStore.SchemaSql); or open the store once with AutoCreate, as the owner of its tables, and then "
            + "run the GRANT statements of that text. The tables are changed, and keep their rows.")
    { IsPermanent = true };

    // All that the application's user needs.
    private static string[] Grants(string schema, string user) =>
    [
        $"GRANT USAGE ON SCHEMA \"{schema}\" TO {user}",
        $"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA \"{schema}\" TO {user}"
    ];

    /// <exception cref="StreamStoreException">This library does not know the version.</exception>
    public static void Check(int version, StorePlace place)
    {
        if (version == SchemaText.Version) return;
        throw new StreamStoreException(
            $"The store at {place} was written by {(version > SchemaText.Version ? "a newer" : "an older")} version of Sluice: this one "
                + $"knows the version {SchemaText.Version} of its tables, not {version}. Use that version, or another schema.")
        { IsPermanent = true };
    }

    private const string Meta = "SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 "
        + "AND c.relname = 'meta'";

    private static async Task<int?> VersionAsync(NpgsqlConnection connection, Sql sql, StorePlace place, CancellationToken cancellation)
    {
        // A query of the catalog, and not to_regclass: that one may answer from before the lock was given.
        if (!await IsThereAsync(connection, $"SELECT EXISTS ({Meta})", sql, cancellation).ConfigureAwait(false)) return null;
        if (!await IsThereAsync(connection, $"SELECT EXISTS ({Meta} AND (SELECT count(*) FROM pg_attribute a WHERE a.attrelid = c.oid "
            + "AND a.attname IN ('version', 'generation', 'store')) = 3)", sql, cancellation).ConfigureAwait(false))
            throw new StreamStoreException($"The schema {sql.Schema} at {place.Server}/{place.Database} has a table meta that is not of a "
                + "store: another program has made it. Nothing was changed. Name another schema for the store (Schema=… in the connection "
                + "string, or PostgresStoreOptions.Schema).")
            { IsPermanent = true };
        await using var version = new NpgsqlCommand(sql.Text("SELECT version FROM ~meta"), connection);
        return (int?)await version.ExecuteScalarAsync(cancellation).ConfigureAwait(false);
    }

    private static async Task<bool> IsThereAsync(NpgsqlConnection connection, string text, Sql sql, CancellationToken cancellation)
    {
        await using var exists = new NpgsqlCommand(text, connection);
        exists.Parameters.Add(new NpgsqlParameter<string> { TypedValue = sql.Schema });
        return (bool)(await exists.ExecuteScalarAsync(cancellation).ConfigureAwait(false))!;
    }
}
