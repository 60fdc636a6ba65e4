using System.Diagnostics;
using Sluice.Diagnostics;
using Sluice.Graphs;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Engine;

/// <summary>User code registers a callback that blocks with its token, and ignores the token. All limits on time hold.</summary>
public sealed class BlockedCallbackTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(4);
    private static readonly TimeSpan Limit = TimeSpan.FromMilliseconds(50);   // in real time: a callback that blocks stops a test clock
    private readonly TestClock clock = new();
    private readonly SemaphoreSlim begun = new(0);
    private readonly ManualResetEventSlim gate = new();
    private readonly TaskCompletionSource never = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        gate.Set();
        never.SetResult();
    }

    [Theory]
    [InlineData("cancel")]
    [InlineData("stop")]
    [InlineData("dispose")]
    public async Task ARunEndsInTime(string how)
    {
        PipelineRun run = (Source.From([1]) | HoldAsync | Stage.Named("deaf")).Start(new RunOptions { Time = clock });
        await begun.WaitAsync(Cancellation);
        await InTimeAsync(() => how switch
        {
            "cancel" => run.CancelAsync(),
            "stop" => run.StopAsync(TimeSpan.FromSeconds(10)),
            _ => run.DisposeAsync().AsTask(),
        });
        Assert.True(run.Completion.IsCanceled);
        while (run.StillRunning is not ["deaf"]) await Task.Yield();          // the source may be on its way out
    }

    [Fact]
    public async Task ADrainWaitsForTheCallbackOfASourceForTheStopTimeout()
    {
        PipelineRun run = Source.Create<int>(async (_, stop) =>
        {
            stop.Register(() => gate.Wait(Patience));
            begun.Release();
            await Task.Delay(Timeout.Infinite, stop);
        }).ForEach(static _ => { }).Start(new RunOptions { Time = clock });
        await begun.WaitAsync(Cancellation);
        await InTimeAsync(() => run.StopAsync());
        Assert.True(run.Completion.IsCompletedSuccessfully);
    }

    [Fact]
    public async Task AnAttemptTimesOutInTime()
    {
        PipelineRun run = (Source.From([1]) | HoldAsync | Stage.Timeout(Limit) | Stage.OnError(ErrorPolicy.DeadLetter)).Start();
        await begun.WaitAsync(Cancellation);
        await InTimeAsync(() => run.Completion);
        Assert.Contains("took longer than", Assert.Single(run.Snapshot().DeadLetters).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AConsecutorStopsWithinItsDeadline()
    {
        await using var store = new MemoryStreamStore(clock);
        List<string> warnings = [];
        var consecutor = new Consecutor<int>("work", source => source | HoldAsync | Stage.Named("deaf"),
            new() { Store = store, OnWarning = warnings.Add, Run = new() { Time = clock } });
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAsync(1, Cancellation);
        await begun.WaitAsync(Cancellation);
        Task<bool> stop = consecutor.StopAsync(TimeSpan.FromSeconds(10));
        _ = Task.Run(() => clock.Advance(TimeSpan.FromSeconds(9.5)), Cancellation);   // the rest is for releasing partitions
        Assert.False(await stop.WaitAsync(Patience / 2, Cancellation));
        await consecutor.Completion;
        Assert.Equal(ConsecutorStatus.Stopped, consecutor.Snapshot().Status);
        Assert.Contains(warnings, static text => text.Contains("still runs", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AResolveEndsInTime(bool timesOut)
    {
        GraphBuilder<int> builder = Graph.For<int>();
        GraphNode<int> deaf = builder.Add("deaf", async (request, cancellation) =>
        {
            await HoldAsync(request, cancellation);
            return 1;
        });
        if (timesOut) deaf.Timeout(Limit);
        using var source = new CancellationTokenSource();
        Task<GraphContext<int>> resolving = builder.Build(new() { Time = timesOut ? TimeProvider.System : clock })
            .ResolveAsync(0, source.Token).AsTask();
        await begun.WaitAsync(Cancellation);
        if (!timesOut) _ = source.CancelAsync();
        Exception? failure = null;
        await InTimeAsync(async () => failure = await Record.ExceptionAsync(() => resolving));
        Assert.Contains(timesOut ? "took longer than" : "Still running, as they do not heed their token: deaf.", failure!.Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task AScopeEndsInTime()
    {
        StepScope scope = StepScope.Begin(options: new() { Time = clock });
        _ = Step.Of((CancellationToken cancellation) => HoldAsync(1, cancellation)).Named("deaf")();
        await begun.WaitAsync(Cancellation);
        await InTimeAsync(() => scope.DisposeAsync().AsTask());
        Assert.Equal(["deaf"], scope.StillRunning);
    }

    private async Task HoldAsync(int item, CancellationToken cancellation)
    {
        bool isRegistered = false;
        cancellation.Register(() =>
        {
            if (Volatile.Read(ref isRegistered)) gate.Wait(Patience);        // otherwise the limit is over, and it may be this thread
        });
        Volatile.Write(ref isRegistered, true);
        begun.Release();
        await never.Task;
    }

    /// <summary>Ends something while the clock goes on, long before the callback returns.</summary>
    private async Task InTimeAsync(Func<Task> end)
    {
        long began = Stopwatch.GetTimestamp();
        var ending = Task.Run(end, Cancellation);
        while (!ending.IsCompleted)
        {
            clock.Advance(TimeSpan.FromMilliseconds(100));
            await Task.Yield();
        }
        await ending.WaitAsync(Cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Assert.InRange(Stopwatch.GetElapsedTime(began), TimeSpan.Zero, Patience / 2);
    }
}
