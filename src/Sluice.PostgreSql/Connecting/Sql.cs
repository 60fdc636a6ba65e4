using System.Collections.Concurrent;

namespace Sluice.PostgreSql;

/// <summary>Makes commands for the store's schema. In a text, <c>~</c> stands for the schema and its dot. Thread-safe.</summary>
internal sealed class Sql(string schema, TimeSpan? frozenAfter = null)
{
    /// <summary>Begins a transaction that writes, whatever the user's defaults are.</summary>
    public const string Begin = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE";

    /// <summary>Follows the client's own BEGIN, which comes with the same message.</summary>
    public const string BegunByClient = "SET TRANSACTION ISOLATION LEVEL READ COMMITTED READ WRITE";

    /// <summary>What <see cref="Frozen"/> is for transactions that belong to no store.</summary>
    public const string UsuallyFrozen = "SET LOCAL idle_in_transaction_session_timeout = 5000";

    /// <summary>
    /// Lets the server plan the statements that follow by indexes, whatever its statistics say. For statements about many rows of a table
    /// that is usually empty: for an empty table the server plans to read all of it for each row, and keeps that plan.
    /// </summary>
    public const string ByIndexes = "SET LOCAL enable_seqscan = off";

    /// <summary>Ends what <see cref="ByIndexes"/> began.</summary>
    public const string ByStatistics = "SET LOCAL enable_seqscan TO DEFAULT";

    /// <summary>Begins a transaction that sees one state of the store, and locks nothing.</summary>
    public const string BeginReading = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

    private readonly ConcurrentDictionary<string, string> texts = new(StringComparer.Ordinal);

    public string Schema => schema;

    private readonly string frozen = ((long)(frozenAfter ?? PostgresStoreOptions.UsualFrozenAfter).TotalMilliseconds)
        .ToString(CultureInfo.InvariantCulture);

    /// <summary>
    /// Lets the server end the transaction of a process that is frozen or gone, so that others get its locks. Shorter than the time for
    /// which they wait.
    /// </summary>
    public string Frozen => field ??= $"SET LOCAL idle_in_transaction_session_timeout = {frozen}";

    /// <summary>
    /// Does what <see cref="Frozen"/> does, as a query, and lets the server keep the plans of prepared statements. It would plan those
    /// with arrays each time, because it takes an array that it does not know for ten values.
    /// </summary>
    public string FrozenWithPlans => field ??= $"SELECT set_config('idle_in_transaction_session_timeout', '{frozen}', true), "
        + "set_config('plan_cache_mode', 'force_generic_plan', true)";

    public string Text(string text) => texts.TryGetValue(text, out string? known) ? known
        : texts.GetOrAdd(text, text.Replace("~", $"\"{schema}\".", StringComparison.Ordinal));

    public NpgsqlBatchCommand Command(string text) => new(Text(text));
}

/// <summary>Short forms for parameters and rows.</summary>
internal static class SqlExtensions
{
    /// <summary>Adds a parameter; parameters are numbered from <c>$1</c>.</summary>
    public static NpgsqlBatchCommand With<T>(this NpgsqlBatchCommand command, T value)
    {
        command.Parameters.Add(new NpgsqlParameter<T> { TypedValue = value });
        return command;
    }

    public static string? TextOrNull(this NpgsqlDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);

    public static long? LongOrNull(this NpgsqlDataReader row, int column) => row.IsDBNull(column) ? null : row.GetInt64(column);

    public static byte[] Bytes(this NpgsqlDataReader row, int column) => row.GetFieldValue<byte[]>(column);
}
