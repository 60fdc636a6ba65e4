using Sluice.Diagnostics;
using Sluice.Testing;

namespace Sluice.Tests.Engine;

/// <summary>A run that ends although user code hangs names the node that hangs, and no other.</summary>
public sealed class StillRunningTests : IDisposable
{
    private readonly TestClock clock = new();
    private readonly SeededScheduler scheduler = new(11);
    private readonly ManualResetEventSlim leave = new();
    private readonly TaskCompletionSource never = new();
    private readonly TaskCompletionSource entered = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public void Dispose() => leave.Dispose();

    /// <summary>How the node that hangs calls its function.</summary>
    public enum Form
    {
        Do,
        Where,
        Select,
        FirstOfTwoSelects,
        SecondOfTwoSelects,
        ForEach,
    }

    /// <summary>The policy of the node that hangs.</summary>
    public enum Policy
    {
        None,
        Retry,
        Timeout,
        OnError,
    }

    public static MatrixTheoryData<Form, int, Policy> Forms { get; } = new(Enum.GetValues<Form>(), [1, 2], Enum.GetValues<Policy>());

    [Theory]
    [MemberData(nameof(Forms))]
    public async Task AwaitedCodeIsKnownByItsNode(Form form, int lanes, Policy policy)
    {
        Source<int> numbers = Source.From([1]) | (n => n) | Stage.Named("before");
        StagePolicy deaf = lanes == 1 ? Stage.Named("deaf") : Stage.Named("deaf").Parallel(lanes);
        deaf = policy switch
        {
            Policy.Retry => deaf.Retry(1),
            Policy.Timeout => deaf.Timeout(TimeSpan.FromDays(1)),
            Policy.OnError => deaf.OnError(ErrorPolicy.Skip),
            _ => deaf,
        };
        Pipeline pipeline = form switch
        {
            Form.Do => numbers.DoAsync(async (_, _) => await never.Task) | deaf | (static _ => { }) | Stage.Named("save"),
            Form.Where => numbers.WhereAsync(async (_, _) => await NeverAsync(true)) | deaf | (static _ => { }) | Stage.Named("save"),
            Form.Select => numbers.SelectAsync(async (n, _) => await NeverAsync(n)) | deaf | (static _ => { }) | Stage.Named("save"),
            Form.FirstOfTwoSelects => numbers.SelectAsync(async (n, _) => await NeverAsync(n)) | deaf | GoOnAsync | Stage.Named("next")
                | (static _ => { }) | Stage.Named("save"),
            Form.SecondOfTwoSelects => numbers | GoOnAsync | Stage.Named("first") | (async n => await NeverAsync(n)) | deaf
                | (static _ => { }) | Stage.Named("save"),
            _ => numbers.ForEachAsync(async (_, _, _) => await never.Task) | deaf,
        };
        PipelineRun run = pipeline.Start(new RunOptions { Scheduler = scheduler, Time = clock });
        scheduler.RunUntilIdle();
        RunSnapshot hanging = run.Snapshot();
        await EndAsync(run);

        Assert.Equal(["deaf"], run.StillRunning);
        NodeSnapshot busy = Assert.Single(hanging.Nodes, static one => one.BusyLanes > 0);
        Assert.Equal(("deaf", 1), (busy.Node.Name, busy.BusyLanes));
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task SynchronousCodeInLanesIsNotTakenForTheNodeBehindThem(bool recordsTimings, bool hasOwnThreads)
    {
        StagePolicy lanes = hasOwnThreads ? Stage.Named("blocks").Parallel(2).Blocking() : Stage.Named("blocks").Parallel(2);
        PipelineRun run = (Source.From([1]) | Stage.Named("numbers") | (n => n) | Stage.Named("before") | Block | lanes
            | (static _ => { }) | Stage.Named("save")).Start(new RunOptions { Time = clock, RecordTimings = recordsTimings });
        await entered.Task;
        await EndAsync(run);
        await NamesAsync(run, "blocks");
    }

    [Fact]
    public async Task ASumInLanesIsPartOfTheirChain()
    {
        PipelineRun run = ((Source.From([1]) | Block | Stage.Named("blocks").Parallel(2))
            .Aggregate(0, static (sum, n) => sum + n, static (sum, other) => sum + other) | Stage.Named("sum"))
            .ForEach(static _ => { }).Start(new RunOptions { Time = clock });
        await entered.Task;
        await EndAsync(run);
        await NamesAsync(run, "blocks | sum");
    }

    [Fact]
    public async Task CodeBehindLanesIsNamedAndTheLanesAreNot()
    {
        PipelineRun run = (Source.From([1]) | (n => n) | Stage.Named("lanes").Parallel(2) | Block | Stage.Named("blocks")
            | (static _ => { }) | Stage.Named("save")).Start(new RunOptions { Time = clock });
        await entered.Task;
        await EndAsync(run);
        await NamesAsync(run, "blocks | save");
    }

    [Fact]
    public async Task LanesOfABranchAreNotTakenForTheJoin()
    {
        Source<int> joined = (Source.From([1]) | (n => n) | Stage.Named("before")).ForkJoin(
            branch => branch.SelectAsync(async (n, _) => await NeverAsync(n)) | Stage.Named("deaf").Parallel(2),
            branch => branch | (n => n) | Stage.Named("other"), static (n, _, _) => n);
        PipelineRun run = (joined | Stage.Named("joined") | (static _ => { }) | Stage.Named("save"))
            .Start(new RunOptions { Scheduler = scheduler, Time = clock });
        scheduler.RunUntilIdle();
        await EndAsync(run);
        Assert.Equal(["deaf"], run.StillRunning);
    }

    [Theory]
    [InlineData(Hook.Begin, false, 1)]
    [InlineData(Hook.Begin, true, 1)]
    [InlineData(Hook.Begin, false, 2)]
    [InlineData(Hook.End, false, 1)]
    [InlineData(Hook.End, false, 2)]
    [InlineData(Hook.End, true, 1, "source-1 | before | hangs | behind | save")]
    [InlineData(Hook.End, true, 2, "hangs | behind | save")]
    [InlineData(Hook.Dispose, false, 1)]
    [InlineData(Hook.Dispose, true, 1)]
    [InlineData(Hook.Dispose, false, 2)]
    public async Task ANodeThatHangsOutsideOfItsItemsIsNamed(Hook hook, bool blocks, int lanes, string named = "hangs")
    {
        PipelineRun run = (Source.From([1]) | (n => n) | Stage.Named("before") | StageNode.Of(() => new Hanging(this, hook, blocks))
            | Stage.Named("hangs") | Stage.Parallel(lanes) | (n => n) | Stage.Named("behind") | (static _ => { }) | Stage.Named("save"))
            .Start(new RunOptions { Time = clock });
        await entered.Task;
        Task<bool> stopping = run.StopAsync(TimeSpan.FromSeconds(1));
        while (!run.Completion.IsCompleted)
        {
            clock.Advance(TimeSpan.FromMilliseconds(100));
            await Task.Yield();
            TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
        }
        Assert.Equal(hook == Hook.Dispose, await stopping);
        await NamesAsync(run, named);
    }

    public enum Hook
    {
        Begin,
        End,
        Dispose,
    }

    private async Task EndAsync(PipelineRun run)
    {
        _ = run.CancelAsync();
        scheduler.RunUntilIdle();
        clock.Advance(TimeSpan.FromSeconds(30));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run.Completion);
    }

    /// <summary>Work that is on its way out is named for a moment; then only code that hangs is, until it returns.</summary>
    /// <remarks>That moment may come behind a look that finds the code that hangs only: until then, the work has waited. So one look
    /// decides.</remarks>
    private async Task NamesAsync(PipelineRun run, string expected)
    {
        long began = TimeProvider.System.GetTimestamp();
        IReadOnlyList<string> named = run.StillRunning;
        while (!named.SequenceEqual([expected]) && TimeProvider.System.GetElapsedTime(began).TotalMinutes < 1)
        {
            await Task.Yield();
            named = run.StillRunning;
        }
        Assert.Equal([expected], named);
        leave.Set();
        never.TrySetResult();
        while (run.StillRunning.Count > 0) await Task.Yield();
    }

    private static async ValueTask<int> GoOnAsync(int n)
    {
        await Task.Yield();
        return n;
    }

    private async ValueTask<T> NeverAsync<T>(T value)
    {
        await never.Task;
        return value;
    }

    private int Block(int n)
    {
        entered.TrySetResult();
        leave.Wait(CancellationToken.None);
        return n;
    }

    private sealed class Hanging(StillRunningTests test, Hook where, bool blocks) : StageNode<int, int>, IAsyncDisposable
    {
        public ValueTask DisposeAsync() => HangAsync(Hook.Dispose);

        protected override ValueTask BeginAsync(CancellationToken cancellation) => HangAsync(Hook.Begin);

        protected override ValueTask ProcessAsync(int item, Output<int> output, CancellationToken cancellation) => output.PushAsync(item);

        protected override ValueTask EndAsync(Output<int> output, CancellationToken cancellation) => HangAsync(Hook.End);

        private ValueTask HangAsync(Hook hook)
        {
            if (hook != where) return default;
            if (blocks) test.Block(0);
            test.entered.TrySetResult();
            return blocks ? default : new(test.never.Task);
        }
    }
}
