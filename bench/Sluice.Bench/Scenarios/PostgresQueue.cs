using System.Diagnostics;
using System.Globalization;
using Npgsql;
using Sluice.Diagnostics;
using Sluice.PostgreSql;

namespace Sluice.Bench;

/// <summary>
/// Jobs of 100 bytes that wait in PostgreSQL, done by 1, 8 and 64 concurrent handlers that only yield. The rival takes each job as River
/// and Oban do, with <c>FOR UPDATE SKIP LOCKED</c>, and deletes it in the same transaction, over a connection for each handler. It
/// does a twentieth of the jobs; the column is the time for one. The other rival takes 100 jobs a transaction, which fail together.
/// </summary>
internal static class PostgresQueue
{
    private const int Share = 20, BatchSize = 100;

    private const string One = "DELETE FROM job WHERE id = (SELECT id FROM job ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING body";

    private static readonly string Many = "DELETE FROM job WHERE id = ANY(ARRAY(SELECT id FROM job ORDER BY id LIMIT "
        + BatchSize.ToString(CultureInfo.InvariantCulture) + " FOR UPDATE SKIP LOCKED)) RETURNING body";

    public static Scenario Scenario { get; } = new("postgres-queue",
        "jobs of 100 bytes on PostgreSQL, by 1, 8 and 64 concurrent handlers, fsync on; against FOR UPDATE SKIP LOCKED with delete by hand",
        [Compare(1), Compare(8), Compare(64)])
    { Finish = PostgresBench.Stop };

    private static Comparison Compare(int handlers) => new(string.Create(CultureInfo.InvariantCulture, $"postgres-queue-{handlers}"),
        200_000, 20_000, Numbers.ExpectedSum,
    [
        new Variant(Variant.Ours, count => PostgresBench.WithStoreAsync(store => OursAsync(store, count, handlers))),
        new Variant("skip-locked", count => ByHandAsync(count, handlers, isOne: true)),
        new Variant("skip-locked-100", count => ByHandAsync(count, handlers, isOne: false)),
    ])
    { WarmCount = 4_000 };

    private static async Task<Outcome> OursAsync(PostgresStreamStore store, long count, int handlers)
    {
        long sum = 0;
        await using var jobs = new Consecutor<byte[]>("jobs", source => source | DoAsync | Stage.Parallel(handlers)
            | (number => sum += number) | (static _ => { }),
            new() { Store = store, Stream = new() { MaxItems = long.MaxValue, MaxBytes = long.MaxValue } });
        await jobs.SendAllAsync(Enumerable.Range(0, (int)count).Select(static number => Durable.Item(number)));
        long started = Stopwatch.GetTimestamp();
        await jobs.StartAsync();
        ConsecutorSnapshot books = await jobs.WaitForIdleAsync();
        double elapsed = Stopwatch.GetElapsedTime(started).TotalNanoseconds;
        await jobs.StopAsync();
        return new(books.Completed == count ? sum : double.NaN, elapsed / count);
    }

    private static async Task<Outcome> ByHandAsync(long count, int handlers, bool isOne)
    {
        long share = isOne ? count / Share : count, sum = 0, done = 0;
        await PostgresBench.ExecuteAsync("DROP TABLE IF EXISTS job; CREATE TABLE job(id bigserial PRIMARY KEY, body bytea); "
            + $"INSERT INTO job(body) SELECT int8send(n) || decode(repeat('00', 92), 'hex') FROM generate_series(0, {share - 1}) n; "
            + "GRANT ALL ON job TO sluice");
        await PostgresBench.ExecuteAsync("VACUUM ANALYZE job");
        NpgsqlConnection[] connections = await PostgresBench.ConnectAsync(handlers);
        long started = Stopwatch.GetTimestamp();
        await Task.WhenAll(connections.Select(connection => Task.Run(async () =>
        {
            await using var command = new NpgsqlCommand(isOne ? One : Many, connection);
            await command.PrepareAsync();
            List<byte[]> taken = [];
            do
            {
                taken.Clear();
                await using NpgsqlTransaction transaction = await connection.BeginTransactionAsync();
                await using (NpgsqlDataReader rows = await command.ExecuteReaderAsync())
                    while (await rows.ReadAsync()) taken.Add(rows.GetFieldValue<byte[]>(0));
                foreach (byte[] job in taken)
                {
                    Array.Reverse(job, 0, sizeof(long));         // int8send is big-endian
                    Interlocked.Add(ref sum, await DoAsync(job));
                }
                await transaction.CommitAsync();
                Interlocked.Add(ref done, taken.Count);
            }
            while (taken.Count > 0);
        })));
        double elapsed = Stopwatch.GetElapsedTime(started).TotalNanoseconds;
        await PostgresBench.CloseAsync(connections);
        bool isRight = done == share && sum == Numbers.ExpectedSum(share) && await PostgresBench.CountAsync("job") == 0;
        return new(isRight ? Numbers.ExpectedSum(count) : double.NaN, elapsed / share);
    }

    private static async Task<long> DoAsync(byte[] job)
    {
        await Task.Yield();
        return BitConverter.ToInt64(Durable.Whole(job));
    }
}
