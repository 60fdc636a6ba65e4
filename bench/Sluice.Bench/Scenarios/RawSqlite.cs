using System.Diagnostics;
using SQLitePCL;

namespace Sluice.Bench;

/// <summary>
/// Inserts the same rows with the raw provider and one prepared statement, as power-safe as the store: the minimum for SQLite.
/// </summary>
internal static class RawSqlite
{
    public const string Name = "raw-sqlite";

    /// <summary>The rival that has no more rows in a transaction than <see cref="Durable.Senders"/> may have on their way.</summary>
    public const string WithAsManyInFlight = "raw-sqlite-256";

    public static double Insert(long count) => Insert(count, rowsPerTransaction: 4096);

    public static double InsertAsManyInFlight(long count) => Insert(count, Durable.Senders);

    private static double Insert(long count, int rowsPerTransaction)
    {
        using var directory = new Scratch();
        string name = rowsPerTransaction == Durable.Senders ? WithAsManyInFlight : Name;
        using var written = BytesWritten.Measure($"durable {name}", count);
        using var database = new Raw(directory.File);
        for (long i = 0; i < count; i++)
        {
            if (i % rowsPerTransaction == 0) database.Run("BEGIN IMMEDIATE");
            database.Insert(i + 1, Durable.Item(i));
            if (i % rowsPerTransaction == rowsPerTransaction - 1 || i == count - 1) database.Run("COMMIT");
        }
        return Numbers.ExpectedSum(count);
    }

    public static Outcome InsertOneByOne(long count)
    {
        using var directory = new Scratch();
        using var database = new Raw(directory.File);
        var ticks = new long[count];
        for (long i = 0; i < count; i++)
        {
            byte[] item = Durable.Item(i);
            long started = Stopwatch.GetTimestamp();
            database.Run("BEGIN IMMEDIATE");
            database.Insert(i + 1, item);
            database.Run("COMMIT");
            ticks[i] = Stopwatch.GetTimestamp() - started;
        }
        Array.Sort(ticks);
        return new Outcome(Numbers.ExpectedSum(count), ticks[count / 2] * 1e9 / Stopwatch.Frequency);
    }

    private sealed class Raw : IDisposable
    {
        private readonly sqlite3 database;
        private readonly sqlite3_stmt insert;
        private readonly Dictionary<string, sqlite3_stmt> statements = [];

        public Raw(string path)
        {
            Batteries_V2.Init();
            Check(raw.sqlite3_open(path, out database));
            foreach (string pragma in new[] { "PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL",
                "CREATE TABLE entry(seq INTEGER PRIMARY KEY, payload BLOB)" })
                Check(raw.sqlite3_exec(database, pragma));
            Check(raw.sqlite3_prepare_v2(database, "INSERT INTO entry VALUES(?,?)", out insert));
        }

        public void Run(string sql)
        {
            if (!statements.TryGetValue(sql, out var statement))
            {
                Check(raw.sqlite3_prepare_v2(database, sql, out statement));
                statements.Add(sql, statement);
            }
            Step(statement);
        }

        public void Insert(long sequence, byte[] payload)
        {
            Check(raw.sqlite3_bind_int64(insert, 1, sequence));
            Check(raw.sqlite3_bind_blob(insert, 2, payload));
            Step(insert);
        }

        public void Dispose()
        {
            insert.Dispose();
            foreach (sqlite3_stmt statement in statements.Values) statement.Dispose();
            database.Dispose();
        }

        private void Step(sqlite3_stmt statement)
        {
            if (raw.sqlite3_step(statement) is not (raw.SQLITE_DONE or raw.SQLITE_ROW)) Check(raw.sqlite3_errcode(database));
            Check(raw.sqlite3_reset(statement));
        }

        private void Check(int result)
        {
            if (result != raw.SQLITE_OK) throw new InvalidOperationException(
                $"SQLite: {result} {raw.sqlite3_errmsg(database).utf8_to_string()}");
        }
    }
}
