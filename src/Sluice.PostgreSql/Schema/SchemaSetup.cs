namespace Sluice.PostgreSql;

/// <summary>Creates the tables of a store, or checks that this library knows their version.</summary>
internal static class SchemaSetup
{
    // Any number that no other program uses for an advisory lock, followed by a hash of the schema.
    private const int LockSpace = 0x534C_5543;

    /// <summary>Opens a store: one transaction, under a lock that lasts as long as the transaction.</summary>
    public static async Task EnsureAsync(NpgsqlConnection connection, Sql sql, StorePlace place, bool create,
        CancellationToken cancellation)
    {
        if (await VersionAsync(connection, sql, cancellation).ConfigureAwait(false) is { } found)
        {
            Check(found, place);
            return;
        }
        if (!create)
            throw new StreamStoreException(
                $"There is no store at {place}, and AutoCreate is off. Let a database administrator run the statements of "
                    + "PostgresStreamStore.SchemaSql, or name the schema that has the store.")
            { IsPermanent = true };
        await using NpgsqlBatch locked = connection.CreateBatch();
        locked.BatchCommands.Add(new("BEGIN"));
        locked.BatchCommands.Add(new NpgsqlBatchCommand("SELECT pg_advisory_xact_lock($1, hashtext($2))").With(LockSpace).With(sql.Schema));
        await locked.ExecuteNonQueryAsync(cancellation).ConfigureAwait(false);
        // Another process may have created it meanwhile.
        int? version = await VersionAsync(connection, sql, cancellation).ConfigureAwait(false);
        await using NpgsqlBatch batch = connection.CreateBatch();
        if (version is null)
        {
            batch.BatchCommands.Add(new($"CREATE SCHEMA IF NOT EXISTS \"{sql.Schema}\""));
            foreach (string text in SchemaText.Create) batch.BatchCommands.Add(new(sql.Text(text)));
            batch.BatchCommands.Add(sql.Command("INSERT INTO ~meta(version, store) VALUES ($1, $2)").With(SchemaText.Version)
                .With(Guid.NewGuid().ToString("N")));
        }
        batch.BatchCommands.Add(new("COMMIT"));
        await batch.ExecuteNonQueryAsync(cancellation).ConfigureAwait(false);
        if (version is { } theirs) Check(theirs, place);
    }

    /// <summary>Everything that a database administrator runs where the application's user may not create tables.</summary>
    public static string Script(string schema)
    {
        var sql = new Sql(schema);
        return string.Join(";\n", (string[])[
            "BEGIN",
            $"CREATE SCHEMA IF NOT EXISTS \"{schema}\"",
            .. SchemaText.Create.Select(sql.Text),
            sql.Text($"INSERT INTO ~meta(version, store) VALUES ({SchemaText.Version.ToString(CultureInfo.InvariantCulture)}, "
                + "replace(gen_random_uuid()::text, '-', ''))"),
            "-- The application's user needs only these:",
            $"-- GRANT USAGE ON SCHEMA \"{schema}\" TO the_user",
            $"-- GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA \"{schema}\" TO the_user",
            "COMMIT",
            ""]);
    }

    private static void Check(int version, StorePlace place)
    {
        if (version == SchemaText.Version) return;
        throw new StreamStoreException(
            $"The store at {place} was written by {(version > SchemaText.Version ? "a newer" : "an older")} version of Sluice: this one "
                + $"knows the version {SchemaText.Version} of its tables, not {version}. Use that version, or another schema.")
        { IsPermanent = true };
    }

    private static async Task<int?> VersionAsync(NpgsqlConnection connection, Sql sql, CancellationToken cancellation)
    {
        // A query of the catalog, and not to_regclass: that one may answer from before the lock was given.
        await using var exists = new NpgsqlCommand("SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
            + "WHERE n.nspname = $1 AND c.relname = 'meta')", connection);
        exists.Parameters.Add(new NpgsqlParameter<string> { TypedValue = sql.Schema });
        if (!(bool)(await exists.ExecuteScalarAsync(cancellation).ConfigureAwait(false))!) return null;
        await using var version = new NpgsqlCommand(sql.Text("SELECT version FROM ~meta"), connection);
        return (int?)await version.ExecuteScalarAsync(cancellation).ConfigureAwait(false);
    }
}
