using Microsoft.Data.Sqlite;
using Sluice;
using Sluice.Storage;

namespace Payments.Serving;

/// <summary>Says that a store is one of payments: a stream without entries, made before all others.</summary>
internal static class StoreMark
{
    private const string Stream = "payments-sample";

    /// <summary>Looks at the tables of a file before it is opened as a store, which would add its own to them.</summary>
    /// <exception cref="UserMistake">It is the database of another program.</exception>
    public static void CheckTables(string path)
    {
        if (!File.Exists(path)) return;
        SQLitePCL.Batteries_V2.Init();
        try
        {
            using var connection = new SqliteConnection(new SqliteConnectionStringBuilder
            {
                DataSource = path,
                Mode = SqliteOpenMode.ReadOnly,
                Pooling = false,
                DefaultTimeout = 1
            }.ToString());
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText =
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sluice\\_%' ESCAPE '\\' AND name NOT LIKE "
                + "'sqlite\\_%' ESCAPE '\\'";
            if (command.ExecuteScalar() is string table)
                throw new UserMistake($"--store {path} is the database of another program: it has a table {table}. Name another file.");
        }
        catch (SqliteException)
        {
            // No database, or in use: the store says it better.
        }
    }

    /// <summary>Marks a new store; looks for the mark in another.</summary>
    /// <exception cref="UserMistake">It is the store of another program.</exception>
    public static async Task CheckAsync(IStreamStore store, string path)
    {
        var streams = await store.ListStreamsAsync();
        if (streams.Contains(Stream)) return;
        if (streams.Count > 0) throw new UserMistake(
            $"--store {path} is the store of another program: it has a stream {streams[0]}. Name another file.");
        await store.OpenStreamAsync(Stream, new StreamOptions { Partitions = 1 });
    }
}
