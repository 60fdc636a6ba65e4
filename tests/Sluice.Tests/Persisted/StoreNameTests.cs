using System.Collections.Concurrent;
using System.Text;
using System.Text.RegularExpressions;
using Sluice.Flows;
using Sluice.Storage;
using Sluice.Testing;
using Sluice.Tests.Delivery;

namespace Sluice.Tests.Persisted;

/// <summary>All names that consecutors and flows use in a store: streams, producers, groups, members, readers and rows of state.</summary>
public partial class StoreNameTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AConsecutorUsesFixedNamesInTheStore()
    {
        await using var inner = new MemoryStreamStore();
        var store = new NotingStore(inner);
        await using (var consecutor = new Consecutor<int>("c", static source => source | StageNode.Of(static () => new Late())
            | Stage.Named("late") | (static _ => { }),
            new() { Store = store, InstanceId = "m", Stream = new() { Partitions = 1 } })
        { Key = static _ => "key" })
        {
            await consecutor.StartAsync(Cancellation);
            await consecutor.SendAsync(1, Cancellation);
            await consecutor.TrySendAsync(2, cancellation: Cancellation);
            await consecutor.TrySendAsync(3, new() { IdempotencyKey = "once" }, Cancellation);
            await consecutor.TrySendAsync(4, new() { IdempotencyKey = "once" }, Cancellation);
            ConsecutorBatch<int> batch = await consecutor.OpenBatchAsync("b", Cancellation);
            await batch.SendAsync(5, Cancellation);
            await batch.CloseAsync(Cancellation);
            await (Source.From([6]) | consecutor).RunAsync(cancellation: Cancellation);
            await (Source.Resumable("tape", [7]) | consecutor).RunAsync(cancellation: Cancellation);
            await consecutor.CompleteAsync(Cancellation);
            await consecutor.WaitForIdleAsync(Cancellation);
        }
        Is(store,
        [
            "stream | c", "group | c | c", "member | c | c | m", "batch | c/b",
            "producer | c | m/send", "producer | c | m/try", "producer | c | m/batch-1", "producer | c | m/intake-1",
            "producer | c | $key/once", "producer | c | batch-end/b", "producer | c | tape",
            "row | $books |  | ", "row | $clock |  | ", "row | $clock | number | ", "row | $end | late | ",
            "row | $nodes | late | node of int",
            "row | $timers/late | key | ", "row | $due/late | #/# | ", "row | late | key | ",
        ]);
    }

    /// <summary>Stages store the items they hold in rows of their own keys.</summary>
    [Fact]
    public async Task StagesUseFixedStateRowsInTheStore()
    {
        var hour = TimeSpan.FromHours(1);
        var time = new EventTime<int>(static n => DateTimeOffset.UnixEpoch.AddSeconds(n)) { MaxOutOfOrderness = hour };
        await using var inner = new MemoryStreamStore();
        var store = new NotingStore(inner);
        await using (var consecutor = new Consecutor<int>("c", source => source.Broadcast(
                items => (items.Chunk(10, hour) | Stage.Named("chunk")).Select(static _ => 0),
                items => (items.GroupBy(static n => n) | Stage.Named("group")).Select(static _ => 0),
                items => (items.Window(hour) | Stage.Named("window")).Select(static _ => 0),
                items => (items.Window(time, hour) | Stage.Named("event")).Select(static _ => 0),
                items => items.Scan(0, static (sum, n) => sum + n) | Stage.Named("scan"),
                items => items.Distinct() | Stage.Named("distinct"),
                items => items.Join(static one => one, static other => other.Select(static n => -n), static n => n, static n => n,
                    static (one, _) => one)
                    | Stage.Named("join"))
            .ForEach(static _ => { }), new() { Store = store, InstanceId = "m", Stream = new() { Partitions = 1 } }))
        {
            await consecutor.StartAsync(Cancellation);
            await consecutor.SendAsync(1, Cancellation);
            await consecutor.WaitForIdleAsync(Cancellation);
        }
        Is(store,
        [
            "stream | c", "group | c | c", "member | c | c | m", "producer | c | m/send", "row | $books |  | ", "row | $clock |  | ",
            "row | $nodes | chunk | chunk of int", "row | $nodes | distinct | distinct of int",
            "row | $nodes | event | event-time sliding window of int",
            "row | $nodes | group | group of int", "row | $nodes | join | join of (int, int)", "row | $nodes | scan | scan of int",
            "row | $nodes | window | sliding window of int",
            "row | chunk | # | ", "row | chunk | began | ", "row | distinct | # | ", "row | group | # | ", "row | scan |  | ",
            "row | event | #/head | ", "row | event | #/items/# | ", "row | event | marks | ", "row | window | #/head | ",
            "row | window | #/items# | ",
            "row | join | L/#/# | ", "row | join | R/#/# | ",
        ]);
    }

    [Fact]
    public async Task AFlowUsesFixedNamesInTheStore()
    {
        await using var inner = new MemoryStreamStore();
        var store = new NotingStore(inner);
        var doubles = new Processor("doubles") { Inputs = ["in", "more"], Outputs = ["out"] };
        await using (var service = Supervisor.Attach(store, new() { Name = "s" }))
        {
            service.Register(doubles, DoubleAsync);
            await using FlowRun run = await service.StartAsync(
                Flow.From(doubles).Resolve(), [IOVal.Of("in", 1), IOVal.Stream("more", Numbers())], run: "r", cancellation: Cancellation);
            await foreach (int _ in run.Output<int>("out").StreamAsync(Cancellation)) { }
            await run.Completion.WaitAsync(Cancellation);
        }
        Is(store,
        [
            "stream | flow/r", "stream | flow-io/r/in", "stream | flow-io/r/more", "stream | flow-io/r/out", "stream | work/doubles",
            "group | flow/r | starter", "member | flow/r | starter | s", "group | work/doubles | hosts",
            "member | work/doubles | hosts | s",
            "output | flow/r", "output | flow-io/r/in", "output | work/doubles",
            "producer | flow-io/r/more | start of r", "producer | flow-io/r/out | doubles",
            "reader | flow-io/r/in | processor doubles (gate)", "reader | flow-io/r/more | processor doubles (gate)",
            "reader | flow-io/r/out | result s (gate)", "row | work | r | ",
            "stream | flow-choices/r/doubles", "producer | flow-choices/r/doubles | doubles",
        ],
        "reader | flow-io/r/in | nobody", "reader | flow-io/r/more | nobody", "reader | flow-io/r/out | nobody");

        // The run lasts until its starter has sent a heartbeat: one that has ended before sends none.
        async IAsyncEnumerable<int> Numbers()
        {
            await Member.UntilAsync(() => store.Seen.Contains("member | flow/r | starter | s"));
            yield return 1;
        }
    }

    private static async Task DoubleAsync(IO<int> @in, IO<int> more, IOWriter<int> @out, CancellationToken cancellation)
    {
        await foreach ((string _, int n) in @in.Merge([more], cancellation)) await @out.WriteAsync(2 * n, cancellation);
    }

    /// <param name="store">What has noted the names.</param>
    /// <param name="always">The names that must be there.</param>
    /// <param name="sometimes">Names that are there if the run lasts long enough.</param>
    private static void Is(NotingStore store, string[] always, params string[] sometimes)
        => Assert.Equal(always.Order(StringComparer.Ordinal), store.Seen.Except(sometimes));

    [GeneratedRegex("[0-9a-f]{32}")]
    private static partial Regex Unique();

    [GeneratedRegex("[0-9]{18,19}")]
    private static partial Regex Number();

    private sealed class Late : TimedStageNode<int, int, int>
    {
        protected override ValueTask ProcessAsync(int item, Output<int> output, CancellationToken cancellation)
        {
            State = item;
            Timers.Set(TimeSpan.FromHours(1));
            return output.PushAsync(item);
        }

        protected override ValueTask OnTimerAsync(string timer, Output<int> output, CancellationToken cancellation) => default;
    }

    /// <summary>Notes what is called by which name; numbers and unique texts in the names are left out.</summary>
    private sealed class NotingStore(IStreamStore inner) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        private readonly ConcurrentDictionary<string, bool> seen = new(StringComparer.Ordinal);

        public string[] Seen => [.. seen.Keys.Order(StringComparer.Ordinal)];

        public override ValueTask<StreamInfo> OpenStreamAsync(string stream, StreamOptions? options = null,
            CancellationToken cancellation = default)
        {
            Note("stream", stream);
            return base.OpenStreamAsync(stream, options, cancellation);
        }

        public override ValueTask<ProducerState> OpenProducerAsync(string stream, string producer,
            CancellationToken cancellation = default)
        {
            Note("producer", stream, producer);
            return base.OpenProducerAsync(stream, producer, cancellation);
        }

        public override ValueTask<AppendResult> AppendAsync(AppendRequest request, CancellationToken cancellation = default)
        {
            Note("producer", request.Stream, request.Producer);
            foreach (BatchChange batch in request.Batches) Note("batch", batch.Batch);
            return base.AppendAsync(request, cancellation);
        }

        public override ValueTask AddGroupAsync(GroupId group, StreamStart start = StreamStart.First,
            CancellationToken cancellation = default)
        {
            Note("group", group.Stream, group.Name);
            return base.AddGroupAsync(group, start, cancellation);
        }

        public override ValueTask<ReaderInfo> OpenReaderAsync(string stream, string reader, ReaderOptions? options = null,
            CancellationToken cancellation = default)
        {
            Note("reader", stream, reader);
            return base.OpenReaderAsync(stream, reader, options, cancellation);
        }

        public override ValueTask<HeartbeatResult> HeartbeatAsync(HeartbeatRequest request, CancellationToken cancellation = default)
        {
            Note("member", request.Group.Stream, request.Group.Name, request.Member);
            return base.HeartbeatAsync(request, cancellation);
        }

        public override ValueTask<CommitResult> CommitAsync(StoreCommit commit, CancellationToken cancellation = default)
        {
            foreach (StateRow row in commit.State) Note("row", row.Node, row.Key,
                row is { Node: "$nodes", Value: { } shape } ? Encoding.UTF8.GetString(shape.Span) : "");
            foreach (CommitOutput output in commit.Outputs) Note("output", output.Stream);
            return base.CommitAsync(commit, cancellation);
        }

        private void Note(params string[] names) => seen[Number().Replace(Unique().Replace(string.Join(" | ", names), "*"), "#")] = true;
    }
}
