using Microsoft.Data.Sqlite;
using Sluice.Sqlite;

namespace Sluice.Programs;

/// <summary>A process that takes the rows of a table into a store, and says which row it has read: until it is killed.</summary>
internal static class QueryCopy
{
    public static async Task RunAsync(string shop, string into)
    {
        await using SqliteStreamStore store = await SqliteStreamStore.OpenAsync(into, Durability.Process);
        await using var consecutor = new Consecutor<string>("orders", items => items | (_ => { }),
            new() { Store = store, Stream = new() { Partitions = 1 } });
        await (Rows(shop, new() { MaxPageRows = 7, PollInterval = TimeSpan.FromMilliseconds(1) }, Console.Out.WriteLine)
            | consecutor).RunAsync();
    }

    /// <summary>Each row of the table as two items.</summary>
    public static Source<string> Rows(string shop, QueryOptions options, Action<long> say)
        => Source.Query("shop", () => new SqliteConnection($"Data Source={shop};Pooling=False"),
        "SELECT id FROM orders WHERE id > @id ORDER BY id LIMIT @take", [new("id", 0L)], row =>
        {
            say(row.GetInt64(0));
            return row.GetInt64(0);
        }, options) | Twice;

    private static IEnumerable<string> Twice(long id) => [$"{id}a", $"{id}b"];
}
