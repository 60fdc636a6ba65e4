namespace Sluice.PostgreSql;

/// <summary>
/// The settings of the connection before functions of items run, and how to put them back. A plain SET would stay on the connection and
/// reach other consecutors. All statements run in the transaction, so it does not matter what a pooler does with the connection afterwards.
/// </summary>
/// <remarks>
/// The settings of <see cref="OfItem"/> are put back behind each function: they could change what the next function or the store does. All
/// others are put back once, behind the functions of a commit. A reset keeps the connection open to changes of the server's configuration,
/// so a setting that has its usual value is reset.
/// </remarks>
/// <param name="server">The version of the server.</param>
internal sealed class FunctionSettings(Version server)
{
    private static readonly string[] OfItem =
        ["search_path", "role", "synchronous_commit", "statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"];

    // What a round itself sets for its transaction: the value of the connection is another one.
    private static readonly string[] OfRound = ["lock_timeout", "idle_in_transaction_session_timeout", "plan_cache_mode"];

    // The server refuses changes of the others in the middle of a transaction, or by this user. Since version 15, users may be granted
    // single settings of superusers.
    private readonly string settable = "SELECT name, setting, reset_val, source FROM pg_settings WHERE (context = 'user' "
        + $"OR (context = 'superuser' AND {(server.Major >= 15 ? "has_parameter_privilege(name, 'SET')"
        : "current_setting('is_superuser') = 'on'")})) "
        + "AND name NOT IN ('transaction_isolation', 'transaction_read_only', 'transaction_deferrable', 'temp_buffers')";

    private string[] values = [], names = [], settings = [];
    private string?[] lasting = [];

    /// <summary>The statement whose row <see cref="Read"/> reads.</summary>
    public NpgsqlBatchCommand Ask() => new NpgsqlBatchCommand($"WITH s AS MATERIALIZED ({settable}) SELECT pg_backend_pid(), "
        + "array_agg(current_setting(o.name) ORDER BY number), "
        + "array_agg(CASE WHEN o.name = ANY($2) OR s.setting = s.reset_val THEN NULL ELSE current_setting(o.name) END ORDER BY number), "
        + "(SELECT coalesce(array_agg(name ORDER BY name), '{}') FROM s WHERE setting <> reset_val OR source = 'session'), "
        + "(SELECT coalesce(array_agg(setting ORDER BY name), '{}') FROM s WHERE setting <> reset_val OR source = 'session') "
        + "FROM unnest($1::text[]) WITH ORDINALITY AS o(name, number) LEFT JOIN s ON s.name = o.name").With(OfItem).With(OfRound);

    /// <returns>The server's id of the connection.</returns>
    public int Read(NpgsqlDataReader row)
    {
        (values, lasting) = (row.GetFieldValue<string[]>(1), row.GetFieldValue<string?[]>(2));
        (names, settings) = (row.GetFieldValue<string[]>(3), row.GetFieldValue<string[]>(4));
        return row.GetInt32(0);
    }

    /// <summary>Puts the settings back that could change what follows. It comes behind each function.</summary>
    public NpgsqlBatchCommand BehindItem() => new NpgsqlBatchCommand(
        "SELECT CASE WHEN current_setting(name) <> value THEN set_config(name, lasting, false) END, set_config(name, value, true) "
            + "FROM unnest($1::text[], $2::text[], $3::text[]) AS s(name, value, lasting)").With(OfItem).With(values).With(lasting);

    /// <summary>Puts all other settings back. It comes behind the functions of a commit.</summary>
    public NpgsqlBatchCommand BehindAll() => new NpgsqlBatchCommand(
        "SELECT set_config(s.name, CASE WHEN s.name = ANY($3) THEN NULL ELSE b.setting END, false), "
            + "CASE WHEN s.name = ANY($3) AND b.setting IS NOT NULL THEN set_config(s.name, b.setting, true) END "
            + $"FROM ({settable}) s LEFT JOIN unnest($1::text[], $2::text[]) AS b(name, setting) ON b.name = s.name "
            + "WHERE s.setting IS DISTINCT FROM coalesce(b.setting, s.reset_val) "
            + "OR (s.source = 'session' AND b.name IS NULL)")
        .With(names).With(settings).With(OfRound);
}
