using Sluice.Flows;
using Sluice.Testing;
using Sluice.Tests.Delivery;

namespace Sluice.Tests.Flows;

/// <summary>Stops and calls end at their deadline or token, whatever the store and the functions do.</summary>
public class FlowDeadlineTests
{
    private static readonly Processor Work = new("work") { Inputs = ["x"], Outputs = ["y"] };
    private static readonly Flow Working = Flow.From(Work).Resolve();
    private readonly TestClock clock = new();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AStopKeepsItsDeadline(bool isDeaf)
    {
        await using var lab = new FlowLab(new MemoryStreamStore(clock));
        var store = new FrozenStore(lab.Store);
        Supervisor service = lab.Join(options => options with { Time = clock, LeaseDuration = TimeSpan.FromHours(1) }, store);
        using SemaphoreSlim begun = new(0);
        var goOn = new TaskCompletionSource();
        service.Register(Work, async (IO<int> x, CancellationToken cancellation) =>
        {
            begun.Release();
            await (isDeaf ? goOn.Task : goOn.Task.WaitAsync(cancellation));
            return 0;
        });
        FlowRun run = await service.StartAsync(Working, [IOVal.Of("x", 1)], cancellation: FlowLab.Cancellation);
        await begun.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        if (!isDeaf) store.Freeze();
        Task<IReadOnlyList<string>> stop = service.StopAsync(TimeSpan.FromSeconds(10));
        if (!isDeaf) await store.Stuck.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        clock.Advance(TimeSpan.FromSeconds(9));
        if (isDeaf) clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(["work"], await stop.WaitAsync(FlowLab.Patience, FlowLab.Cancellation));
        Assert.Equal(isDeaf, lab.Warnings.Exists(text => text.Contains("was to stop within 10 s")));
        Assert.Equal(isDeaf, lab.Warnings.Exists(text => text.Contains("A function does not heed its CancellationToken.")));
        Assert.Equal(!isDeaf, lab.Warnings.Contains("service-1 has stopped, and not everything was handed over: work. The time that the "
            + "store has to answer in a stop was over. Others take over when this service has been silent for the lease duration."));
        Assert.DoesNotContain(lab.Warnings, text => text.Contains("tried again"));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => service.StartAsync(Working, [IOVal.Of("x", 1)],
            cancellation: FlowLab.Cancellation));
        goOn.SetResult();
        store.Thaw();
        await service.DisposeAsync().AsTask().WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
    }

    /// <summary>As consecutors and runs: code that does not heed its token is left behind after a while.</summary>
    [Fact]
    public async Task ADisposalLeavesAFunctionBehindThatDoesNotHeedItsToken()
    {
        await using var lab = new FlowLab(new MemoryStreamStore(clock));
        Supervisor service = lab.Join(options => options with
        {
            Time = clock,
            LeaseDuration = TimeSpan.FromHours(1),
            StopTimeout = new SupervisorOptions().StopTimeout,
        });
        var goOn = new TaskCompletionSource();
        await WorkUntilAsync(service, goOn.Task);
        Task disposal = service.DisposeAsync().AsTask();
        clock.Advance(TimeSpan.FromSeconds(29));
        Assert.False(disposal.IsCompleted);
        clock.Advance(TimeSpan.FromSeconds(1));
        await disposal.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        Assert.Contains(lab.Warnings, text => text.Contains("was to stop within 30 s, and not everything was handed over in that time: "
            + "work. A function does not heed its CancellationToken.", StringComparison.Ordinal));
        goOn.SetResult();
        await service.DisposeAsync().AsTask().WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
    }

    [Fact]
    public async Task AStopInsideOfAFunctionIsRefusedAndHasBegun()
    {
        await using var lab = new FlowLab(new MemoryStreamStore(clock));
        Supervisor service = lab.Join(options => options with { Time = clock });
        var told = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        service.Register(Work, async (IO<int> x, CancellationToken cancellation) =>
        {
            var refused = await Record.ExceptionAsync(() => service.StopAsync(cancellation: CancellationToken.None));
            told.SetResult(refused?.Message ?? "");
            await Task.Delay(Timeout.InfiniteTimeSpan, cancellation);
            return 0;
        });
        await service.StartAsync(Working, [IOVal.Of("x", 1)], cancellation: FlowLab.Cancellation);
        Assert.StartsWith("StopAsync of service-1 was called inside of one of its own functions. The stop has begun,",
            await told.Task.WaitAsync(FlowLab.Patience, FlowLab.Cancellation), StringComparison.Ordinal);
        Assert.Empty(await service.StopAsync().WaitAsync(FlowLab.Patience, FlowLab.Cancellation));
    }

    [Fact]
    public async Task ACancelledStopNamesTheProcessorsThatDidNotStop()
    {
        await using var lab = new FlowLab(new MemoryStreamStore(clock));
        Supervisor service = lab.Join(options => options with { Time = clock, LeaseDuration = TimeSpan.FromHours(1) });
        var goOn = new TaskCompletionSource();
        await WorkUntilAsync(service, goOn.Task);
        using var shutdown = new CancellationTokenSource();
        Task<IReadOnlyList<string>> stop = service.StopAsync(cancellation: shutdown.Token);
        Assert.False(stop.IsCompleted);
        await shutdown.CancelAsync();
        Assert.Equal(["work"], await stop.WaitAsync(FlowLab.Patience, FlowLab.Cancellation));
        Assert.Contains(lab.Warnings, text => text.Contains("was to stop before its token was cancelled", StringComparison.Ordinal));
        goOn.SetResult();
        await service.DisposeAsync().AsTask().WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
    }

    /// <summary>As the deadlines of <see cref="Consecutor{T}"/> and <see cref="PipelineRun"/>.</summary>
    [Fact]
    public async Task AnInfiniteDeadlineIsNoneAndZeroDoesNotWait()
    {
        await using var lab = new FlowLab(new MemoryStreamStore(clock));
        Supervisor idle = lab.Join(options => options with { Time = clock });
        Assert.Empty(await idle.StopAsync(Timeout.InfiniteTimeSpan, FlowLab.Cancellation));
        Assert.Empty(lab.Warnings);

        Supervisor service = lab.Join(options => options with { Time = clock });
        var goOn = new TaskCompletionSource();
        await WorkUntilAsync(service, goOn.Task);
        Assert.Equal(["work"], await service.StopAsync(TimeSpan.Zero, FlowLab.Cancellation));
        Assert.Contains(lab.Warnings, text => text.Contains("was to stop at once", StringComparison.Ordinal));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>("deadline", () => service.StopAsync(TimeSpan.FromSeconds(-1)));
        goOn.SetResult();
        await service.DisposeAsync().AsTask().WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
    }

    [Fact]
    public async Task ASecondDisposalOfARunEndsWithTheFirst()
    {
        await using var lab = new FlowLab(new MemoryStreamStore(clock));
        var store = new FrozenStore(lab.Store);
        Supervisor service = lab.Join(options => options with { Time = clock }, store);
        FlowRun run = await service.StartAsync(Working, [IOVal.Of("x", 1)], cancellation: FlowLab.Cancellation);
        store.Freeze();
        Task first = run.DisposeAsync().AsTask(), second = run.DisposeAsync().AsTask();
        await store.Stuck.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        Assert.False(first.IsCompleted || second.IsCompleted);
        store.Thaw();
        await Task.WhenAll(first, second).WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
    }

    [Fact]
    public async Task ACallEndsWhenItsTokenIsCancelled()
    {
        await using var lab = new FlowLab(new MemoryStreamStore(clock));
        var store = new FrozenStore(lab.Store);
        Supervisor service = lab.Join(options => options with { Time = clock }, store);
        service.Register(Work, StartTests.CopyAsync);
        FlowRun run = await service.StartAsync(Working, [IOVal.Of("x", 1)], cancellation: FlowLab.Cancellation);
        await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        store.Freeze();
        Func<CancellationToken, Task>[] calls =
        [
            cancellation => service.StartAsync(Working, [IOVal.Of("x", 2)], cancellation: cancellation),
            cancellation => service.FindAsync("other", cancellation),
            cancellation => service.CancelAsync(run.Id, "", cancellation),
            cancellation => service.DeleteAsync(run.Id, cancellation),
            cancellation => run.GetStatusAsync(cancellation),
            cancellation => service.ListAsync(cancellation).ToListAsync(cancellation).AsTask(),
        ];
        foreach (Func<CancellationToken, Task> call in calls)
        {
            using var patience = new CancellationTokenSource();
            Task asked = call(patience.Token);
            Assert.False(asked.IsCompleted);
            await patience.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asked.WaitAsync(FlowLab.Patience, FlowLab.Cancellation));
        }
        store.Thaw();
        await run.DisposeAsync();
    }

    /// <summary>Begins a function that heeds no token.</summary>
    private static async Task WorkUntilAsync(Supervisor service, Task goOn)
    {
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        service.Register(Work, async (IO<int> x, CancellationToken cancellation) =>
        {
            begun.TrySetResult();
            await goOn;
            return 0;
        });
        await service.StartAsync(Working, [IOVal.Of("x", 1)], cancellation: FlowLab.Cancellation);
        await begun.Task.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
    }
}
