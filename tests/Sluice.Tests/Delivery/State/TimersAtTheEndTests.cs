using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>Keys end by several commits. A timer that becomes due between two of them fires no more: its key may have been passed, and would
/// get a state that never ends.</summary>
public sealed class TimersAtTheEndTests
{
    private const int Keys = 120;
    private readonly TestClock clock = new();
    private readonly Ledger ledger = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ATimerThatIsDueBetweenTwoCommitsOfAnEndLeavesNoState(bool isRestarted)
    {
        await using IStreamStore store = await ScenarioStore.OpenAsync(clock);
        var slow = new SlowStore(store, clock) { HangsAfterFirst = isRestarted };
        Consecutor<string> consecutor = Make(slow);
        try
        {
            await consecutor.StartAsync(Cancellation);
            await consecutor.SendAllAsync(["a", .. Enumerable.Range(0, Keys).Select(static n => $"k{n}")], Cancellation);
            await consecutor.WaitForIdleAsync(Cancellation);
            await consecutor.CompleteAsync(Cancellation);
            if (isRestarted)
            {
                await slow.Hangs.WaitAsync(Cancellation);
                await consecutor.AbandonAsync();
                consecutor = Make(store);
                await consecutor.StartAsync(Cancellation);
            }
            ConsecutorSnapshot end = await consecutor.WaitForIdleAsync(Cancellation);
            Assert.Equal((0L, 0L), (end.Dead, end.Unaccounted));
        }
        finally
        {
            await consecutor.DisposeAsync();
        }
        Assert.Equal(Enumerable.Range(0, Keys).Select(static n => $"k{n} has ended").Order(StringComparer.Ordinal),
            ledger.Lines.Order(StringComparer.Ordinal));
        foreach (string rows in (string[])["silent", "$timers/silent", "$due/silent"])
            Assert.Empty(await store.ListStateAsync(new GroupId("texts", "texts"), 0, rows, cancellation: Cancellation));
    }

    private Consecutor<string> Make(IStreamStore store) => new("texts",
        source => source | StageNode.Of(static () => new Silent()) | Stage.Named("silent") | ledger.Sink<string>(),
        new()
        {
            Store = store,
            Process = new(),
            InstanceId = "me",
            LeaseDuration = TimeSpan.FromDays(1),
            Stream = new() { Partitions = 1 },
            Run = new() { Time = clock }
        })
    { Key = static text => text };

    /// <summary>The key 'a' has a timer and no state until the timer fires.</summary>
    private sealed class Silent : TimedStageNode<string, string, int>
    {
        protected override ValueTask ProcessAsync(string item, Output<string> output, CancellationToken cancellation)
        {
            if (item == "a") Timers.Set(TimeSpan.FromMinutes(1));
            else State = 1;
            return default;
        }

        protected override ValueTask OnTimerAsync(string timer, Output<string> output, CancellationToken cancellation)
        {
            State = 1;
            return default;
        }

        protected override async ValueTask EndKeyAsync(Output<string> output, CancellationToken cancellation)
        {
            await output.PushAsync($"{Key} has ended");
            RemoveState();
        }
    }

    /// <summary>The first commit of an end takes two minutes. It may be the last one that this store answers.</summary>
    private sealed class SlowStore(IStreamStore inner, TestClock clock) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        private readonly TaskCompletionSource hangs = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private bool hasEnded;

        public bool HangsAfterFirst { get; init; }

        public Task Hangs => hangs.Task;

        public override async ValueTask<CommitResult> CommitAsync(StoreCommit commit, CancellationToken cancellation = default)
        {
            if (hasEnded && HangsAfterFirst)
            {
                hangs.TrySetResult();
                await Task.Delay(Timeout.Infinite, cancellation);
            }
            CommitResult result = await base.CommitAsync(commit, cancellation);
            if (hasEnded || !commit.State.Any(static row => row.Node == "$end")) return result;
            hasEnded = true;
            clock.Advance(TimeSpan.FromMinutes(2));
            return result;
        }
    }
}
