using System.Diagnostics;

namespace Sluice.Tests.Engine;

/// <summary>The AsyncLocal values and the current activity of the caller of Start are visible in all code of the run.</summary>
public class ExecutionContextTests
{
    private static readonly AsyncLocal<string?> Tenant = new();

    [Theory]
    [InlineData(ExecutionMode.SingleThread)]
    [InlineData(ExecutionMode.MultiThread)]
    public async Task EveryStageSeesTheAsyncLocalsOfTheCaller(ExecutionMode mode)
    {
        List<string> missing = [];
        Pipeline pipeline = (Source.From(Items()) | CheckedAsync | Stage.Parallel(3) | CheckedAsync | CheckedAsync | Checked
            | Stage.Parallel(2) | StageNode.Of(() => new CheckedNode(this, missing)) | Stage.Buffer(4))
            .Chunk(3, TimeSpan.FromMilliseconds(1)).SelectMany(chunk => chunk) | Stage.KeyBy((int n) => n, lanes: 2) | Checked
            | CheckedAsync | (n => { Checked(n); });
        using var activity = new Activity("request");
        activity.Start();
        Tenant.Value = "acme";
        PipelineRun run = pipeline.Start(mode);
        Tenant.Value = "another";
        Activity.Current = null;
        await run.Completion;
        Assert.Empty(missing);
        Assert.Equal("another", Tenant.Value);

        IEnumerable<int> Items()
        {
            for (int i = 0; i < 100; i++) yield return Checked(i);
        }

        async Task<int> CheckedAsync(int n)
        {
            Checked(n);
            if (n % 3 == 0) await Task.Delay(1, TestContext.Current.CancellationToken).ConfigureAwait(false);
            return Checked(n);
        }

        int Checked(int n)
        {
            Check(missing, $"{n}");
            return n;
        }
    }

    [Fact]
    public async Task ARunDoesNotChangeTheAsyncLocalsOfTheCaller()
    {
        Tenant.Value = "acme";
        Pipeline pipeline = Source.From([1, 2]).Do(static _ => Tenant.Value = "changed").ForEach(static _ => { });
        PipelineRun run = pipeline.Start(ExecutionMode.SingleThread);
        Assert.Equal("acme", Tenant.Value);
        await run.Completion;
    }

    [Fact]
    public async Task ASuppressedExecutionContextDoesNotFlowIntoTheRun()
    {
        Tenant.Value = "acme";
        string? seen = "";
        PipelineRun run;
        using (ExecutionContext.SuppressFlow()) run = Source.From([1]).ForEach(_ => seen = Tenant.Value).Start();
        await run.Completion;
        Assert.Null(seen);
    }

    [Fact]
    public async Task AnObservableIsSubscribedToBeforeStartReturns()
    {
        var ticker = new Ticker();
        List<int> seen = [];
        PipelineRun run = Source.From(ticker).ForEach(seen.Add).Start();
        for (int i = 0; i < 50; i++) ticker.Observer!.OnNext(i);
        ticker.Observer!.OnCompleted();
        await run.Completion;
        Assert.Equal(Enumerable.Range(0, 50), seen);
        Assert.True(ticker.IsDisposed);
    }

    [Fact]
    public async Task ARunThatIsCancelledBeforeItBeginsUnsubscribes()
    {
        var ticker = new Ticker();
        using var cancellation = new CancellationTokenSource();
        var scheduler = new HeldScheduler();
        PipelineRun run = Source.From(ticker).ForEach(static _ => { }).Start(new RunOptions { Scheduler = scheduler }, cancellation.Token);
        Assert.NotNull(ticker.Observer);
        await cancellation.CancelAsync();
        scheduler.Release();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run.Completion);
        Assert.True(ticker.IsDisposed);
    }

    private static void Check(List<string> missing, string where)
    {
        if (Tenant.Value == "acme" && Activity.Current?.OperationName == "request") return;
        lock (missing) missing.Add($"{where}: {Tenant.Value} {Activity.Current?.OperationName}");
    }

    private sealed class CheckedNode(object test, List<string> missing) : StageNode<int, int>
    {
        protected override ValueTask BeginAsync(CancellationToken cancellation)
        {
            Check(missing, $"begin {test}");
            return default;
        }

        protected override async ValueTask ProcessAsync(int item, Output<int> output, CancellationToken cancellation)
        {
            Check(missing, "node");
            await output.PushAsync(item);
            Check(missing, "node, after the push");
        }

        protected override ValueTask EndAsync(Output<int> output, CancellationToken cancellation)
        {
            Check(missing, "end");
            return default;
        }
    }

    private sealed class Ticker : IObservable<int>, IDisposable
    {
        public IObserver<int>? Observer { get; private set; }

        public bool IsDisposed { get; private set; }

        public IDisposable Subscribe(IObserver<int> observer)
        {
            Observer = observer;
            return this;
        }

        public void Dispose() => IsDisposed = true;
    }

    /// <summary>Executes nothing before it is released.</summary>
    private sealed class HeldScheduler : RunScheduler
    {
        private readonly Queue<IThreadPoolWorkItem> held = new();

        public override void Schedule(IThreadPoolWorkItem work) => held.Enqueue(work);

        public void Release()
        {
            while (held.TryDequeue(out IThreadPoolWorkItem? work)) work.Execute();
        }
    }
}
