using System.Collections.Concurrent;
using System.Diagnostics;
using Microsoft.Data.Sqlite;
using Sluice.Programs;

namespace Sluice.Sqlite.Tests.Queries;

/// <summary>A process that copies rows into a store is killed while other connections add rows.</summary>
[StartsProcesses]
public sealed class KilledQueryTests : IDisposable
{
    private const int Kills = 12;

    private readonly TempDirectory directory = new();
    private int last;

    private string Shop => directory.File("shop.db");

    private string Store => directory.File("store.db");

    public void Dispose() => directory.Dispose();

    [Fact]
    public async Task EveryRowIsAcceptedOnceDespiteKills()
    {
        var random = new Random(1);
        Run("PRAGMA journal_mode = WAL; CREATE TABLE orders(id INTEGER PRIMARY KEY)");
        for (int kill = 0; kill < Kills; kill++)
        {
            Add(20);
            int rows = random.Next(1, 40);
            using Process process = Process.Start(new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "Sluice.Programs"),
                ["store", "query", Shop, Store])
            { RedirectStandardOutput = true })!;
            try
            {
                for (int read = 0; read < rows; read++)
                {
                    if (read % 8 == 7) Add(8);
                    Assert.NotNull(await process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken));
                }
            }
            finally
            {
                process.Kill();
                await process.WaitForExitAsync(CancellationToken.None);
            }
        }

        await using SqliteStreamStore store = await SqliteStreamStore.OpenAsync(Store, Durability.Process);
        var seen = new ConcurrentQueue<string>();
        await using var consecutor = new Consecutor<string>("orders", items => items | seen.Enqueue,
            new() { Store = store, Stream = new() { Partitions = 1 }, Run = new() { Mode = ExecutionMode.SingleThread } });
        await (QueryCopy.Rows(Shop, new(), static _ => { }) | consecutor).RunAsync(cancellation: TestContext.Current.CancellationToken);
        await consecutor.StartAsync(TestContext.Current.CancellationToken);
        await consecutor.WaitForIdleAsync(TestContext.Current.CancellationToken);
        Assert.Equal(Enumerable.Range(1, last).SelectMany(id => new[] { $"{id}a", $"{id}b" }), seen);
    }

    private void Add(int count)
    {
        Run("INSERT INTO orders VALUES " + string.Join(", ", Enumerable.Range(last + 1, count).Select(id => $"({id})")));
        last += count;
    }

    private void Run(string sql)
    {
        using var connection = new SqliteConnection($"Data Source={Shop};Pooling=False");
        connection.Open();
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
