using System.Diagnostics;
using System.Globalization;
using Sluice.Storage;
using StackExchange.Redis;
using static Sluice.Redis.Tests.LargeStore;

namespace Sluice.Redis.Tests;

public sealed class ServerTimeTests
{
    private const int MostRanges = 1 + ((StoreCommit.MaxItems - 1) / 4), MostDeferred = StoreCommit.MaxItems / 4;
    private const int MostSpread = (StoreCommit.MaxItems + 100) / 3, MostCursors = 200, MostReaders = 100,
        MostMarkers = (StoreCommit.MaxItems + 100) / 19;

    // The commands of a call are the same on each machine. Their time is not, but one command that goes through all rows counts as one: it
    // takes ten times as long as a call may (four times with the 40,000 rows that there are without --long), and three times is what other
    // work on the cores and caches does.
    private const int MaxCommands = 2500;
    private static readonly TimeSpan Longest = 3 * TimeSpan.FromMilliseconds(10);

    // Work like that of the functions, and its time on an idle machine (best of 200, Redis 7.0.15).
    private const string Reference = "for i = 1, 4000 do redis.call('HSET', KEYS[1], i % 500, redis.sha1hex(i)) end";
    private static readonly TimeSpan ReferenceTime = TimeSpan.FromMilliseconds(9.4);

    private const int References = 5;

    // The epoch of the quarantine, raised by each of the calls that acquire it.
    private static long quarantine;

    // The calls by name. A call that can be made only once is measured once.
    private static readonly (string Name, bool Once, Func<RedisStreamStore, int, Task> Call)[] Calls =
    [
        ("list streams", false, async (store, _) => Assert.True((await store.ListStreamsAsync()).Count > Many)),
        ("open stream", false, async (store, run) => await store.OpenStreamAsync($"new{run}", new() { Partitions = 4096 })),
        ("find wide stream", false, async (store, _) => await store.FindStreamAsync(Wide)),
        ("find deep stream", false, async (store, _) => await store.FindStreamAsync(Deep)),
        ("find crowded stream", false, async (store, _) => await store.FindStreamAsync(Crowded)),
        ("find wide group", false, async (store, _) => Assert.Equal(4096, (await store.FindGroupAsync(WideGroup))!.Partitions.Count)),
        ("find group of many members", false, async (store, _) => Assert.Equal(Many + 1,
            (await store.FindGroupAsync(Waiting))!.Members.Count)),
        ("beat", false, async (store, _) => await store.HeartbeatAsync(new(Waiting, "m", "one", TimeSpan.FromSeconds(10)))),
        ("leave", false, async (store, _) => await store.LeaveAsync(Waiting, "m", "one")),
        ("time", false, async (store, _) => await store.GetTimeAsync()),
        ("add group to wide stream", false, async (store, run) => await store.AddGroupAsync(new(Wide, $"first{run}"))),
        ("add new group to wide stream", false, async (store, run) => await store.AddGroupAsync(new(Wide, $"new{run}"), StreamStart.New)),
        ("open reader of wide stream", false, async (store, run) => await store.OpenReaderAsync(Wide, $"first{run}")),
        ("open new reader of wide stream", false, async (store, run) => await store.OpenReaderAsync(Wide, $"new{run}",
            new() { Start = StreamStart.New })),
        ("open reader of crowded stream", false, async (store, run) => await store.OpenReaderAsync(Crowded, $"late{run}")),
        ("append to wide stream", false, async (store, run) => await AppendAsync(store, Wide,
            1 + ((LargeStore.WideAppends + run) * AppendRequest.MaxSpread), AppendRequest.MaxSpread, keyed: true)),
        ("append where readers of a wide stream have expired", true,
            async (store, _) => await AppendAsync(store, Gone, 1, 1, keyed: false)),
        ("lease from many partitions", true, async (store, _) =>
            Assert.True((await store.LeaseAsync(new(WideOwners) { MaxItems = 4096 })).Batches.Count > 100)),
        ("redrive in many partitions", true, async (store, _) => Assert.Equal(WideOwners.Count,
            await store.RedriveAsync(WideGroup, [.. Enumerable.Range(1, WideOwners.Count).Select(i => (long)i)]))),
        ("append to crowded stream", false, async (store, run) => await AppendAsync(store, Crowded, 1001 + (1000 * run), 1000,
            keyed: true)),
        ("append where many keys have expired", false,
            async (store, run) => await AppendAsync(store, Deep, (2 * Many) + 1 + run, 1, keyed: false)),
        ("append that makes room", false, async (store, run) =>
        {
            using var one = new EntryBatch();
            one.Add([1]);
            await store.AppendAsync(new(Deep, $"room{run}", 0, 1, one) { MakesRoom = true });
        }),
        ("open producer", false, async (store, _) => await store.OpenProducerAsync(Deep, "p")),
        ("read", false, async (store, _) => await store.ReadAsync(new(Deep, 0, 1) { MaxItems = 4096, Reader = "first" })),
        ("read of crowded stream", false, async (store, _) => await store.ReadAsync(new(Crowded, 0, 1) { MaxItems = 4096, Reader = "r1" })),
        ("move reader", false, async (store, run) => await store.MoveReaderAsync(new(Deep, "first", 0, 10_000 * (run + 1)))),
        ("move reader of crowded stream", false, async (store, run) => await store.MoveReaderAsync(new(Crowded, "r1", 0, 10 * (run + 1)))),
        ("close reader of wide stream", false, async (store, run) => await store.CloseReaderAsync(Wide, $"r{run}")),
        ("close reader of crowded stream", false, async (store, run) => await store.CloseReaderAsync(Crowded, $"r{run + 5}")),
        ("list waiting", false, async (store, _) => await store.ListWaitingAsync(Waiting, 0, max: 1000)),
        ("list waiting in flight", false, async (store, _) => await store.ListWaitingAsync(Flying, 0, max: 1000)),
        ("list waiting between ranges", false, async (store, _) => await store.ListWaitingAsync(Ranges, 0, max: 1000)),
        ("list heads", false, async (store, _) => await store.ListWaitingHeadsAsync(Waiting, 0, 0, 2000)),
        ("list dead", false, async (store, _) => await store.ListDeadAsync(Waiting, max: 1000)),
        ("list dead of a node", false, async (store, _) => await store.ListDeadAsync(Waiting, "node", max: 1000)),
        ("read state", false, async (store, _) => await store.ReadStateAsync(Waiting, 0, "state",
            [.. Enumerable.Range(0, 3000).Select(i => $"k{i}")])),
        ("list state", false, async (store, _) => await store.ListStateAsync(Waiting, 0, "state", max: 3000)),
        ("list state nodes", false, async (store, _) => Assert.Equal(Many,
            (await store.ListStateNodesAsync(Waiting, 0, counted: true)).Single().Rows)),
        ("reserve in many streams", false, async (store, run) => { for (int i = 0; i < 99; i++)
            await store.ReserveAsync(Owners[Waiting].Owner, $"small{i}", 1, 1); }),
        ("reserve", false, async (store, _) => await store.ReserveAsync(Owners[Waiting].Owner, Crowded, 1, 1)),
        ("pause", false, async (store, run) => await store.PauseGroupAsync(Waiting, isPaused: run % 2 == 0)),
        ("resume", false, async (store, _) => await store.PauseGroupAsync(Waiting, isPaused: false)),
        ("redrive", false, async (store, run) => Assert.Equal(1000,
            await store.RedriveAsync(Waiting, [.. Enumerable.Range(1 + (1000 * run), 1000).Select(i => (long)i)]))),
        ("delete dead", false, async (store, run) => Assert.Equal(1000,
            await store.DeleteDeadAsync(Waiting, [.. Enumerable.Range(10_001 + (1000 * run), 1000).Select(i => (long)i)]))),
        ("lease retries", false, async (store, _) =>
            Assert.NotEmpty((await store.LeaseAsync(new([Owners[Waiting].Owner]) { MaxItems = 4096 })).Batches)),
        ("lease", false, async (store, _) => Assert.NotEmpty(
            (await store.LeaseAsync(new([Owners[Flying].Owner]) { MaxItems = 4096 })).Batches)),
        ("commit state", false, async (store, run) => await CommitAsync(store, Waiting,
            new(default, 0) { State = [.. Enumerable.Range(1000 * run, 1000)
                .Select(i => new StateRow("state", $"k{i}", 1, new byte[20]))] })),
        ("commit many settled", false, async (store, run) => await CommitAsync(store, Flying,
            new(default, 0) { Settled = [.. Enumerable.Range(0, MostRanges)
                .Select(i => new SequenceRange((5000 * run) + (2 * i) + 2, (5000 * run) + (2 * i) + 2))] })),
        ("commit between settled", false, async (store, run) => await CommitAsync(store, Ranges,
            new(default, 0) { Settled = [.. Enumerable.Range(0, MostRanges)
                .Select(i => new SequenceRange((5000 * run) + (2 * i) + 11, (5000 * run) + (2 * i) + 11))] })),
        ("commit deferred", false, async (store, run) => await CommitAsync(store, Flying,
            new(default, 0) { Deferred = [.. Enumerable.Range(0, MostDeferred)
                .Select(i => new RetryWrite(20_000 + (1000 * run) + i, 1, TimeSpan.FromHours(1)))] })),
        ("commit dead", false, async (store, run) => await CommitAsync(store, Flying, new(default, 0)
        {
            Settled = [new(30_000 + (1000 * run), 29_999 + MostDeferred + (1000 * run))],
            Dead = [.. Enumerable.Range(0, MostDeferred).Select(i => new DeadLetterWrite(30_000 + (1000 * run) + i, "node", "why", 1))],
        })),
        ("commit outputs to as many partitions", false, (store, _) => CommitOutputsAsync(store, Wide, MostSpread, 4096)),
        ("commit cursors", true, async (store, _) => await CommitAsync(store, Waiting,
            new(default, 0) { Cursors = [.. WideOwners.Take(MostCursors)
                .Select(owner => new CursorCommit(Wide, "r0", owner.Partition, 2))] })),
        ("commit openings of readers", false, async (store, run) => await CommitAsync(store, Waiting,
            new(default, 0) { Readers = [.. Enumerable.Range(0, MostReaders)
                .Select(i => new OpenReader($"small{i}", $"reader{run}", new()))] })),
        ("commit ends of batches", false, async (store, run) => await CommitAsync(store, Waiting,
            new(default, 0) { Batches = [.. Enumerable.Range(0, MostMarkers)
                .Select(i => new BatchChange($"batch{run}-{i}") { Accepted = 1, Ended = 1, Close = true,
                MarkerStreams = [$"small{i}"] })] })),
        ("commit lengths of files", false, async (store, run) => await CommitAsync(store, Waiting,
            new(default, 0) { FileLengths = [.. Enumerable.Range(0, 550).Select(i => new FileLength($"{i}", i))] })),
        ("commit outputs to a crowded stream", false, (store, _) => CommitOutputsAsync(store, Crowded, StoreCommit.MaxItems, 16)),
        ("take among retries", false, (store, _) => TakeAsync(store, Waiting)),
        ("take quarantine", false, async (store, _)
            => quarantine = (await store.AcquireQuarantineAsync(Flying, "m", quarantine))!.Value.Epoch),
        ("release quarantine", false, async (store, _) => await store.ReleaseQuarantineAsync(new(Flying, quarantine))),
        ("take from a silent owner", true, (store, _) => TakeAsync(store, Flying)),
        ("take with many files", false, (store, _) => TakeAsync(store, Waiting)),
        ("release between ranges", true, async (store, _) => Assert.True(await store.ReleaseAsync(Owners[Ranges].Owner))),
        ("take what was released", false, (store, _) => TakeAsync(store, Ranges)),
        ("lease between ranges", false, async (store, _) => await store.LeaseAsync(new([Owners[Ranges].Owner]) { MaxItems = 4096 })),
        ("make and find", false, async (store, _) => await store.Connection.RunAsync(Script.Named("open_store"), ["x"], true, default)),
        ("touch", false, async (store, _) => await store.Connection.RunAsync(Script.Named("touch"), [], true, default)),
        ("end stream", false, async (store, run) => await store.EndStreamAsync($"new{run}", StreamEnd.Complete)),
        ("remove group of wide stream", false, async (store, run) => await store.RemoveGroupAsync(new(Wide, $"first{run}"))),
        ("remove deep group", true, async (store, _) => await store.RemoveGroupAsync(Waiting)),
        ("delete wide stream", true, async (store, _) => await store.DeleteStreamAsync(Wide)),
        ("delete deep stream", true, async (store, _) => await store.DeleteStreamAsync(Deep)),
        ("delete crowded stream", true, async (store, _) => await store.DeleteStreamAsync(Crowded)),
        ("raise generation", false, async (store, _) => await store.RaiseGenerationAsync(store.Generation)),
    ];

    [Fact]
    public async Task TheWorkOfEveryServerFunctionIsBoundedAtScale()
    {
        await using RedisServer server = await RedisServer.StartAsync("--appendonly", "no");
        string prefix = SharedServer.NewPrefix();
        // The timeouts are long, because a busy machine must not fail the test.
        var patient = new RedisStoreOptions
        {
            Prefix = prefix,
            PollInterval = TimeSpan.FromMinutes(1),
            Timeout = TimeSpan.FromMinutes(2),
            Silence = TimeSpan.FromMinutes(2)
        };
        // The client gives up a call after five seconds, and a script that fills a store may take longer on a busy machine.
        await using RedisStreamStore direct = await RedisStreamStore.ConnectAsync($"{server.Address},asyncTimeout=120000", patient);
        long begun = Stopwatch.GetTimestamp();
        await FillAsync(direct, prefix);
        TestContext.Current.TestOutputHelper?.WriteLine($"filled in {Stopwatch.GetElapsedTime(begun)}");

        await using var proxy = new TimingProxy(server.Port, server.Id);
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(proxy.Address, patient);
        List<string> costly = [];
        HashSet<string> called = [];
        foreach ((string name, bool once, Func<RedisStreamStore, int, Task> call) in Calls)
        {
            for (int run = 0; run < (once ? 1 : 5); run++)
            {
                proxy.Calls.Clear();
                await call(store, run);
                called.UnionWith(proxy.Calls.Select(one => one.Function));
                ServerCall most = proxy.Calls.MaxBy(one => one.Commands), longest = proxy.Calls.MaxBy(one => one.Time);
                string said = string.Create(CultureInfo.InvariantCulture, $"{name}: {proxy.Calls.Count} calls, at most {most.Commands} commands "
                    + $"({most.Function}) and {longest.Time.TotalMilliseconds:0.0} ms ({longest.Function})");
                TestContext.Current.TestOutputHelper?.WriteLine(said);
                bool isSlow = longest.Time >= Longest && longest.Time >= Longest * await SlownessAsync(direct, proxy);
                if (most.Commands > MaxCommands || (isSlow && (once || run == 4))) costly.Add(said);
                if (!isSlow) break;
            }
        }

        Assert.True(costly.Count == 0, string.Join("\n", costly));
        var libraries = (RedisResult[]?)await direct.Connection.Database.ExecuteAsync("FUNCTION", "LIST", "LIBRARYNAME", "sluice_*");
        string[] functions = [.. ((RedisResult[])((RedisResult[])libraries!.Single()!)[5]!).Select(function =>
            (string)((RedisResult[])function!)[1]!)];
        Assert.Empty(functions.Except(called));
    }

    // How much slower this machine is now than the reference machine, at least one: the slowest of some references.
    private static async Task<double> SlownessAsync(RedisStreamStore direct, TimingProxy proxy)
    {
        double slowness = 1;
        for (int i = 0; i < References; i++)
        {
            TimeSpan before = proxy.Spent();
            await direct.Connection.Database.ScriptEvaluateAsync(Reference, ["{reference}"]);
            slowness = Math.Max(slowness, (proxy.Spent() - before) / ReferenceTime);
        }
        TestContext.Current.TestOutputHelper?.WriteLine(string.Create(CultureInfo.InvariantCulture, $"slowness {slowness:0.00}"));
        return slowness;
    }

    private static async Task TakeAsync(RedisStreamStore store, GroupId group)
        => Owners[group] = ((await store.AcquireAsync(group, 0, new("m"))).Ownership, Owners[group].Sequence);

    // Commits as many outputs as a commit may hold.
    private static async Task CommitOutputsAsync(IStreamStore store, string stream, int count, int partitions)
    {
        using var batch = new EntryBatch();
        for (int i = 0; i < count; i++) batch.Add(new byte[20], EntryKey.Of($"{i}"));
        await CommitAsync(store, Waiting, new(default, 0) { Outputs = [new(stream, batch) { Partitions = partitions }] });
    }
}
