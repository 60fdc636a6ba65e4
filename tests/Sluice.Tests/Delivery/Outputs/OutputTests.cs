using Sluice.Diagnostics;
using Sluice.Storage;

namespace Sluice.Tests.Delivery;

/// <summary>Named outputs of consecutors, wired to another consecutor or to none.</summary>
public class OutputTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AnOutputOfAPlainRunIsReadFromTheRun()
    {
        Pipeline pipeline = Source.From(Enumerable.Range(0, 5)) | [Sink.Output<int>("all"), Sink.Output<int>("unread")];
        await using PipelineRun run = pipeline.Start(new RunOptions { Outputs = ["all"] }, Cancellation);
        List<int> read = [];
        await foreach (int n in run.Output<int>("all").ReadAllAsync(Cancellation)) read.Add(n);
        await run.Completion;
        Assert.Equal([0, 1, 2, 3, 4], read);
        Assert.Equal(new(5, 0), run.Snapshot().Outputs["all"]);
        Assert.Equal(new(5, 5), run.Snapshot().Outputs["unread"]);
    }

    [Fact]
    public async Task TheTargetProcessesAnOutputAndUnwiredOutputsAreCounted()
    {
        await using var store = new MemoryStreamStore();
        var ledger = new Ledger();
        await using var first = new Consecutor<int>("first", source => source | StageNode.Of(() => new Sorter()) | Sink.Output<int>("even"),
            Options(store));
        await using var second = new Consecutor<int>("second", source => source | (n => $"{n}") | ledger.Sink<string>(), Options(store));
        first.Output<int>("even").To(second);
        await second.StartAsync(Cancellation);
        await first.StartAsync(Cancellation);
        await first.SendAllAsync([.. Enumerable.Range(0, 100)], Cancellation);
        ConsecutorSnapshot one = await first.WaitForIdleAsync(Cancellation);
        ConsecutorSnapshot two = await second.WaitForIdleAsync(Cancellation);
        Assert.Equal(Numbers(Enumerable.Range(0, 50).Select(n => 2 * n)), ledger.Lines.Order());
        Assert.Equal((100L, 100L, 0L), (one.Accepted, one.Completed, one.Unaccounted));
        Assert.Equal((50L, 50L, 0L), (two.Accepted, two.Completed, two.Unaccounted));
        Assert.Equal((new OutputCounts(50, 0), new OutputCounts(50, 50)), (one.Outputs["even"], one.Outputs["odd"]));
        Assert.Contains("output odd: 50 written, 50 of them discarded", one.ToString());
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public async Task OutputsOfFailedAttemptsAreDiscarded(bool retriesInPlace, bool hasKey)
    {
        await using var store = new MemoryStreamStore();
        var ledger = new Ledger();
        HashSet<int> failed = [];
        await using var first = new Consecutor<int>("first", source => retriesInPlace
            ? source | StageNode.Of(() => new Failing(failed)) | Stage.Retry(3, Backoff.None) | (_ => { })
            : source | StageNode.Of(() => new Failing(failed)) | (_ => { }), Options(store))
        { Key = hasKey ? n => $"{n % 3}" : null };
        await using var second = new Consecutor<int>("second", source => source | (n => $"{n}") | ledger.Sink<string>(), Options(store));
        first.Output<int>("all").To(second);
        await first.StartAsync(Cancellation);
        await second.StartAsync(Cancellation);
        await first.SendAllAsync([.. Enumerable.Range(0, 20)], Cancellation);
        ConsecutorSnapshot one = await first.WaitForIdleAsync(Cancellation);
        await second.WaitForIdleAsync(Cancellation);
        Assert.Equal((20L, 0L), (one.Completed, one.Dead));
        Assert.Equal(20, failed.Count);
        Assert.Equal(Numbers(Enumerable.Range(0, 20)), ledger.Lines.Order());
    }

    [Fact]
    public async Task SeveralOutputsCanLeadToOneConsecutor()
    {
        await using var store = new MemoryStreamStore();
        var ledger = new Ledger();
        ConsecutorOptions keyed = Options(store) with { Stream = new() { Partitions = 8 } };
        await using var left = new Consecutor<int>("left", source => source | Sink.Output<int>("out"), Options(store));
        await using var right = new Consecutor<int>("right", source => source | Sink.Output<int>("out"), Options(store));
        await using var both = new Consecutor<int>("both", source => source | (n => $"{n}") | ledger.Sink<string>(),
            keyed)
        { Key = n => $"{n % 4}" };
        both.From([left.Output<int>("out"), right.Output<int>("out")]);
        await left.SendAllAsync([.. Enumerable.Range(0, 40)], Cancellation);
        await right.SendAllAsync([.. Enumerable.Range(100, 40)], Cancellation);
        foreach (Consecutor<int> consecutor in (Consecutor<int>[])[both, left, right]) await consecutor.StartAsync(Cancellation);
        foreach (Consecutor<int> consecutor in (Consecutor<int>[])[left, right, both]) await consecutor.WaitForIdleAsync(Cancellation);
        Assert.Equal(Numbers(Enumerable.Range(0, 40).Concat(Enumerable.Range(100, 40))), ledger.Lines.Order());
        GroupInfo group = (await store.FindGroupAsync(new("both", "both"), Cancellation))!;
        Assert.Equal(8, group.Partitions.Count);
        Assert.All(group.Partitions, partition => Assert.Equal((partition.Tail, 0), (partition.Done, partition.Waiting)));
        Assert.Equal(80, group.Partitions.Sum(partition => partition.Tail));
    }

    [Fact]
    public async Task AnOutputOfTheWrongTypeFailsAtTheNodeThatWritesIt()
    {
        await using var store = new MemoryStreamStore();
        await using var first = new Consecutor<int>("first", source => source | StageNode.Of(() => new TwoTypes()) | (_ => { }),
            Options(store) with { Delivery = DeliveryGuarantee.Replay(0) });
        await using var second = new Consecutor<string>("second", source => source | (_ => { }), Options(store));
        first.Output<string>("odd").To(second);      // either type may come
        await first.StartAsync(Cancellation);
        await first.SendAllAsync([1, 2], Cancellation);
        ConsecutorSnapshot end = await first.WaitForIdleAsync(Cancellation);
        Assert.Equal((1L, 1L), (end.Completed, end.Dead));
        DeadLetter letter = Assert.Single(await first.ListDeadLettersAsync(Cancellation).ToListAsync(Cancellation));
        Assert.Equal("TwoTypes", letter.Node);
        Assert.Contains("The output 'odd' of first leads to second, which takes string, and was given a int.", letter.Error);
    }

    private sealed class TwoTypes : StageNode<int, int>
    {
        private readonly NamedOutput<int> numbers = new("odd");
        private readonly NamedOutput<string> texts = new("odd");

        protected override ValueTask ProcessAsync(int item, Output<int> output, CancellationToken cancellation)
            => item % 2 == 1 ? output.PushAsync(numbers, item) : output.PushAsync(texts, $"{item}");
    }

    [Fact]
    public async Task OutputsBeyondTheLimitOfACommitAreAllDelivered()
    {
        await using var store = new MemoryStreamStore();
        await using var first = new Consecutor<int>("first",
            source => source.SelectMany(n => Enumerable.Range(0, n)) | Sink.Output<int>("parts"),
                Options(store) with { Delivery = DeliveryGuarantee.Replay(1, Backoff.None) });
        await using var second = new Consecutor<int>("second", source => source | (_ => { }), Options(store));
        first.Output<int>("parts").To(second);
        await second.StartAsync(Cancellation);
        await first.SendAllAsync([.. Enumerable.Repeat(300, 20), 999, 1001], Cancellation);
        await first.StartAsync(Cancellation);
        ConsecutorSnapshot one = await first.WaitForIdleAsync(Cancellation);
        ConsecutorSnapshot two = await second.WaitForIdleAsync(Cancellation);
        Assert.Equal((22L, 0L, 0L), (one.Completed, one.Dead, one.Unaccounted));
        Assert.Equal(8000, two.Completed);
    }

    private static ConsecutorOptions Options(IStreamStore store)
        => new()
        {
            Store = store,
            Delivery = DeliveryGuarantee.Replay(3, Backoff.None),
            Stream = new() { Partitions = 2 },
            Process = new()
        };

    private static IEnumerable<string> Numbers(IEnumerable<int> numbers) => numbers.Select(n => $"{n}").Order();

    private sealed class Sorter : StageNode<int, int>
    {
        private readonly NamedOutput<int> odd = new("odd");

        protected override ValueTask ProcessAsync(int item, Output<int> output, CancellationToken cancellation)
            => item % 2 == 0 ? output.PushAsync(item) : output.PushAsync(odd, item);
    }

    private sealed class Failing(HashSet<int> failed) : StageNode<int, int>
    {
        private readonly NamedOutput<int> all = new("all");

        protected override async ValueTask ProcessAsync(int item, Output<int> output, CancellationToken cancellation)
        {
            await output.PushAsync(all, item);
            bool isFirst;
            lock (failed) isFirst = failed.Add(item);
            if (isFirst) throw new TimeoutException("not now");
        }
    }
}
