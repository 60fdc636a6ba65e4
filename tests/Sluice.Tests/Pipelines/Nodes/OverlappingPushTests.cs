using Sluice.Diagnostics;
using Sluice.Testing;

namespace Sluice.Tests.Pipelines;

/// <summary>Pushes of a node that overlap, are not awaited, or come from several threads. All items arrive in order, and the process
/// survives.</summary>
public class OverlappingPushTests
{
    private static readonly int Seeds = int.TryParse(Environment.GetEnvironmentVariable("SLUICE_PUSHES"), out int given) ? given : 300;

    [Fact]
    public async Task APushThatIsNotAwaitedStillWaitsForRoom()
    {
        List<int> seen = [];
        using var warned = new WarningListener();
        Pipeline pipeline = Source.From(Enumerable.Range(0, 10)) | StageNode.Of(() => new Careless()) | Stage.Named("careless")
            | Stage.Buffer(4) | SlowAsync | Stage.Buffer(1) | (n => seen.Add(n));
        RunSnapshot end = await pipeline.RunAsync(new RunOptions { TrackItems = true });
        Assert.Equal(Enumerable.Range(0, 1000), seen);
        Assert.Equal(10, end.Roots!.Value.Completed);
        Assert.Contains(warned.Texts, static text => text.Contains("careless does not await all of its pushes"));

        static async Task<int> SlowAsync(int n)
        {
            await Task.Yield();
            return n;
        }
    }

    /// <summary>Each seed determines a pipeline, how its node pushes, and an interleaving.</summary>
    [Fact]
    public async Task OverlappingPushesKeepTheOrderOfTheirCalls()
    {
        int first = int.TryParse(Environment.GetEnvironmentVariable("SLUICE_SEED"), out int given) ? given : 1;
        for (int seed = first; seed < first + Seeds; seed++)
        {
            var random = new Random(seed);
            List<(int Item, int Flow, int Number)> pushed = [], seen = [];
            int items = random.Next(1, 12), capacity = random.Next(1, 6), lanes = random.Next(1, 4);
            int habits = random.Next();
            Source<(int, int, int)> source = Source.From(Enumerable.Range(0, items))
                | StageNode.Of(() => new Habits(new Random(habits), pushed));
            if (random.Next(2) == 0) source |= Stage.Buffer(capacity);
            source |= PassAsync;
            if (random.Next(2) == 0) source |= Stage.Parallel(lanes);
            var scheduler = new SeededScheduler(seed);
            PipelineRun run = source.ForEach(seen.Add).Start(new RunOptions
            {
                Scheduler = scheduler,
                MaxBufferedItems = capacity,
                TrackItems = true
            });
            RunSnapshot end = await scheduler.RunToEndAsync(run);
            Assert.True(pushed.SequenceEqual(seen), $"seed {seed}: pushed {string.Join(' ', pushed)}, seen {string.Join(' ', seen)}");
            Assert.True(end.Roots!.Value.Completed + end.Roots.Value.Skipped == items, $"seed {seed}: {end}");
        }

        static async Task<T> PassAsync<T>(T item)
        {
            await Task.Yield();
            return item;
        }
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(true, true)]
    public async Task ThreadsMayPushAtTheSameTime(bool buffered, bool named)
    {
        const int Items = 200, Threads = 4, Each = 25;
        var kept = new NamedOutput<int>("kept");
        List<int> seen = [];
        Source<int> source = Source.From(Enumerable.Range(0, Items)) | StageNode.Of(() => new Threaded(Threads, Each, named ? kept : null));
        if (buffered) source |= Stage.Buffer(8);
        PipelineRun run = source.ForEach(seen.Add).Start(new RunOptions { Outputs = named ? ["kept"] : [], MaxBufferedItems = 16 });
        List<int> read = [];
        if (named)
            await foreach (int item in run.Output<int>("kept").ReadAllAsync()) read.Add(item);
        await run.Completion;
        Assert.Equal(Items * Threads * Each, seen.Count);
        Assert.Equal(named ? Items * Threads * Each : 0, read.Count);
        foreach (IEnumerable<int> numbers in named ? new[] { seen, read } : [seen])
        {
            // The pushes of one thread keep their order. All pushes for an item come before those for the next item.
            foreach (IGrouping<int, int> ofThread in numbers.GroupBy(static n => n / Each))
                Assert.Equal(Enumerable.Range(ofThread.Key * Each, Each), ofThread);
            Assert.Equal(numbers.Select(static n => n / (Threads * Each)).Order(), numbers.Select(static n => n / (Threads * Each)));
        }
    }

    [Fact]
    public async Task APushAfterItsCallHasEndedFailsTheRunAndNamesTheNode()
    {
        var late = new TaskCompletionSource();
        Exception? told = null;
        var scheduler = new SeededScheduler(1);
        ManualSource<int> intake = Source.Manual<int>();
        PipelineRun run = (intake | StageNode.Of(() => new Late(late.Task, e => told = e)) | Stage.Named("late")).ForEach(_ => { })
            .Start(new RunOptions { Scheduler = scheduler });
        Task sent = intake.SendAsync(1, TestContext.Current.CancellationToken).AsTask();
        scheduler.RunUntilIdle();
        await sent;
        late.SetResult();
        while (!run.Completion.IsCompleted) scheduler.RunUntilIdle();
        Assert.Contains("after the call", told!.Message);
        var failure = await Assert.ThrowsAsync<PipelineException>(() => run.Completion);
        Assert.Equal("late", failure.Node);
        Assert.Contains("Await every push", failure.Message);
    }

    [Fact]
    public async Task AFailureBehindAnUnawaitedPushFailsTheRun()
    {
        Pipeline pipeline = (Source.From([1]) | StageNode.Of(() => new Careless()) | Stage.Buffer(1)).ForEach(static n =>
        {
            if (n == 150) throw new InvalidOperationException("no");
        });
        var failure = await Assert.ThrowsAsync<PipelineException>(() => pipeline.RunAsync());
        Assert.Equal("no", failure.InnerException!.Message);
        Assert.Equal(150, failure.Item);
    }

    private sealed class Careless : StageNode<int, int>
    {
        protected override ValueTask ProcessAsync(int item, Output<int> output, CancellationToken cancellation)
        {
            for (int i = 0; i < 100; i++) _ = output.PushAsync((item * 100) + i);
            return default;
        }
    }

    private sealed class Habits(Random random, List<(int Item, int Flow, int Number)> pushed) : StageNode<int, (int, int, int)>
    {
        protected override async ValueTask ProcessAsync(int item, Output<(int, int, int)> output, CancellationToken cancellation)
        {
            var flows = new Task[random.Next(0, 4)];
            for (int i = 0; i < flows.Length; i++) flows[i] = FlowAsync(i);
            await Task.WhenAll(flows);
            if (random.Next(2) == 0) await Task.Yield();
            for (int i = random.Next(0, 6); i > 0; i--) _ = Push(9, i);          // not awaited, on purpose

            async Task FlowAsync(int flow)
            {
                bool awaits = random.Next(2) == 0;
                for (int i = random.Next(0, 5); i > 0; i--)
                {
                    if (random.Next(3) == 0) await Task.Yield();
                    ValueTask push = Push(flow, i);
                    if (awaits) await push;
                }
            }

            ValueTask Push(int flow, int number)
            {
                pushed.Add((item, flow, number));
                return output.PushAsync((item, flow, number));
            }
        }
    }

    private sealed class Threaded(int threads, int each, NamedOutput<int>? named) : StageNode<int, int>
    {
        protected override async ValueTask ProcessAsync(int item, Output<int> output, CancellationToken cancellation)
        {
            if (item % 3 == 0) Parallel.For(0, threads, thread => PushAllAsync(thread).AsTask().GetAwaiter().GetResult());
            else await Task.WhenAll(Enumerable.Range(0, threads)
                .Select(thread => Task.Run(() => PushAllAsync(thread).AsTask(), cancellation)));

            async ValueTask PushAllAsync(int thread)
            {
                for (int i = 0; i < each; i++)
                {
                    int number = (((item * threads) + thread) * each) + i;
                    if (named is not null) await output.PushAsync(named, number);
                    await output.PushAsync(number);
                }
            }
        }
    }

    private sealed class Late(Task late, Action<Exception> told) : StageNode<int, int>
    {
        protected override ValueTask ProcessAsync(int item, Output<int> output, CancellationToken cancellation)
        {
            _ = PushLaterAsync();
            return default;

            async Task PushLaterAsync()
            {
                await late;
                told(await Assert.ThrowsAnyAsync<Exception>(() => output.PushAsync(item).AsTask()));
            }
        }
    }
}
