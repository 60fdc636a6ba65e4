using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using Sluice.Redis;
using Sluice.Storage;
using StackExchange.Redis;

namespace Sluice.Bench;

/// <summary>
/// Items of 100 bytes on a Redis server: appended by four producers in batches, leased by four consumers with a connection each, and
/// committed with one output each. The rival is <c>XADD</c> of the same bytes to the same server, by Redis' own benchmark.
/// </summary>
internal static class Redis
{
    private const string Rival = "redis-benchmark";
    private const int Workers = 4;
    private const int Partitions = 8;
    private const int BatchSize = 256;

    private static readonly GroupId Group = new("items", "group");
    private static int prefixes;

    public static Scenario Scenario { get; } = new("redis",
        $"{Durable.ItemBytes} bytes an item on Redis: appended, leased by {Workers}, one output each, committed; against redis-benchmark "
            + $"-P 100 XADD",
    [
        new Comparison("redis", 200_000, 60_000, Numbers.ExpectedSum,
        [
            new Variant(Variant.Ours, count => OursAsync(count, consumes: true)),
            new Variant(Rival, BenchmarkAsync),
        ]) { WarmCount = 30_000 },
        new Comparison("redis-append", 200_000, 60_000, Numbers.ExpectedSum,
        [
            new Variant(Variant.Ours, count => OursAsync(count, consumes: false)),
            new Variant(Rival, BenchmarkAsync),
        ]) { WarmCount = 30_000 },
    ])
    { Finish = BenchServer.Stop };

    private static async Task<Outcome> OursAsync(long count, bool consumes)
    {
        RedisServer server = await BenchServer.GetAsync();
        var options = new RedisStoreOptions { Prefix = $"bench{++prefixes}" };
        List<RedisStreamStore> stores = [];
        for (int i = 0; i < (consumes ? 2 * Workers : Workers); i++)
            stores.Add(await RedisStreamStore.ConnectAsync(server.Address, options));
        RedisStreamStore first = stores[0];
        await first.OpenStreamAsync(Group.Stream, new() { Partitions = Partitions, MaxItems = long.MaxValue });
        await first.OpenStreamAsync("outputs", new() { Partitions = Partitions, MaxItems = long.MaxValue });
        if (consumes) await first.AddGroupAsync(Group);

        long started = Stopwatch.GetTimestamp();
        var books = new Books(count);
        List<Task> working = [.. Enumerable.Range(0, Workers)
            .Select(i => Task.Run(() => ProduceAsync(stores[i], i, count * i / Workers, count * (i + 1) / Workers)))];
        if (consumes) working.AddRange(Enumerable.Range(0, Workers)
            .Select(i => Task.Run(() => ConsumeAsync(stores[Workers + i], i, books))));
        // In the order of their ends, so that the first failure is seen at once.
        await foreach (Task ended in Task.WhenEach(working)) await ended;
        double elapsed = Stopwatch.GetElapsedTime(started).TotalNanoseconds;

        long appended = (await first.FindStreamAsync(consumes ? "outputs" : Group.Stream))!.Items;
        foreach (RedisStreamStore store in stores) await store.DisposeAsync();
        await EmptyAsync(server);
        return new(appended != count ? double.NaN : consumes ? books.Sum : Numbers.ExpectedSum(count), elapsed / count);
    }

    private static async Task ProduceAsync(RedisStreamStore store, int producer, long from, long to)
    {
        string name = $"p{producer}";
        ProducerState state = await store.OpenProducerAsync(Group.Stream, name);
        using var batch = new EntryBatch { Stream = Group.Stream };
        for (long i = from, number = 1; i < to; i += batch.Count, number += batch.Count)
        {
            batch.Clear();
            for (long at = i; at < Math.Min(to, i + BatchSize); at++) batch.Add(Durable.Item(at));
            AppendResult result = await store.AppendAsync(new(Group.Stream, name, state.Epoch, number, batch));
            if (result.Status != AppendStatus.Accepted) throw new WrongResultException($"an append was {result.Status}");
        }
    }

    private static async Task ConsumeAsync(RedisStreamStore store, int consumer, Books books)
    {
        List<Ownership> owned = [];
        for (int partition = consumer; partition < Partitions; partition += Workers)
            owned.Add((await store.AcquireAsync(Group, partition, new($"m{consumer}"))).Ownership);
        var commits = new Dictionary<int, long>();
        using var output = new EntryBatch { Stream = "outputs" };
        for (long seen = await store.WaitForChangeAsync(Group.Stream, -1); !books.IsComplete;)
        {
            LeaseResult lease = await store.LeaseAsync(new(owned) { MaxItems = 3 * BatchSize, MaxBytes = 1 << 20 });
            foreach (LeasedBatch batch in lease.Batches)
            {
                output.Clear();
                long sum = 0;
                foreach (Entry entry in batch.Entries.ToArray())
                {
                    sum += BinaryPrimitives.ReadInt64LittleEndian(entry.Payload.Span);
                    output.Add(entry.Payload.Span);
                }
                long number = commits[batch.Owner.Partition] = commits.GetValueOrDefault(batch.Owner.Partition) + 1;
                CommitResult result = await store.CommitAsync(new(batch.Owner, number)
                {
                    Settled = [new(batch.Entries.Span[0].Sequence, batch.Entries.Span[^1].Sequence)],
                    Outputs = [new("outputs", output)],
                });
                if (result.Status != CommitStatus.Committed) throw new WrongResultException($"a commit was {result}");
                books.Add(batch.Entries.Length, sum);
            }
            if (lease.Batches.Count == 0 && !books.IsComplete) seen = await store.WaitForChangeAsync(Group.Stream, seen);
        }
    }

    private static async Task<Outcome> BenchmarkAsync(long count)
    {
        RedisServer server = await BenchServer.GetAsync();
        using Process process = Process.Start(new ProcessStartInfo("redis-benchmark",
            ["-p", $"{server.Port}", "-n", $"{count}", "-P", "100", "--csv", "XADD", "rival", "*", "v", new string('x', Durable.ItemBytes)])
        { RedirectStandardOutput = true, RedirectStandardError = true })!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string said = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        // "XADD …","<requests per second>",…
        string[] words = said.Split('\n').Last(line => line.StartsWith("\"XADD", StringComparison.Ordinal)).Split("\",\"");
        double perSecond = words.Length > 1 ? double.Parse(words[1].Trim('"'), CultureInfo.InvariantCulture)
            : throw new InvalidOperationException($"redis-benchmark said: {said}{await errors}");
        await EmptyAsync(server);
        return new(Numbers.ExpectedSum(count), 1e9 / perSecond);
    }

    private static async Task EmptyAsync(RedisServer server)
    {
        using ConnectionMultiplexer raw = await ConnectionMultiplexer.ConnectAsync(server.Address + ",allowAdmin=true");
        await raw.GetDatabase().ExecuteAsync("FLUSHALL");
    }

    private sealed class Books(long count)
    {
        private long settled, sum;

        public bool IsComplete => Volatile.Read(ref settled) >= count;
        public long Sum => Volatile.Read(ref sum);

        public void Add(long items, long numbers)
        {
            Interlocked.Add(ref sum, numbers);
            Interlocked.Add(ref settled, items);
        }
    }
}
