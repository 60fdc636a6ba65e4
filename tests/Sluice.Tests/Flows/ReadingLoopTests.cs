using Sluice.Flows;
using Sluice.Storage;

namespace Sluice.Tests.Flows;

/// <summary>Several reading loops in one processor, and where each of them resumes.</summary>
public class ReadingLoopTests
{
    private static readonly Processor Items = new("items") { Inputs = ["a", "b"], Outputs = ["y"], Resume = ResumeMode.PerItem };

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task NestedLoopsFailAPerItemProcessorEvenIfTheErrorIsCaught(bool isCaught)
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        service.Register(Items, async (IO<int> a, IO<int> b, IOWriter<int> y) =>
        {
            await foreach (int _ in a.StreamAsync())
            {
                try
                {
                    await foreach (int value in b.StreamAsync()) await y.WriteAsync(value);
                }
                catch (FlowException) when (isCaught)
                {
                    break;
                }
            }
        });
        await using FlowRun run = await service.StartAsync(Flow.From(Items).Resolve(), [IOVal.Of("a", 1), IOVal.Of("b", 1)],
            cancellation: FlowLab.Cancellation);
        var failure = await Assert.ThrowsAsync<FlowException>(() => run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation));
        Assert.EndsWith(
            "The processor items reads b while it reads a. It resumes per item, and would be committed in the middle of items. Read them "
                + "together (Zip, Merge), one behind the other, or let it resume from scratch.",
            failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task APerItemProcessorMayReadOneStreamAfterAnother()
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        service.Register(Items, async (IO<int> a, IO<int> b, IOWriter<int> y) =>
        {
            await foreach (int value in a.StreamAsync()) await y.WriteAsync(value + await b.FirstAsync());
            await foreach (int value in b.StreamAsync()) await y.WriteAsync(value);
        });
        await using FlowRun run = await service.StartAsync(Flow.From(Items).Resolve(),
            [IOVal.Of("a", 1), IOVal.Of("a", 2), IOVal.Of("b", 10)], cancellation: FlowLab.Cancellation);
        Assert.Equal([11, 12, 10], await FlowLab.ReadAsync(run.Output<int>("y")));
    }

    [Theory]
    [InlineData(ResumeMode.PerItem, -1)]
    [InlineData(ResumeMode.Checkpoint, 55)]
    public async Task AnOutputAfterTheLastItemIsWrittenOnce(ResumeMode resume, int expected)
    {
        await using var lab = new FlowLab();
        var work = new Processor("work") { Inputs = ["x"], Outputs = ["y"], Resume = resume };
        var store = new HookedStore(lab.Store);
        var dead = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        store.BeforeCommit = commit =>
        {
            if (commit.Ends.Count > 0 && commit.Owner.Group.Stream == "work/work") store.IsAway = dead.TrySetResult();
            return Task.CompletedTask;
        };
        Supervisor first = lab.Join(options => options with { Name = "host" }, store);
        Register(first);
        await using FlowRun run = await lab.Join().StartAsync(Flow.From(work).Resolve(),
            Enumerable.Range(1, 10).Select(i => IOVal.Of("x", i)), cancellation: FlowLab.Cancellation);
        await dead.Task.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        await first.AbandonAsync();
        Register(lab.Join(options => options with { Name = "host" }));
        Assert.Equal([expected], await FlowLab.ReadAsync(run.Output<int>("y")));

        void Register(Supervisor service)
        {
            if (resume == ResumeMode.PerItem)
                service.Register(work, async (IO<int> x, IOWriter<int> y, CancellationToken cancellation) =>
                {
                    await foreach (int _ in x.StreamAsync(cancellation)) { }
                    await y.WriteAsync(-1, cancellation);
                });
            else
                service.Register(work, async (IO<int> x, IOWriter<int> y, Checkpoint<int> sum, CancellationToken cancellation) =>
                {
                    int now = sum.Value, count = 0;
                    await foreach (int value in x.StreamAsync(cancellation))
                    {
                        now += value;
                        if (++count % 7 == 0) await sum.SaveAsync(now, cancellation);
                    }
                    await y.WriteAsync(now, cancellation);
                });
        }
    }

    [Fact]
    public async Task ACheckpointAfterABreakIncludesTheLastValueRead()
    {
        await using var lab = new FlowLab();
        var work = new Processor("work") { Inputs = ["x"], Outputs = ["y"], Resume = ResumeMode.Checkpoint };
        var saved = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Supervisor first = lab.Join();
        Register(first, isFirst: true);
        await using FlowRun run = await lab.Join().StartAsync(Flow.From(work).Resolve(),
            Enumerable.Range(1, 10).Select(i => IOVal.Of("x", i)), cancellation: FlowLab.Cancellation);
        await saved.Task.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        await first.DisposeAsync();
        Register(lab.Join(), isFirst: false);
        Assert.Equal([55], await FlowLab.ReadAsync(run.Output<int>("y")));

        void Register(Supervisor service, bool isFirst)
            => service.Register(work, async (IO<int> x, IOWriter<int> y, Checkpoint<int> sum, CancellationToken cancellation) =>
        {
            int now = sum.Value;
            await foreach (int value in x.StreamAsync(cancellation))
            {
                now += value;
                if (isFirst && value == 5) break;
            }
            await sum.SaveAsync(now, cancellation);
            if (isFirst)
            {
                saved.SetResult();
                await Task.Delay(Timeout.Infinite, cancellation);
            }
            await y.WriteAsync(now, cancellation);
        });
    }

    [Fact]
    public async Task APerItemReadingFromNewResumesWhereItBegan()
    {
        await using var lab = new FlowLab();
        var maker = new Processor("maker") { Inputs = ["go"], Outputs = ["b"] };
        var isPlaced = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var isInItem = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lab.Join().Register(maker, async (IOWriter<int> b) =>
        {
            await isPlaced.Task;
            await b.WriteAsync(1);
            await b.WriteAsync(2);
        });
        Supervisor first = lab.Join();
        Register(first, isFirst: true);
        await using FlowRun run = await lab.Join().StartAsync(Flow.From(maker, Items).Resolve(), [IOVal.Of("a", 1), IOVal.Of("go", 1)],
            run: "new", cancellation: FlowLab.Cancellation);
        int partition = EntryKey.Of("new").PartitionOf(WorkGroup.Partitions);
        await lab.UntilAsync("work/items", async () =>
            (await lab.Store.ReadStateAsync(new("work/items", "hosts"), partition, "work", ["new"], FlowLab.Cancellation))
            .Any(row => System.Text.Encoding.UTF8.GetString(row.Value!.Value.Span).Contains("\"b\":", StringComparison.Ordinal)));
        isPlaced.SetResult();
        await isInItem.Task.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        await first.DisposeAsync();
        Register(lab.Join(), isFirst: false);
        Assert.Equal([1, 2], await FlowLab.ReadAsync(run.Output<int>("y")));

        void Register(Supervisor service, bool isFirst)
            => service.Register(Items, async (IO<int> b, IOWriter<int> y, CancellationToken cancellation) =>
        {
            await foreach (int value in b.StreamAsync(ReadFrom.New, cancellation))
            {
                if (isFirst)
                {
                    isInItem.TrySetResult();
                    await Task.Delay(Timeout.Infinite, cancellation);
                }
                await y.WriteAsync(value, cancellation);
            }
        });
    }
}
