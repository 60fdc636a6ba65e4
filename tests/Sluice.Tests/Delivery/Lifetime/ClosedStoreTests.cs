using Sluice.Diagnostics;

namespace Sluice.Tests.Delivery;

/// <summary>A store is disposed before its consecutor: the consecutor ends and says why.</summary>
public sealed class ClosedStoreTests : IAsyncDisposable
{
    private const string Why =
        "The store of the consecutor numbers was disposed while the consecutor was running, so the consecutor has ended. "
        + "A durable store keeps the accepted items for the next start. Stop or dispose the consecutor first, then its store.";

    private readonly MemoryStreamStore store = new();
    private readonly TaskCompletionSource begun = new();
    private readonly TaskCompletionSource let = new();

    public ValueTask DisposeAsync() => store.DisposeAsync();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("idle")]
    [InlineData("paused")]
    [InlineData("at work")]
    [InlineData("let go")]
    [InlineData("not started")]
    public async Task ADisposedStoreFailsItsConsecutorWithAnExplanation(string how)
    {
        Consecutor<int> consecutor = New(how == "let go" ? Sluice.DeliveryGuarantee.None : Sluice.DeliveryGuarantee.Replay(3));
        if (how != "not started") await consecutor.StartAsync(Cancellation);
        if (how == "paused") await consecutor.PauseAsync(Cancellation);
        if (how is "at work" or "let go")
        {
            await consecutor.SendAsync(1, Cancellation);
            await begun.Task;
        }
        await store.DisposeAsync();
        let.SetResult();
        if (how is "paused" or "not started") Assert.Equal(Why,
            (await Assert.ThrowsAsync<InvalidOperationException>(async () => await consecutor.SendAsync(2, Cancellation))).Message);
        Assert.Equal(Why, (await Assert.ThrowsAsync<InvalidOperationException>(() => consecutor.Completion)).Message);
        Assert.Equal(ConsecutorStatus.Failed, consecutor.Snapshot().Status);
        Assert.StartsWith($"InvalidOperationException: {Why}", consecutor.Snapshot().Problem, StringComparison.Ordinal);
        await consecutor.StopAsync();
        await consecutor.DisposeAsync();
    }

    [Fact]
    public async Task AStopWithoutADeadlineEndsWhenTheStoreIsDisposed()
    {
        Consecutor<int> consecutor = New(Sluice.DeliveryGuarantee.Replay(3));
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAsync(1, Cancellation);
        await begun.Task;
        Task<bool> stopping = consecutor.StopAsync();
        await store.DisposeAsync();
        let.SetResult();
        Assert.False(await stopping);
        Assert.Equal(Why, (await Assert.ThrowsAsync<InvalidOperationException>(() => consecutor.Completion)).Message);
        Assert.Equal(ConsecutorStatus.Stopped, consecutor.Snapshot().Status);
        Assert.StartsWith($"InvalidOperationException: {Why}", consecutor.Snapshot().Problem, StringComparison.Ordinal);
    }

    /// <summary>Each item waits until the test releases it.</summary>
    private Consecutor<int> New(Sluice.DeliveryGuarantee delivery) => new("numbers", source => source.ForEachAsync(async (_, _, _) =>
    {
        begun.TrySetResult();
        await let.Task;
    }), new() { Store = store, Delivery = delivery });
}
