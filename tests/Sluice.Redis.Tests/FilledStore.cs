using Sluice.Storage;

namespace Sluice.Redis.Tests;

/// <summary>A store with data of every kind, and all calls on it.</summary>
internal static class FilledStore
{
    private static readonly GroupId Main = Rows.Main;
    private static readonly GroupId Other = new(Rows.Orders, "other");

    /// <summary>The nth epoch of the group, which is made behind two streams.</summary>
    public static long Epoch(int n) => StoreRules.NextEpoch(0, 3) + n - 1;

    /// <summary>The calls by name, in this order.</summary>
    public static (string Name, Func<IStreamStore, Task> Call)[] Calls { get; } =
    [
        ("list streams", async store => await store.ListStreamsAsync()),
        ("find stream", async store => await store.FindStreamAsync(Rows.Orders)),
        ("find results", async store => await store.FindStreamAsync(Rows.Results)),
        ("open stream", async store => await store.OpenStreamAsync(Rows.Orders, new() { Partitions = 1 })),
        ("find group", async store => await store.FindGroupAsync(Main)),
        ("beat", async store => await store.HeartbeatAsync(new(Main, "m", "one", TimeSpan.FromSeconds(10)))),
        ("read", async store => await store.ReadAsync(new ReadRequest(Rows.Orders, 0, 1) { Reader = "reader" })),
        ("read results", async store => await store.ReadAsync(new ReadRequest(Rows.Results, 0, 1))),
        ("list waiting", async store => await store.ListWaitingAsync(Main, 0)),
        ("list dead", async store => await store.ListDeadAsync(Main)),
        ("list dead of a node", async store => await store.ListDeadAsync(Main, "node")),
        ("read state", async store => await store.ReadStateAsync(Main, 0, "node", ["k1", "k2"])),
        ("list state", async store => await store.ListStateAsync(Main, 0, "node")),
        ("append", async store => await AppendAsync(store, "p", 13, 5, "x", "y")),
        ("lease", async store => await store.LeaseAsync(new([new(Main, 0, Epoch(2))]))),
        ("reserve", async store => await store.ReserveAsync(new(Main, 0, Epoch(2)), Rows.Results, 1, 1)),
        ("commit", async store =>
        {
            using EntryBatch output = Rows.Batch("out"), derived = Rows.Batch("derived");
            await store.CommitAsync(new(new(Main, 0, Epoch(2)), 4)
            {
                Settled = [new(9, 9)],
                Deferred = [new(10, 1, TimeSpan.FromSeconds(1)) { Node = "node", Error = "why" }],
                Dead = [],
                Derived = derived,
                State = [new("node", "k1", 1, new byte[] { 9 })],
                FileLengths = [new("file", 20)],
                Outputs = [new(Rows.Results, output) { ReservedItems = 1 }],
                Cursors = [new(Rows.Orders, "reader", 0, 3)],
                Batches = [new("batch") { Ended = 1 }],
            });
        }),
        ("take", async store => await store.AcquireAsync(Main, 0, new("n"))),
        ("take quarantine", async store => await store.AcquireQuarantineAsync(Main, "n", Epoch(1))),
        ("lease a suspect", async store
            => await store.LeaseAsync(new([new(Main, 0, Epoch(3))]) { Quarantine = new(Main, Epoch(2)) })),
        ("lease again", async store => await store.LeaseAsync(new([new(Main, 0, Epoch(3))]))),
        ("release", async store => await store.ReleaseAsync(new(Main, 0, Epoch(3)))),
        ("release quarantine", async store => await store.ReleaseQuarantineAsync(new(Main, Epoch(2)))),
        ("redrive", async store => await store.RedriveAsync(Main, [1])),
        ("delete dead", async store => await store.DeleteDeadAsync(Main, [2])),
        ("open producer", async store => await store.OpenProducerAsync(Rows.Orders, "p")),
        ("open reader", async store => await store.OpenReaderAsync(Rows.Orders, "late")),
        ("move reader", async store => await store.MoveReaderAsync(new(Rows.Orders, "reader", 0, 5))),
        ("close reader", async store => await store.CloseReaderAsync(Rows.Orders, "reader")),
        ("add group", async store => await store.AddGroupAsync(new(Rows.Orders, "third"))),
        ("leave", async store => await store.LeaveAsync(Main, "m", "one")),
        ("check", async store => await store.CheckAsync()),
        ("end stream", async store => await store.EndStreamAsync(Rows.Results, StreamEnd.Complete)),
        ("remove group", async store => await store.RemoveGroupAsync(Main)),
        ("delete stream", async store => await store.DeleteStreamAsync(Rows.Orders)),
        ("delete results", async store => await store.DeleteStreamAsync(Rows.Results)),
    ];

    /// <summary>Whether a failed call changes nothing. A call that sweeps, or consists of several calls, may have done a part.</summary>
    public static bool IsAtomic(string name) => name is "append" or "commit" or "lease" or "lease a suspect" or "reserve" or "redrive";

    /// <summary>One partition with entries that have ended in order and out of it, are in flight, retried, parked, suspect, dead; with
    /// state, files, readers, producers, batches and reserved room.</summary>
    public static async Task FillAsync(IStreamStore store)
    {
        await store.PrepareAsync();
        await store.AddGroupAsync(Other);
        await store.OpenReaderAsync(Rows.Orders, "reader", new() { IdleTimeout = TimeSpan.FromHours(1), AppliesBackpressure = true });
        for (int i = 1; i <= 3; i++) await AppendAsync(store, "p", (4 * i) - 3, i, [.. Enumerable.Range(0, 4).Select(n => $"{i}.{n}")]);
        await AppendAsync(store, "key", 1, 1, "idempotent");
        Ownership owner = (await store.AcquireAsync(Main, 0, new("m"))).Ownership;
        Assert.Equal(Epoch(1), owner.Epoch);
        Assert.Equal(8, (await store.LeaseAsync(new([owner]) { MaxItems = 8 })).Batches.Single().Entries.Length);
        using EntryBatch output = Rows.Batch("out"), derived = Rows.Batch("derived");
        await CommitAsync(store, new(owner, 1)
        {
            Settled = [new(1, 1), new(5, 5)],
            Deferred = [new(2, 1, TimeSpan.Zero) { Node = "node", Error = "why" }, new(4, 1, TimeSpan.FromHours(1)), new(6, 1, null)],
            Derived = derived,
            State = [new("node", "k1", 1, new byte[] { 1 }), new("node", "k2", 1, new byte[] { 2 })],
            FileLengths = [new("file", 10)],
            Outputs = [new(Rows.Results, output)],
            Batches = [new("batch") { Accepted = 3, Ended = 1, MarkerStreams = [Rows.Results] }],
        });
        await CommitAsync(store, new(owner, 2)
        {
            Settled = [new(3, 3), new(8, 8)],
            Dead = [new(3, "node", "dead", 2), new(8, "node", "dead", 2)]
        });
        await CommitAsync(store, new(owner, 3) { State = [new("node", "k3", 1, new byte[] { 3 })] });
        // The next owner makes 7 a suspect, then leases more entries, which are in flight.
        owner = (await store.AcquireAsync(Main, 0, new("m"))).Ownership;
        Assert.Equal(4, (await store.LeaseAsync(new([owner]) { MaxItems = 4 })).Batches.Single().Entries.Length);
        await store.ReserveAsync(owner, Rows.Results, 2, 20);
        await store.HeartbeatAsync(new(Main, "m", "one", TimeSpan.FromSeconds(10)));
        await store.AcquireQuarantineAsync(Main, "m", 0);
    }

    private static async Task CommitAsync(IStreamStore store, StoreCommit commit)
    {
        CommitResult result = await store.CommitAsync(commit);
        Assert.True(result.Status == CommitStatus.Committed, $"{result}");
    }

    private static async Task AppendAsync(IStreamStore store, string producer, long sequence, long position, params string[] payloads)
    {
        using EntryBatch batch = Rows.Batch(payloads);
        AppendResult result = await store.AppendAsync(new(Rows.Orders, producer, 0, sequence, batch)
        {
            Position = new[] { (byte)position },
            ForgetAfter = producer == "key" ? TimeSpan.FromHours(1) : null
        });
        // The store does not notice a removed producer. A sender does, because it has more acknowledgements than the store knows.
        if (result.Status == AppendStatus.Gap) throw new StreamStoreException(
            $"The producer {producer} of {Rows.Orders} is not known up to {sequence - 1}: {result}");
        if (result.Status != AppendStatus.Accepted) throw new InvalidOperationException($"{result}");
    }
}
