using Sluice.Engine;
using Sluice.Policies;
using Sluice.Scheduling;
using Sluice.Testing;
using Sluice.Tests.Pipelines.Operators;

namespace Sluice.Tests.Engine;

/// <summary>
/// On one thread, a loop that never runs out of work yields to other work now and then. Each test continues until other work has run, and
/// gives up after very many items.
/// </summary>
public class FairnessTests
{
    private const int VeryMany = 2_000_000;

    [Theory]
    [InlineData(ExecutionMode.MultiThread)]
    [InlineData(ExecutionMode.SingleThread)]
    public void ASourceWhoseItemsAreFilteredOutLetsAnotherSourceRun(ExecutionMode mode)
        => LetsAnotherOneRun(mode, Source.From);

    [Theory]
    [InlineData(ExecutionMode.MultiThread)]
    [InlineData(ExecutionMode.SingleThread)]
    public void AnAsyncSourceThatNeverWaitsLetsAnotherSourceRun(ExecutionMode mode)
        => LetsAnotherOneRun(mode, endless => Source.From(endless.Async()));

    [Theory]
    [InlineData(ExecutionMode.MultiThread, false)]
    [InlineData(ExecutionMode.MultiThread, true)]
    [InlineData(ExecutionMode.SingleThread, false)]
    [InlineData(ExecutionMode.SingleThread, true)]
    public void ASelectManyWithEndlessOutputLetsAnotherSourceRun(ExecutionMode mode, bool asynchronous)
        => LetsAnotherOneRun(mode, endless => asynchronous ? Source.From([0]).SelectManyAsync((_, _) => endless.Async())
        : Source.From([0]).SelectMany(_ => endless));

    [Theory]
    [InlineData(ExecutionMode.MultiThread)]
    [InlineData(ExecutionMode.SingleThread)]
    public void ANodeThatPushesWithoutEndLetsAnotherSourceRun(ExecutionMode mode)
        => LetsAnotherOneRun(mode, endless => Source.From([0]) | new Many(endless));

    [Theory]
    [InlineData(ExecutionMode.MultiThread)]
    [InlineData(ExecutionMode.SingleThread)]
    public void ATimerGoesOffWhileASourceIsBusy(ExecutionMode mode)
    {
        var clock = new TestClock();
        int chunks = 0;
        var endless = new Endless(() => chunks > 0, at => clock.Advance(at == 10 ? TimeSpan.FromSeconds(1) : TimeSpan.Zero));
        Start(Source.From(endless).Where(item => item < 5).Chunk(within: TimeSpan.FromSeconds(1)).ForEach(_ => chunks++), mode, clock);
        Assert.Equal(1, chunks);
        Assert.InRange(endless.Produced, 1, VeryMany - 1);
    }

    [Fact]
    public void AnIslandWhoseInputIsAlwaysRefilledLetsOtherWorkRun()
    {
        var scheduler = new QueueScheduler(isSerial: false);
        var other = new Other();
        var pump = new IslandPump(NewRun(scheduler), 0);
        Boundary<int>? input = null;
        // Simulates a producer thread that is always a little faster.
        var inlet = new Refilled(item =>
        {
            if (item == VeryMany || other.HasRun) return input!.CompleteAsync();
            ValueTask pushed = input!.PushAsync(item + 1, null);
            input.Flush();
            return pushed;
        });
        input = pump.AddInput(inlet, 8);
        Assert.True(input.PushAsync(0, null).IsCompletedSuccessfully);
        scheduler.Schedule(pump);
        scheduler.Schedule(other);
        scheduler.RunUntilIdle();
        Assert.True(other.HasRun);
        Assert.InRange(inlet.Taken, 1, VeryMany - 1);
        Assert.True(pump.IsEnded);
    }

    [Fact]
    public void ALaneThatAlwaysFindsAnotherChunkLetsOtherWorkRun()
    {
        var scheduler = new QueueScheduler(isSerial: false);
        var other = new Other();
        var options = new RunOptions { Scheduler = scheduler, MaxBufferedItems = int.MaxValue / 2 };
        Inlet<int>? input = null;
        var instance = new Refilled(item =>
        {
            if (item == VeryMany || other.HasRun) return default;
            ValueTask pushed = input!.PushAsync(item + 1, null);
            input.Flush();
            return pushed;
        });
        input = ParallelStage<int, int>.Create(new RunBuilder(options, new Nothings()), 0, 0, StageOptions.Default with { Parallel = 2 },
            new Refilled(_ => default), _ => instance);
        Assert.True(input.PushAsync(0, null).IsCompletedSuccessfully);
        input.Flush();
        scheduler.Schedule(other);
        scheduler.RunUntilIdle();
        Assert.True(other.HasRun);
        Assert.InRange(instance.Taken, 1, VeryMany - 1);
    }

    [Fact]
    public void TheOutputOfAParallelStageLetsOtherWorkRun()
    {
        var scheduler = new QueueScheduler(isSerial: false);
        var other = new Other();
        var board = new ChunkBoard<int, int>(ordered: true, capacity: 8, lanes: 2, adapts: false);
        var next = new Refilled(item =>
        {
            if (item < VeryMany && !other.HasRun) Finish(item + 1);
            else board.Complete();
            return default;
        });
        PipelineRun run = NewRun(scheduler);
        var output = new ParallelOutput<int, int>(run, next, 0, 0, board, new Waiter(scheduler), []);
        Finish(0);
        scheduler.Schedule(output);
        scheduler.Schedule(other);
        scheduler.RunUntilIdle();
        Assert.True(other.HasRun);
        Assert.InRange(next.Taken, 1, VeryMany - 1);
        Assert.True(output.IsEnded);

        // Does what the input and then a lane would do on their own threads.
        void Finish(int item)
        {
            Chunk<int, int> chunk = board.Rent();
            chunk.Inputs.Add((item, null));
            board.Dispatch(chunk);
            Assert.True(board.TryTake(out chunk, out _));
            chunk.Outputs.Add(item, null);
            board.Finish(chunk, 1);
        }
    }

    /// <summary>Drops the items of an endless source until an item of another source has arrived.</summary>
    private static void LetsAnotherOneRun(ExecutionMode mode, Func<Endless, Source<int>> from)
    {
        bool hasRun = false;
        var endless = new Endless(() => hasRun);
        Start(from(endless).Where(_ => false).Merge(Source.From([1])).ForEach(_ => hasRun = true), mode);
        Assert.True(hasRun);
        Assert.InRange(endless.Produced, 1, VeryMany - 1);
    }

    private static void Start(Pipeline pipeline, ExecutionMode mode, TestClock? clock = null)
    {
        var scheduler = new QueueScheduler(isSerial: mode == ExecutionMode.SingleThread);
        PipelineRun run = pipeline.Start(new RunOptions { Mode = mode, Scheduler = scheduler, Time = clock ?? TimeProvider.System });
        scheduler.RunUntilIdle();
        Assert.True(run.Completion.IsCompletedSuccessfully);
    }

    private static PipelineRun NewRun(QueueScheduler scheduler) => new(new RunOptions { Scheduler = scheduler }, new Nothings());

    private sealed class Nothings : IBlueprint
    {
        public void Build(RunBuilder builder) { }
    }

    /// <summary>A sequence that continues until it is told to end.</summary>
    private sealed class Endless(Func<bool> isEnough, Action<int>? before = null) : IEnumerable<int>
    {
        public int Produced { get; private set; }

        public IEnumerator<int> GetEnumerator()
        {
            while (Produced < VeryMany && !isEnough())
            {
                before?.Invoke(Produced);
                yield return Produced++;
            }
        }

        System.Collections.IEnumerator System.Collections.IEnumerable.GetEnumerator() => GetEnumerator();

        public async IAsyncEnumerable<int> Async()
        {
            foreach (int item in this) yield return item;
            await Task.CompletedTask;
        }
    }

    private sealed class Many(Endless items) : StageNode<int, int>
    {
        protected override async ValueTask ProcessAsync(int item, Output<int> output, CancellationToken cancellation)
        {
            foreach (int one in items) await output.PushAsync(one);
        }
    }

    private sealed class Other : IThreadPoolWorkItem
    {
        public bool HasRun { get; private set; }

        public void Execute() => HasRun = true;
    }

    /// <summary>An inlet that calls a function for every item, to produce the next one.</summary>
    private sealed class Refilled(Func<int, ValueTask> more) : Inlet<int>
    {
        public int Taken { get; private set; }

        public override ValueTask PushAsync(int item, Ticket? ticket)
        {
            Taken++;
            return more(item);
        }

        protected override ValueTask OnCompleteAsync() => default;
    }
}
