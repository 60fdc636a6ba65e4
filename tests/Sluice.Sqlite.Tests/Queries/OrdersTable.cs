using System.Collections.Concurrent;
using Microsoft.Data.Sqlite;

namespace Sluice.Sqlite.Tests.Queries;

/// <summary>
/// A database table that other connections change, and a consecutor that accepts its rows over several lives of the process.
/// </summary>
internal sealed class OrdersTable : IAsyncDisposable
{
    private readonly TempDirectory directory = new();
    private readonly MemoryStreamStore store = new();

    public OrdersTable(string create = "CREATE TABLE orders(id INTEGER PRIMARY KEY, changed INTEGER, customer TEXT)") => Run(create);

    public SqliteConnection Connect() => new($"Data Source={directory.File("shop.db")};Pooling=False");

    public void Run(string sql)
    {
        using SqliteConnection connection = Connect();
        connection.Open();
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = "PRAGMA synchronous = OFF; " + sql;
        command.ExecuteNonQuery();
    }

    public void Add(params int[] ids)
    {
        Run($"INSERT INTO orders VALUES {string.Join(", ", ids.Select(id => $"({id}, {id / 3}, 'customer {id}')"))}");
    }

    public Source<string> ById(QueryOptions? options = null,
        string sql = "SELECT id, customer FROM orders WHERE id > @id ORDER BY id LIMIT @take")
        => Source.Query("orders", Connect, sql, [new("id", 0L)], row => $"{row.GetInt64(0)}", options ?? new() { MaxPageRows = 3 });

    public Source<string> ByChange()
        => Source.Query("orders", Connect,
        "SELECT id, changed FROM orders WHERE (changed, id) > (@changed, @id) ORDER BY changed, id LIMIT @take",
            [new("changed", -1L), new("id", 0L)], row => $"{row.GetInt64(0)}", new() { MaxPageRows = 2 });

    public async Task AcceptAsync(Source<string> source, int? items = null)
    {
        await using Consecutor<string> consecutor = New(static _ => { });
        await ((items is { } count ? source.Take(count) : source) | consecutor).RunAsync();
    }

    /// <summary>All accepted items, in order.</summary>
    public async Task<string[]> AcceptedAsync()
    {
        var seen = new ConcurrentQueue<string>();
        await using Consecutor<string> consecutor = New(seen.Enqueue);
        await consecutor.StartAsync();
        await consecutor.WaitForIdleAsync();
        return [.. seen];
    }

    public Consecutor<string> New(Action<string> see)
        => new("intake", items => items | see, new()
        {
            Store = store,
            Stream = new() { Partitions = 1 },
            Run = new() { Mode = ExecutionMode.SingleThread }
        });

    public async ValueTask DisposeAsync()
    {
        await store.DisposeAsync();
        directory.Dispose();
    }
}
