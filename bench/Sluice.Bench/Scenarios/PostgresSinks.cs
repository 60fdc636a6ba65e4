using System.Diagnostics;
using Npgsql;
using Sluice.PostgreSql;

namespace Sluice.Bench;

/// <summary>
/// Rows of a number and 100 characters that <c>PostgresSink.InStore</c> writes in the commits of items which wait in the store. The rival
/// only writes the rows by hand: 1,000 a statement, by <c>unnest</c>, prepared, all in one transaction.
/// </summary>
internal static class PostgresSinks
{
    private const int RowsPerStatement = 1000;
    private const string Create = "CREATE TABLE line(id bigint PRIMARY KEY, text text)";
    private static readonly string Text = new('x', Durable.ItemBytes);

    public static Scenario Scenario { get; } = new("postgres-sink",
        "rows by PostgresSink.InStore, in the commits of waiting items, fsync on; against the rows alone, by unnest in one transaction",
    [
        new Comparison("postgres-sink", 100_000, 20_000, Numbers.ExpectedSum,
        [
            new Variant(Variant.Ours, static count => PostgresBench.WithStoreAsync(store => OursAsync(store, count))),
            new Variant("unnest-by-hand", ByHandAsync),
        ]) { WarmCount = 4_000 },
    ])
    { Finish = PostgresBench.Stop };

    private static async Task<Outcome> OursAsync(PostgresStreamStore store, long count)
    {
        await MakeTableAsync();
        await using var lines = new Consecutor<long>("lines",
            source => source | PostgresSink.InStore<long>("INSERT INTO line(id, text) VALUES ($1, $2)", static number => [number, Text]),
            new() { Store = store, Stream = new() { MaxItems = long.MaxValue, MaxBytes = long.MaxValue } });
        await lines.SendAllAsync(Numbers.Range(count));
        long started = Stopwatch.GetTimestamp();
        await lines.StartAsync();
        await lines.WaitForIdleAsync();
        double elapsed = Stopwatch.GetElapsedTime(started).TotalNanoseconds;
        await lines.StopAsync();
        return await OutcomeAsync(count, elapsed);
    }

    private static async Task<Outcome> ByHandAsync(long count)
    {
        await MakeTableAsync();
        NpgsqlConnection[] connections = await PostgresBench.ConnectAsync(1);
        long started = Stopwatch.GetTimestamp();
        await using (NpgsqlTransaction transaction = await connections[0].BeginTransactionAsync())
        await using (var command = new NpgsqlCommand("INSERT INTO line(id, text) SELECT * FROM unnest($1, $2)", connections[0]))
        {
            NpgsqlParameter<long[]> ids = new() { TypedValue = [] };
            NpgsqlParameter<string[]> texts = new() { TypedValue = [] };
            command.Parameters.Add(ids);
            command.Parameters.Add(texts);
            await command.PrepareAsync();
            foreach (long[] numbers in Numbers.Range(count).Chunk(RowsPerStatement))
            {
                (ids.TypedValue, texts.TypedValue) = (numbers, Array.ConvertAll(numbers, static _ => Text));
                await command.ExecuteNonQueryAsync();
            }
            await transaction.CommitAsync();
        }
        double elapsed = Stopwatch.GetElapsedTime(started).TotalNanoseconds;
        await PostgresBench.CloseAsync(connections);
        return await OutcomeAsync(count, elapsed);
    }

    private static Task MakeTableAsync()
        => PostgresBench.ExecuteAsync($"DROP TABLE IF EXISTS line; {Create}; GRANT ALL ON line TO sluice");

    private static async Task<Outcome> OutcomeAsync(long count, double elapsed)
        => new(await PostgresBench.CountAsync("line") == count ? Numbers.ExpectedSum(count) : double.NaN, elapsed / count);
}
