using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>A stop waits for timers and windows that have come out by time, as it waits for items in flight.</summary>
public sealed class StopBesideTimersTests : IDisposable
{
    private readonly TestClock clock = new();
    private readonly Ledger ledger = new();
    private readonly SemaphoreSlim begun = new(0), go = new(0);
    private int starts;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        begun.Dispose();
        go.Dispose();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AStopWaitsForWhatHasComeOutByTime(bool isWindow)
    {
        await using IStreamStore store = await ScenarioStore.OpenAsync(clock);
        await using Consecutor<int> consecutor = Make(store, isWindow);
        await BeginAsync(consecutor);
        Task<bool> stopping = consecutor.StopAsync();
        for (int i = 0; i < 1_000; i++) await Member.NextAsync();
        Assert.False(stopping.IsCompleted);
        go.Release();
        Assert.True(await stopping);
        Assert.Equal((1, "1"), (starts, Assert.Single(ledger.Lines)));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ADeadlineCutsOffWhatHasComeOutByTime(bool isWindow)
    {
        await using IStreamStore store = await ScenarioStore.OpenAsync(clock);
        await using (Consecutor<int> consecutor = Make(store, isWindow))
        {
            await BeginAsync(consecutor);
            Assert.False(await consecutor.StopAsync(TimeSpan.Zero));
            Assert.Empty(ledger.Lines);
        }
        await using Consecutor<int> next = Make(store, isWindow);
        go.Release();
        await next.StartAsync(Cancellation);
        await Member.UntilAsync(() => ledger.Lines.Count == 1);
        Assert.Equal(2, starts);
    }

    /// <remarks>All timers of the commit fired first: with slow ones, a stop took a minute.</remarks>
    [Fact]
    public async Task OnceAStopHasBegunNoFurtherTimerFires()
    {
        await using IStreamStore store = await ScenarioStore.OpenAsync(clock);
        await using Consecutor<int> consecutor = Make(store, isWindow: false, static item => item);
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAllAsync([1, 2, 3], Cancellation);
        await TimeOutAsync(consecutor);
        Task<bool> stopping = consecutor.StopAsync();
        go.Release(9);
        Assert.True(await stopping);
        Assert.Equal((1, "1"), (starts, Assert.Single(ledger.Lines)));

        await using Consecutor<int> next = Make(store, isWindow: false, static item => item);
        await next.StartAsync(Cancellation);
        await Member.UntilAsync(() => ledger.Lines.Count == 3);
        Assert.Equal(3, starts);
    }

    private async Task BeginAsync(Consecutor<int> consecutor)
    {
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAsync(1, Cancellation);
        await TimeOutAsync(consecutor);
    }

    private async Task TimeOutAsync(Consecutor<int> consecutor)
    {
        await consecutor.WaitForIdleAsync(Cancellation);
        while (!begun.Wait(0, Cancellation))
        {
            clock.Advance(TimeSpan.FromSeconds(1));
            await Member.NextAsync();
        }
    }

    private async Task<int> WorkAsync(CancellationToken cancellation)
    {
        Interlocked.Increment(ref starts);
        begun.Release();
        await go.WaitAsync(cancellation);
        return 1;
    }

    private Consecutor<int> Make(IStreamStore store, bool isWindow, Func<int, int>? key = null) => new("numbers", source => isWindow
        ? source.Window(TimeSpan.FromMinutes(1)) | Stage.Named("window")
            | (async (window, cancellation) => await WorkAsync(cancellation)) | ledger.Sink<int>()
        : key is null ? source | StageNode.Of(() => new Once(WorkAsync)) | Stage.Named("once") | ledger.Sink<int>()
        : source | Stage.KeyBy(key, lanes: 1) | StageNode.Of(() => new Once(WorkAsync)) | Stage.Named("once") | ledger.Sink<int>(),
        new()
        {
            Store = store,
            Process = new(),
            InstanceId = "me",
            Stream = new() { Partitions = 1 },
            Run = new() { Time = clock }
        });

    private sealed class Once(Func<CancellationToken, Task<int>> work) : TimedStageNode<int, int, int>
    {
        protected override ValueTask ProcessAsync(int item, Output<int> output, CancellationToken cancellation)
        {
            Timers.Set(TimeSpan.FromMinutes(1));
            return default;
        }

        protected override async ValueTask OnTimerAsync(string timer, Output<int> output, CancellationToken cancellation)
            => await output.PushAsync(await work(cancellation));
    }
}
