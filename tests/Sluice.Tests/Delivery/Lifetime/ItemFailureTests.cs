using System.Collections.Concurrent;
using Sluice.Diagnostics;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>Failed attempts and dead letters show in the snapshot, and in warnings that come at most once a minute.</summary>
public class ItemFailureTests
{
    private readonly ConcurrentQueue<string> warnings = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AttemptsAndDeadLettersAreTold()
    {
        await using var store = new MemoryStreamStore();
        await using Consecutor<int> consecutor = New(store, DeliveryGuarantee.Replay(2, Backoff.None), TimeProvider.System);
        await consecutor.StartAsync(Cancellation);
        Assert.Null(consecutor.Snapshot().LastFailure);
        for (int item = 1; item <= 3; item++) await consecutor.SendAsync(item, Cancellation);
        ConsecutorSnapshot end = await consecutor.WaitForIdleAsync(Cancellation);
        Assert.Equal((2, 1), (end.Dead, end.Completed));
        Assert.Matches("^'charge', attempt 3: InvalidOperationException: no money for [13]\\.$", end.LastFailure);
        Assert.Contains($"last failure: {end.LastFailure}", end.ToString(), StringComparison.Ordinal);
        Assert.Null(end.Problem);
        Assert.Equal((6L, 4L), (end.Run!["charge"].Failed, end.Run["charge"].Retried));

        // The other failures of the minute are counted.
        Assert.Equal(2, warnings.Count);
        Assert.Contains(warnings, text => text.StartsWith(
            "An item of the consecutor shop has failed, and is tried again: 'charge', attempt 1: InvalidOperationException: no money",
            StringComparison.Ordinal));
        Assert.Contains(warnings, text => text.StartsWith(
            "An item of the consecutor shop has failed, and is a dead letter now: 'charge', attempt 3: InvalidOperationException: no money",
            StringComparison.Ordinal) && text.EndsWith("ListDeadLettersAsync() lists the dead letters.", StringComparison.Ordinal));
    }

    [Fact]
    public async Task ANodeWhoseDisposalFailsIsNamedInAWarning()
    {
        await using var store = new MemoryStreamStore();
        await using var consecutor = new Consecutor<int>("shop",
            static source => source | StageNode.Of(static () => new Undisposable()) | Stage.Named("till") | (static _ => { }),
            new() { Store = store, OnWarning = warnings.Enqueue });
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAsync(1, Cancellation);
        await consecutor.WaitForIdleAsync(Cancellation);
        Assert.True(await consecutor.StopAsync());
        Assert.Equal("The consecutor shop has failed while it stopped: PipelineException: 'till' failed: the till is "
            + "locked", Assert.Single(warnings));
    }

    private sealed class Undisposable : StageNode<int, int>, IAsyncDisposable
    {
        public ValueTask DisposeAsync() => throw new IOException("the till is locked");

        protected override ValueTask ProcessAsync(int item, Output<int> output, CancellationToken cancellation)
            => output.PushAsync(item);
    }

    [Fact]
    public async Task AMinuteLaterTheNextWarningSaysHowManyHaveFailedSince()
    {
        var clock = new TestClock();
        await using var store = new MemoryStreamStore(clock);
        await using Consecutor<int> consecutor = New(store, DeliveryGuarantee.Track(100), clock);
        await consecutor.StartAsync(Cancellation);
        foreach (int item in (int[])[1, 3, 5]) await consecutor.SendAsync(item, Cancellation);
        await consecutor.WaitForIdleAsync(Cancellation);
        Assert.Single(warnings);
        clock.Advance(TimeSpan.FromMinutes(1));
        await consecutor.SendAsync(7, Cancellation);
        await consecutor.WaitForIdleAsync(Cancellation);
        Assert.Equal(2, warnings.Count);
        Assert.EndsWith("(Since the last warning, 2 more have failed.)", warnings.Last(), StringComparison.Ordinal);
        Assert.Contains("no money for 7", warnings.Last(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ItemsThatAreNotKeptAreToldToo(bool isNone)
    {
        await using var store = new MemoryStreamStore();
        await using Consecutor<int> consecutor = New(store, isNone ? DeliveryGuarantee.None : DeliveryGuarantee.Confirm,
            TimeProvider.System);
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAsync(1, Cancellation);
        await consecutor.WaitForIdleAsync(Cancellation);
        Assert.Equal("'charge', attempt 1: InvalidOperationException: no money for 1.", consecutor.Snapshot().LastFailure);
        Assert.Equal(
            "An item of the consecutor shop has failed, and is not kept (ConsecutorOptions.Delivery): 'charge', attempt 1: "
                + "InvalidOperationException: no money for 1.", Assert.Single(warnings));
    }

    private Consecutor<int> New(MemoryStreamStore store, DeliveryGuarantee delivery, TimeProvider time)
        => new("shop", source => source | Charge | Stage.Named("charge") | (static _ => { }), new()
        {
            Store = store,
            Delivery = delivery,
            OnWarning = warnings.Enqueue,
            Run = new() { Time = time }
        });

    private static int Charge(int item) => item % 2 == 0 ? item : throw new InvalidOperationException($"no money for {item}");
}
