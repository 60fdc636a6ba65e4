using System.Globalization;
using Sluice.PostgreSql;
using Sluice.Redis;
using Sluice.Storage;

namespace Sluice.Bench;

/// <summary>
/// The processor time of the server for a call of each kind, one call after the other, over Redis and PostgreSQL. docs/reports/scale.md
/// multiplies it with the numbers of calls that a cluster makes.
/// </summary>
/// <remarks>Alone, a call shares its round, its flush and its packets with no other one: a busy server needs less for each.</remarks>
internal static class StoreCalls
{
    private const int Many = 2_000, Few = 400;
    private const int Partitions = 10;
    private const int FirstCalls = 20;
    private const string Stream = "calls", Reader = "reader", Node = "node";
    private static readonly GroupId Group = new(Stream, "group");
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(30);

    public static Scenario Scenario { get; } = new("store-calls",
        "a call of each kind, alone, on Redis and PostgreSQL: processor time of the server", [])
    { MeasureAsync = MeasureAsync, Finish = Stop };

    private static async Task<IReadOnlyList<Result>> MeasureAsync(bool quick)
    {
        int count = quick ? Few : Many;
        string redis = (await BenchServer.GetAsync()).Address;
        PostgresServer postgres = await PostgresBench.GetAsync();
        string schema = PostgresBench.NewSchema();
        return
        [
            await MeasureAsync("redis", count, RedisNanosecondsAsync,
                async () => await RedisStreamStore.ConnectAsync(redis, new() { Prefix = "calls" })),
            await MeasureAsync("postgres", count, () => Task.FromResult(ServerTime.OfTree(postgres.Id)),
                async () => await PostgresStreamStore.OpenAsync(postgres.Address, new() { Schema = schema })),
        ];
    }

    private static async Task<Result> MeasureAsync<TStore>(string name, int count, Func<Task<double>> serverNanosecondsAsync,
        Func<Task<TStore>> openAsync) where TStore : IStreamStore, IAsyncDisposable
    {
        await using TStore store = await openAsync();
        List<TStore> others = [];
        List<Measurement> costs = [];
        await store.OpenStreamAsync(Stream, new() { Partitions = Partitions, MaxItems = long.MaxValue, MaxBytes = long.MaxValue });
        await store.AddGroupAsync(Group);
        await store.OpenReaderAsync(Stream, Reader);
        await store.HeartbeatAsync(new(Group, "member", "member-1", Lease));
        List<Ownership> owned = [];
        for (int partition = 0; partition < Partitions; partition++)
            owned.Add((await store.AcquireAsync(Group, partition, new("member"))).Ownership);
        long appended = 0;
        var commits = new long[Partitions];
        Queue<EntryId> leased = [];
        int moved = 0;
        using var batch = new EntryBatch();
        batch.Add(new byte[Durable.ItemBytes]);

        await AddAsync("Append", async () => await AppendAsync());
        await AddAsync("Lease, an entry", LeaseAsync, isWarm: true);
        while (await TryLeaseAsync()) { }            // what the first calls have appended
        await AddAsync("Lease, nothing", async () => await TryLeaseAsync());
        await AddAsync("Commit", CommitAsync, isWarm: true);
        await AddAsync("Heartbeat", async () => await store.HeartbeatAsync(new(Group, "member", "member-1", Lease)));
        await AddAsync("ReadState", async () => await store.ReadStateAsync(Group, 0, Node, ["key"]));
        await AddAsync("ListStateNodes", async () => await store.ListStateNodesAsync(Group, 0));
        await AddAsync("FindGroup", async () => await store.FindGroupAsync(Group));
        await AddAsync("FindStream", async () => await store.FindStreamAsync(Stream));
        await AddAsync("GetTime", async () => await store.GetTimeAsync());
        await AddAsync("Read", async () => await store.ReadAsync(new(Stream, 0, 1) { MaxItems = 1 }));
        await AddAsync("MoveReader", MoveAsync, isWarm: true);
        await AddAsync("Release, Acquire", async () =>
        {
            await store.ReleaseAsync(owned[1]);
            owned[1] = (await store.AcquireAsync(Group, 1, new("member"))).Ownership;
        });
        foreach (int waiting in (int[])[1, 4])
        {
            while (others.Count < waiting) others.Add(await openAsync());
            var seen = new long[waiting];
            Array.Fill(seen, -1);
            await WaitAsync();
            await AddAsync($"Append, {waiting} waiting", async () =>
            {
                await AppendAsync();
                await WaitAsync();
            });

            async Task WaitAsync()
            {
                for (int i = 0; i < waiting; i++) seen[i] = await others[i].WaitForChangeAsync(Stream, seen[i]);
            }
        }
        foreach (TStore other in others) await other.DisposeAsync();
        return new($"store-calls-{name}", costs) { Unit = "ns of server" };

        async Task AppendAsync()
        {
            AppendResult result = await store.AppendAsync(new(Stream, "producer", 0, ++appended, batch));
            if (result.Status != AppendStatus.Accepted) throw new WrongResultException($"store-calls: an append was {result.Status}");
        }

        async Task<bool> TryLeaseAsync()
        {
            LeaseResult lease = await store.LeaseAsync(new(owned) { MaxItems = 1 });
            if (lease.Batches.Count == 0) return false;
            leased.Enqueue(lease.Batches[0].Entries.Span[0].IdIn(Stream, lease.Batches[0].Owner.Partition));
            return true;
        }

        async Task LeaseAsync()
        {
            if (!await TryLeaseAsync()) throw new WrongResultException("store-calls: nothing was leased");
        }

        async Task CommitAsync()
        {
            EntryId id = leased.Dequeue();
            CommitResult result = await store.CommitAsync(
                new(owned[id.Partition], ++commits[id.Partition]) { Settled = [new(id.Sequence, id.Sequence)] });
            if (result.Status != CommitStatus.Committed) throw new WrongResultException($"store-calls: a commit was {result.Status}");
        }

        async Task MoveAsync() => await store.MoveReaderAsync(new(Stream, Reader, moved % Partitions, (moved++ / Partitions) + 1));

        // The first calls are slow on both sides; some kinds have only as many calls as there are entries, and follow others.
        async Task AddAsync(string kind, Func<Task> callAsync, bool isWarm = false)
        {
            for (int i = 0; i < FirstCalls && !isWarm; i++) await callAsync();
            double before = await serverNanosecondsAsync();
            for (int i = 0; i < count; i++) await callAsync();
            double after = await serverNanosecondsAsync();
            costs.Add(new(kind));
            costs[^1].Add((after - before) / count, double.NaN);
        }
    }

    private static async Task<double> RedisNanosecondsAsync()
        => (await BenchServer.InfoAsync("used_cpu_user") + await BenchServer.InfoAsync("used_cpu_sys")) * 1e9;

    private static void Stop()
    {
        BenchServer.Stop();
        PostgresBench.Stop();
    }
}
