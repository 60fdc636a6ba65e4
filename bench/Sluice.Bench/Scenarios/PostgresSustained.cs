using System.Diagnostics;
using System.Globalization;
using Npgsql;
using Sluice.Storage;

namespace Sluice.Bench;

/// <summary>
/// Items of 100 bytes that pass two consecutors in PostgreSQL, at 70 % of the most that was reached before, for as long as
/// <c>--minutes</c> says. Prints the sizes of the tables and the dead rows over time. The sizes of the second half are compared with
/// those of the first fifth.
/// </summary>
internal static class PostgresSustained
{
    private const int Samples = 20, BatchSize = 512, MaxItems = 20_000;
    private const double Share = 0.7;
    private static readonly TimeSpan Usual = TimeSpan.FromMinutes(1), Quick = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(10);

    /// <summary>The time of the paced run, if the command line has one.</summary>
    public static TimeSpan? Length { get; set; }

    public static Scenario Scenario { get; } = new("postgres-sustained",
        "100 bytes an item through two consecutors at 70 % of the most, fsync on: megabytes of all tables; --minutes N, one by default", [])
    { MeasureAsync = MeasureAsync, Finish = PostgresBench.Stop };

    private static async Task<IReadOnlyList<Result>> MeasureAsync(bool quick)
    {
        TimeSpan length = Length ?? (quick ? Quick : Usual);
        return await PostgresBench.WithStoreAsync<IReadOnlyList<Result>>(async store =>
        {
            await using Consecutor<byte[]> last = Make(store, "last", null);
            await using Consecutor<byte[]> first = Make(store, "first", last);
            await last.StartAsync();
            await first.StartAsync();
            await SendAsync(first, double.PositiveInfinity, TimeSpan.FromSeconds(2));            // compiles it
            TimeSpan trial = length / 10 < TimeSpan.FromSeconds(10) ? length / 10 : TimeSpan.FromSeconds(10);
            double most = await SendAsync(first, double.PositiveInfinity, trial);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"  the most: {most:N0} items a second; {Share:P0} of it from now on"));
            Console.WriteLine($"  {"second",8} {"items/s",10} {"MB",8} {"blocks MB",10} {"live rows",10} {"dead rows",10}");
            var sizes = new double[Samples];
            long started = Stopwatch.GetTimestamp();
            for (int i = 0; i < Samples; i++)
            {
                double rate = await SendAsync(first, most * Share, length / Samples);
                (sizes[i], double blocks, long live, long dead) = await LookAsync();
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {Stopwatch.GetElapsedTime(started).TotalSeconds,8:F0} "
                    + $"{rate,10:N0} {sizes[i],8:F1} {blocks,10:F1} {live,10:N0} {dead,10:N0}"));
            }
            await first.WaitForIdleAsync();
            long done = (await last.WaitForIdleAsync()).Completed, accepted = (await store.FindStreamAsync("first"))!.Appended;
            if (done != accepted) throw new WrongResultException($"{accepted} items were accepted, and {done} done");
            await first.StopAsync();
            await last.StopAsync();
            var (ours, begin) = (new Measurement(Variant.Ours), new Measurement("first-fifth"));
            ours.Add(sizes[(Samples / 2)..].Max(), double.NaN);
            begin.Add(sizes[..(Samples / 5)].Max(), double.NaN);
            return [new("postgres-sustained", [ours, begin]) { Unit = "MB" }];
        });
    }

    private static Consecutor<byte[]> Make(IStreamStore store, string name, Consecutor<byte[]>? next)
    {
        ConsecutorOptions options = new() { Store = store, Stream = new() { MaxItems = MaxItems } };
        if (next is null) return new(name, source => source | Durable.Whole | (static _ => { }), options);
        var made = new Consecutor<byte[]>(name, source => source | Durable.Whole | Sink.Output<byte[]>("next"), options);
        made.Output<byte[]>("next").To(next);
        return made;
    }

    // Waits for room when the stream is full, so that the most is what passes, and not what is accepted.
    private static async Task<double> SendAsync(Consecutor<byte[]> first, double rate, TimeSpan time)
    {
        long sent = 0, started = Stopwatch.GetTimestamp();
        for (TimeSpan now; (now = Stopwatch.GetElapsedTime(started)) < time;)
        {
            long due = Math.Min(BatchSize, (long)Math.Min(long.MaxValue, (now + Pace).TotalSeconds * rate) - sent);
            if (due <= 0)
            {
                await Task.Delay(Pace);
                continue;
            }
            await first.SendAllAsync(Numbers.Range(due).Select(Durable.Item));
            sent += due;
        }
        return sent / Stopwatch.GetElapsedTime(started).TotalSeconds;
    }

    private static async Task<(double Megabytes, double Blocks, long Live, long Dead)> LookAsync()
    {
        await using var admin = new NpgsqlConnection((await PostgresBench.GetAsync()).Admin + ";Pooling=false");
        await admin.OpenAsync();
        await using var command = new NpgsqlCommand("SELECT sum(pg_total_relation_size(relid))::float8 / 1048576, "
            + "sum(pg_total_relation_size(relid)) FILTER (WHERE relname = 'chunk')::float8 / 1048576, sum(n_live_tup)::bigint, "
            + "sum(n_dead_tup)::bigint FROM pg_stat_user_tables WHERE schemaname LIKE 'bench%'", admin);
        await using NpgsqlDataReader row = await command.ExecuteReaderAsync();
        await row.ReadAsync();
        return (row.GetDouble(0), row.GetDouble(1), row.GetInt64(2), row.GetInt64(3));
    }
}
