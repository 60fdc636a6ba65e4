using System.Runtime.CompilerServices;
using Sluice.Flows;
using Sluice.Storage;
using Sluice.Testing;
using Sluice.Tests.Delivery;

namespace Sluice.Tests.Flows;

/// <summary>A service stops while its store refuses calls or does not answer: it ends in time, and does not blame user code.</summary>
public class StopOverSilentStoreTests
{
    private static readonly Processor Work = new("work") { Inputs = ["x"], Outputs = ["y"] };
    private readonly TestClock clock = new();

    [Fact]
    public async Task AStopDoesNotWaitForTheNextRepetitionOfACall()
    {
        await using var lab = new FlowLab(new MemoryStreamStore(clock));
        var store = new HookedStore(lab.Store);
        Supervisor service = Join(lab, store);
        await WorkAsync(service, 1, new TaskCompletionSource());
        using SemaphoreSlim failed = new(0);
        store.BeforeCommit = _ =>
        {
            failed.Release();
            throw new StreamStoreException("The disk is full.");
        };
        Task ending = service.DisposeAsync().AsTask();
        for (int failures = 0; failures < 8; failures++)             // the next pause is the longest
            while (!await failed.WaitAsync(TimeSpan.Zero, FlowLab.Cancellation))
            {
                TimeSpan next = (clock.NextDue ?? DateTimeOffset.MaxValue) - clock.GetUtcNow();
                if (next <= TimeSpan.FromSeconds(5)) clock.Advance(next);            // a pause, and not the warning about the function
                await Task.Run(static () => { }, FlowLab.Cancellation);
            }
        Task<IReadOnlyList<string>> stop = service.StopAsync(TimeSpan.FromSeconds(1));
        clock.Advance(TimeSpan.FromMilliseconds(900));
        Assert.Equal(["work"], await stop.WaitAsync(FlowLab.Patience, FlowLab.Cancellation));
        await ending.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        Assert.Contains(lab.Warnings, text => text.Contains("not everything was handed over: work", StringComparison.Ordinal));
        Assert.DoesNotContain(lab.Warnings, text => text.Contains("heed") || text.Contains("tried again"));
        store.BeforeCommit = null;
    }

    [Fact]
    public async Task AStopThatIsCutShortSaysThatTheStoreHasNotAnswered()
    {
        await using var lab = new FlowLab(new MemoryStreamStore(clock));
        var store = new FrozenStore(lab.Store);
        Supervisor service = Join(lab, store);
        await WorkAsync(service, 1, new TaskCompletionSource());
        store.FreezesAtCall = nameof(IStreamStore.CommitAsync);      // the hand-over: the function has ended
        using var shutdown = new CancellationTokenSource();
        Task<IReadOnlyList<string>> stop = service.StopAsync(cancellation: shutdown.Token);
        await store.Stuck.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        await shutdown.CancelAsync();
        Assert.Equal(["work"], await stop.WaitAsync(FlowLab.Patience, FlowLab.Cancellation));
        Assert.Contains(lab.Warnings, text => text.Contains("handed over in that time: work. The store has not answered."));
        Assert.DoesNotContain(lab.Warnings, text => text.Contains("heed"));
        store.FreezesAtCall = null;
        store.Thaw();
    }

    /// <summary>The service waits for the commit by which it takes on the second run. The first one's function is told before.</summary>
    [Fact]
    public async Task AFunctionIsToldOfAStopAlthoughAWorkOrderIsNotAnswered()
    {
        await using var lab = new FlowLab(new MemoryStreamStore(clock));
        var store = new FrozenStore(lab.Store);
        Supervisor service = Join(lab, store), other = Join(lab, lab.Store);
        var told = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await WorkAsync(service, 1, told);
        store.FreezesAtCall = nameof(IStreamStore.CommitAsync);
        await other.StartAsync(Flow.From(Work).Resolve(), [IOVal.Of("x", 2)], cancellation: FlowLab.Cancellation);
        await store.Stuck.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        Task ending = service.DisposeAsync().AsTask();
        await told.Task.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        Assert.False(ending.IsCompleted);
        store.FreezesAtCall = null;
        store.Thaw();
    }

    [Fact]
    public async Task AFunctionThatWaitsForACommitIsNotSaidToIgnoreItsToken()
    {
        await using var lab = new FlowLab(new MemoryStreamStore(clock));
        var store = new FrozenStore(lab.Store);
        Supervisor service = Join(lab, store);
        var told = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        service.Register(new("work") { Inputs = ["x"], Resume = ResumeMode.Checkpoint },
            async (IO<int> x, Checkpoint<int> sum, CancellationToken cancellation) =>
            {
                cancellation.Register(told.SetResult);
                store.FreezesAtCall = nameof(IStreamStore.CommitAsync);
                await sum.SaveAsync(1, cancellation);
            });
        await service.StartAsync(Flow.From(new Processor("work") { Inputs = ["x"], Resume = ResumeMode.Checkpoint }).Resolve(),
            [IOVal.Of("x", 1)], run: "run", cancellation: FlowLab.Cancellation);
        await store.Stuck.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        Task ending = service.DisposeAsync().AsTask();
        await told.Task.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);       // the last one to be told
        clock.Advance(TimeSpan.FromSeconds(10));
        Assert.Contains("The processor work of the run run was cancelled 10 s ago, and it has not ended: the store has not answered a "
            + "commit for 10 s. Until the store answers, this service cannot hand it over.", lab.Warnings);
        store.FreezesAtCall = null;
        store.Thaw();
        await ending.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
    }

    [Fact]
    public async Task AnInputThatHasEndedIsNotSaidToIgnoreItsToken()
    {
        await using var lab = new FlowLab(new MemoryStreamStore(clock));
        var store = new FrozenStore(lab.Store);
        Supervisor service = Join(lab, store);
        var isRead = new TaskCompletionSource();
        FlowRun run = await service.StartAsync(Flow.From(Work).Resolve(), [IOVal.Stream("x", NumbersAsync(isRead))],
            cancellation: FlowLab.Cancellation);
        await isRead.Task.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        store.FreezesAtCall = nameof(IStreamStore.EndStreamAsync);
        Task ending = service.DisposeAsync().AsTask();
        await store.Stuck.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        clock.Advance(TimeSpan.FromHours(1));
        await ending.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        Assert.DoesNotContain(lab.Warnings, text => text.Contains("heed"));
        store.FreezesAtCall = null;
        store.Thaw();
        await run.DisposeAsync();
    }

    // Heartbeats are rare: the clock moves for other reasons.
    private Supervisor Join(FlowLab lab, IStreamStore store)
        => lab.Join(options => options with { Time = clock, LeaseDuration = TimeSpan.FromHours(1) }, store);

    /// <summary>Begins a run whose function waits for its token.</summary>
    private static async Task WorkAsync(Supervisor service, int value, TaskCompletionSource told)
    {
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        service.Register(Work, async (IO<int> x, CancellationToken cancellation) =>
        {
            begun.TrySetResult();
            try
            {
                await Task.Delay(Timeout.Infinite, cancellation);
            }
            finally
            {
                told.TrySetResult();
            }
            return 0;
        });
        await service.StartAsync(Flow.From(Work).Resolve(), [IOVal.Of("x", value)], cancellation: FlowLab.Cancellation);
        await begun.Task.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
    }

    private static async IAsyncEnumerable<int> NumbersAsync(TaskCompletionSource isRead,
        [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        yield return 1;
        isRead.TrySetResult();
        await Task.Delay(Timeout.Infinite, cancellation);
    }
}
