using System.Text;
using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Topologies;

namespace Sluice.Tests.Delivery;

/// <summary>Stored state that is misused, migrated, listed, or larger than a commit.</summary>
public partial class StateTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public void AStageThatCannotStoreItsStateIsRefusedWithTheReason()
    {
        string nameless = Refusal(source => source.Scan(0, (sum, n) => sum + n) | (_ => { }));
        Assert.Contains("keeps state in a consecutor, and needs a name of its own: its state outlives the code", nameless,
            StringComparison.Ordinal);
        var time = new EventTime<int>(static n => DateTimeOffset.UnixEpoch.AddSeconds(n));
        string lanes = Refusal(source => (source | Stage.KeyBy((int n) => n % 3)).Window(time, TimeSpan.FromHours(1)) | Stage.Named("hours")
            | (_ => { }));
        Assert.Contains("The window hours cannot stand in lanes in a consecutor", lanes, StringComparison.Ordinal);
        string none = Refusal(source => source.Scan(0, (sum, n) => sum + n) | Stage.Named("sum") | (_ => { }),
            Sluice.DeliveryGuarantee.None);
        Assert.Contains("keeps state, and DeliveryGuarantee.None settles items before they are started", none, StringComparison.Ordinal);

        string ending = Refusal(source => source | Sluice.StageNode.Of(() => new Ending()) | (_ => { }));
        Assert.Contains("The node Ending does not fit into a consecutor: it may hold something until EndAsync", ending,
            StringComparison.Ordinal);
        string sink = Refusal(source => source | Sluice.StageNode.Of(() => new EndingSink()));
        Assert.Contains("The sink EndingSink does not fit into a consecutor: it may hold something until EndAsync", sink,
            StringComparison.Ordinal);

        static string Refusal(Func<Source<int>, Pipeline> body, Sluice.DeliveryGuarantee? delivery = null)
            => Assert.Throws<InvalidTopologyException>(() => new Consecutor<int>("numbers", body,
            new() { Delivery = delivery ?? Sluice.DeliveryGuarantee.Replay(1) })).Message;
    }

    /// <summary>A window becomes an item of its own once a stage behind it fails. That would be too late to find out that the window cannot
    /// be written.</summary>
    [Fact]
    public void AWindowTypeUnknownToTheSerializerIsRefusedAtConstruction()
    {
        PayloadException failure = Assert.Throws<PayloadException>(() => new Consecutor<int>("numbers",
            source => source.Window(TimeSpan.FromHours(1)) | Stage.Named("hours") | (_ => { }),
                new() { Serializers = PayloadSerializers.JsonOf(NumbersJson.Default) }));
        Assert.StartsWith(
            "What hours in the consecutor numbers puts out is stored as an item of its own where something behind it fails. "
            + "NumbersJson does not know Window<int>: add [JsonSerializable(typeof(Window<int>))] to it.", failure.Message,
            StringComparison.Ordinal);
        _ = new Consecutor<int>("numbers", source => source.Scan(0, (sum, n) => sum + n) | Stage.Named("sum") | (_ => { }),
            new() { Serializers = PayloadSerializers.JsonOf(NumbersJson.Default) });
    }

    [Fact]
    public async Task AnItemWhoseKeyBelongsToAnotherPartitionIsDeadLettered()
    {
        await using var consecutor = new Consecutor<int>("numbers",
            source => source | Stage.KeyBy((int n) => $"{n}") | Sluice.StageNode.Of(() => new Count()) | Stage.Named("count") | (_ => { }),
            new() { Delivery = Sluice.DeliveryGuarantee.Track(100), Process = new() })
        { Key = static _ => "all" };
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAllAsync(Enumerable.Range(0, 20).ToList(), Cancellation);
        ConsecutorSnapshot end = await consecutor.WaitForIdleAsync(Cancellation);
        Assert.InRange(end.Dead, 15, 20);
        DeadLetter letter = await consecutor.ListDeadLettersAsync(Cancellation).FirstAsync(Cancellation);
        Assert.Contains("and the item was accepted in partition", letter.Error, StringComparison.Ordinal);
        Assert.Contains("Give the consecutor the same key (Consecutor.Key)", letter.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ListStateReadsTheStoredStateOfANode()
    {
        await using var store = new MemoryStreamStore();
        await using Consecutor<int> consecutor = Counting(store);
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAllAsync(Enumerable.Range(0, 30).ToList(), Cancellation);
        await consecutor.WaitForIdleAsync(Cancellation);

        List<KeyValuePair<string, int>> counts = await consecutor.ListStateAsync<int>("count", Cancellation).ToListAsync(Cancellation);
        Assert.Equal(["0=10", "1=10", "2=10"], counts.Select(static count => $"{count.Key}={count.Value}").Order());
        List<StoredState> stored = await consecutor.ListStateAsync("count", Cancellation).ToListAsync(Cancellation);
        Assert.All(stored, static state => Assert.Equal(("10", 0, EntryKey.Of(state.Key).PartitionOf(64)),
            (Encoding.UTF8.GetString(state.Payload.Span), state.Version, state.Partition)));
        ArgumentException unknown = await Assert.ThrowsAsync<ArgumentException>(async () => await consecutor.ListStateAsync("cuont",
            Cancellation).FirstAsync(Cancellation));
        Assert.Contains("The consecutor numbers has no node 'cuont'. It has numbers, count,", unknown.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task StateOfAnotherVersionIsMigratedOrRefusedByName()
    {
        await using var store = new MemoryStreamStore();
        await using (Consecutor<int> first = Counting(store))
        {
            await first.StartAsync(Cancellation);
            await first.SendAllAsync(Enumerable.Range(0, 3).ToList(), Cancellation);
            await first.WaitForIdleAsync(Cancellation);
        }
        await using (var strange = New(() => new CountInWords(migrates: false)))
        {
            await strange.StartAsync(Cancellation);
            await strange.SendAsync(0, Cancellation);
            InvalidOperationException failure = await Assert.ThrowsAsync<InvalidOperationException>(() => strange.Completion);
            Assert.Contains("The state of count in partition", failure.Message, StringComparison.Ordinal);
            Assert.Contains("was stored as version 0, and this is version 2 of CountInWords. Override Migrate to read it.", failure.Message,
                StringComparison.Ordinal);
        }
        await using var second = New(() => new CountInWords(migrates: true));
        await second.StartAsync(Cancellation);
        await second.WaitForIdleAsync(Cancellation);
        Assert.Equal(["0=xx", "1=1", "2=1"], (await second.ListStateAsync("count", Cancellation)
            .ToListAsync(Cancellation)).Select(static state => $"{state.Key}={Encoding.UTF8.GetString(state.Payload.Span).Trim('"')}")
            .Order());

        Consecutor<int> New(Func<CountInWords> node)
            => new("numbers", source => source | Sluice.StageNode.Of(node) | Stage.Named("count") | (_ => { }),
            new() { Store = store, Process = new() })
            { Key = static n => $"{n % 3}" };
    }

    [Fact]
    public async Task OutputsOfAScanBeyondTheLimitOfACommitAreAllCommitted()
    {
        await using var store = new MemoryStreamStore();
        await store.OpenStreamAsync("out", new() { Partitions = 1 }, Cancellation);
        await using var consecutor = new Consecutor<int>("numbers",
            source => source.Scan(0, static (sum, n) => sum + (n > 0 ? 1 : 0)) | Stage.Named("count")
                | Sink.Commit(() => new Copies(store)),
            new() { Store = store, Process = new(), Delivery = Sluice.DeliveryGuarantee.Replay(2, Backoff.None) });
        await consecutor.SendAllAsync(Enumerable.Repeat(1, 40).ToList(), Cancellation);
        await consecutor.StartAsync(Cancellation);
        ConsecutorSnapshot end = await consecutor.WaitForIdleAsync(Cancellation);
        Assert.Equal((40L, 40L, 0L, 0L), (end.Accepted, end.Completed, end.Dead, end.Unaccounted));
        ReadResult read = await store.ReadAsync(new("out", 0, 1) { MaxItems = 100_000 }, Cancellation);
        Assert.Equal(Enumerable.Range(1, 40).Sum(static count => count * 33), read.Entries.Length);
    }

    private static Consecutor<int> Counting(IStreamStore store)
        => new("numbers", source => source | Sluice.StageNode.Of(() => new Count()) | Stage.Named("count") | (_ => { }),
        new() { Store = store, Process = new() })
        { Key = static n => $"{n % 3}" };

    [System.Text.Json.Serialization.JsonSerializable(typeof(int))]
    private sealed partial class NumbersJson : System.Text.Json.Serialization.JsonSerializerContext;

    private sealed class Ending : StageNode<int, int>
    {
        protected override ValueTask ProcessAsync(int item, Output<int> output, CancellationToken cancellation) => default;

        protected override ValueTask EndAsync(Output<int> output, CancellationToken cancellation) => output.PushAsync(1);
    }

    private sealed class EndingSink : SinkNode<int>
    {
        protected override ValueTask ProcessAsync(int item, CancellationToken cancellation) => default;

        protected override ValueTask EndAsync(CancellationToken cancellation) => default;
    }

    private sealed class Count : StatefulStageNode<int, int, int>
    {
        protected override ValueTask ProcessAsync(int item, Output<int> output, CancellationToken cancellation)
            => output.PushAsync(++State);
    }

    private sealed class CountInWords(bool migrates) : StatefulStageNode<int, string, string>
    {
        protected override int StateVersion => 2;

        protected override string InitialState(string key) => "";

        protected override string Migrate(StoredState stored)
            => migrates ? new('x', int.Parse(Encoding.UTF8.GetString(stored.Payload.Span))) : base.Migrate(stored);

        protected override ValueTask ProcessAsync(int item, Output<string> output, CancellationToken cancellation)
            => output.PushAsync(State += "x");
    }

    /// <summary>Appends as many entries as the item says, times 33.</summary>
    private sealed class Copies(IStreamStore store) : TransactionalSink<int>
    {
        protected override ValueTask BeginAsync(SinkState state, CancellationToken cancellation) => default;

        protected override ValueTask PrepareAsync(SinkCommit<int> commit, CancellationToken cancellation)
        {
            Assert.NotNull(store);
            var entries = new EntryBatch();
            foreach (StagedItem<int> item in commit.Items)
                for (int i = 0; i < item.Value * 33; i++) entries.Add("x"u8);
            commit.Append(new("out", entries));
            return default;
        }
    }
}
