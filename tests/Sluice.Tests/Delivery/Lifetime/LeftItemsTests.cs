using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>A consecutor is disposed while accepted items wait in its store.</summary>
public class LeftItemsTests
{
    private readonly List<string> warnings = [];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("disposal", "5 accepted items of orders wait in the store: ")]
    [InlineData("stop", null)]
    [InlineData("pause", null)]
    [InlineData("memory", null)]
    [InlineData("no start", null)]
    [InlineData("other member", null)]
    [InlineData("no store", "5 accepted items of orders are lost: the consecutor has no store (ConsecutorOptions.Store), ")]
    [InlineData("no store, no start", "5 accepted items of orders are lost: ")]
    public async Task ItemsThatAreLeftByADisposalAloneAreReported(string how, string? warning)
    {
        await using var memory = new MemoryStreamStore();
        IStreamStore? store = how.StartsWith("no store", StringComparison.Ordinal) ? null
            : how == "memory" ? memory : new DurableStore(memory);
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Consecutor<int> consecutor = New("a"), other = New("b");
        bool starts = !how.EndsWith("no start", StringComparison.Ordinal);
        if (starts) await consecutor.StartAsync(Cancellation);
        if (how == "other member") await other.StartAsync(Cancellation);
        if (how == "pause") await consecutor.PauseAsync(Cancellation);
        await consecutor.SendAllAsync([1, 2, 3, 4, 5], Cancellation);
        if (starts && how != "pause") await begun.Task.WaitAsync(Cancellation);
        if (how == "stop") await consecutor.StopAsync(TimeSpan.Zero, Cancellation);
        await consecutor.DisposeAsync();
        if (warning is null) Assert.Empty(warnings);
        else Assert.StartsWith(warning, Assert.Single(warnings), StringComparison.Ordinal);
        warnings.Clear();
        await other.DisposeAsync();

        Consecutor<int> New(string member) => new("orders", source => source.ForEachAsync(async (_, _, cancellation) =>
        {
            begun.TrySetResult();
            await Task.Delay(Timeout.Infinite, cancellation);
        }), new() { Store = store, InstanceId = member, OnWarning = Note });
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AStopThatLosesAcceptedItemsSaysHowMany(bool starts)
    {
        await using var consecutor = new Consecutor<int>("orders", source => source.ForEach(_ => { }), new() { OnWarning = Note });
        if (starts) await consecutor.StartAsync(Cancellation);
        if (starts) await consecutor.PauseAsync(Cancellation);
        await consecutor.SendAllAsync([1, 2, 3, 4, 5], Cancellation);

        Assert.False(await consecutor.StopAsync(cancellation: Cancellation));
        Assert.StartsWith("5 accepted items of orders are lost: ", Assert.Single(warnings), StringComparison.Ordinal);
        await consecutor.DisposeAsync();
        Assert.Single(warnings);
    }

    [Fact]
    public async Task AFailureThatLosesAcceptedItemsSaysHowMany()
    {
        var consecutor = new Consecutor<int>("orders", static source => source | StageNode.Of(static () => new Unready()),
            new() { OnWarning = Note });
        await consecutor.SendAllAsync([1, 2, 3, 4, 5], Cancellation);
        await consecutor.StartAsync(Cancellation);
        await Assert.ThrowsAnyAsync<Exception>(() => consecutor.Completion.WaitAsync(Cancellation));
        await consecutor.DisposeAsync();
        Assert.StartsWith("5 accepted items of orders are lost: the consecutor has no store (ConsecutorOptions.Store), and has failed",
            Assert.Single(warnings, static warning => warning.Contains("lost", StringComparison.Ordinal)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task NothingIsReportedWhenAllItemsHaveEnded()
    {
        await using var memory = new MemoryStreamStore();
        await using (var consecutor = new Consecutor<int>("orders", source => source.ForEach(_ => { }),
            new() { Store = new DurableStore(memory), OnWarning = Note }))
        {
            await consecutor.StartAsync(Cancellation);
            await consecutor.SendAllAsync([1, 2, 3], Cancellation);
            await consecutor.WaitForIdleAsync(Cancellation);
        }
        Assert.Empty(warnings);
    }

    [Fact]
    public async Task AStopWarnsOfCodeThatIgnoresItsToken()
    {
        var clock = new TestClock();
        await using var store = new MemoryStreamStore(clock);
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var never = new TaskCompletionSource();
        await using var consecutor = new Consecutor<int>("orders", source => source.ForEachAsync(async (_, _, _) =>
        {
            begun.TrySetResult();
            await never.Task;
        }), new() { Store = store, OnWarning = Note, Run = new() { Time = clock } });
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAsync(1, Cancellation);
        await begun.Task.WaitAsync(Cancellation);
        Task<bool> stop = consecutor.StopAsync(TimeSpan.FromSeconds(10), CancellationToken.None);
        clock.Advance(TimeSpan.FromSeconds(9.8));                    // the rest is for the store
        Assert.False(await stop.WaitAsync(Cancellation));
        await consecutor.Completion;
        Assert.Equal("The consecutor orders has stopped, and code that does not heed its CancellationToken still runs. Its items went back "
            + "and are started again.", Assert.Single(warnings));
    }

    /// <remarks>Items that enter in the middle have a run of their own.</remarks>
    [Fact]
    public async Task AStopWarnsOfCodeOfARedrivenItemThatIgnoresItsToken()
    {
        var clock = new TestClock();
        await using var store = new MemoryStreamStore(clock);
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var never = new TaskCompletionSource();
        bool isRedriven = false;
        await using var consecutor = new Consecutor<int>("orders",
            source => source | (static n => n) | HandleAsync | Stage.Named("book") | (static _ => { }),
            new() { Store = store, OnWarning = Note, Delivery = DeliveryGuarantee.Replay(0), Run = new() { Time = clock } });
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAsync(1, Cancellation);
        await consecutor.WaitForIdleAsync(Cancellation);
        isRedriven = true;
        lock (warnings) warnings.Clear();
        Assert.Equal(1, await consecutor.RedriveAsync(static _ => true, Cancellation));
        await begun.Task.WaitAsync(Cancellation);
        Task<bool> stop = consecutor.StopAsync(TimeSpan.FromSeconds(10), CancellationToken.None);
        clock.Advance(TimeSpan.FromSeconds(9.8));                    // the rest is for the store
        Assert.False(await stop.WaitAsync(Cancellation));
        Assert.StartsWith("The consecutor orders has stopped, and code that does not heed its CancellationToken still runs. ",
            Assert.Single(warnings), StringComparison.Ordinal);

        async ValueTask<int> HandleAsync(int item, CancellationToken cancellation)
        {
            if (!isRedriven) throw new FormatException("no good");
            begun.TrySetResult();
            await never.Task;
            return item;
        }
    }

    private void Note(string text)
    {
        lock (warnings) warnings.Add(text);
    }

    private sealed class Unready : SinkNode<int>
    {
        protected override ValueTask BeginAsync(CancellationToken cancellation) => throw new IOException("no model file");

        protected override ValueTask ProcessAsync(int item, CancellationToken cancellation) => default;
    }

    private sealed class DurableStore(IStreamStore inner) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        public override Durability Durability => Durability.Power;
    }
}
