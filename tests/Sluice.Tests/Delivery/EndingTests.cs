using Sluice.Testing;

namespace Sluice.Tests.Deliveries;

/// <summary>However it is ended, it ends; and whoever asks too much or too late is told.</summary>
public class EndingTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AStopThatWaitsCanBeCutShort(bool byDisposal)
    {
        await using var store = new MemoryStreamStore();
        var begun = new SemaphoreSlim(0);
        var consecutor = new Consecutor<int>("numbers", source => source.ForEachAsync(async (_, _, cancellation) =>
        {
            begun.Release();
            await Task.Delay(Timeout.Infinite, cancellation);
        }), new() { Store = store });
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAsync(1, Cancellation);
        await begun.WaitAsync(Cancellation);
        Task<bool> stopping = consecutor.StopAsync();
        Assert.False(stopping.IsCompleted);
        if (byDisposal) await consecutor.DisposeAsync();
        else await consecutor.StopAsync(TimeSpan.Zero);
        Assert.False(await stopping);
        Assert.Equal(ConsecutorState.Stopped, consecutor.Snapshot().State);
        await consecutor.DisposeAsync();
    }

    [Fact]
    public async Task AnImpossibleDeadlineChangesNothing()
    {
        await using var store = new MemoryStreamStore();
        await using var consecutor = new Consecutor<int>("numbers", source => source.ForEach(_ => { }), new() { Store = store });
        await consecutor.StartAsync(Cancellation);
        var failure = await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => consecutor.StopAsync(TimeSpan.FromSeconds(-5)));
        Assert.Equal("deadline", failure.ParamName);
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => consecutor.StopAsync(TimeSpan.MaxValue));
        await consecutor.SendAsync(1, Cancellation);
        Assert.Equal(1, (await consecutor.IdleAsync(Cancellation)).Completed);
        Assert.True(await consecutor.StopAsync());
    }

    [Fact]
    public async Task WhoWaitsForOneThatWasNotStartedIsTold()
    {
        await using var store = new MemoryStreamStore();
        await using var consecutor = new Consecutor<int>("numbers", source => source.ForEach(_ => { }), new() { Store = store });
        Assert.True((await consecutor.IdleAsync(Cancellation)).IsIdle);
        await consecutor.SendAsync(1, Cancellation);
        var failure = await Assert.ThrowsAsync<InvalidOperationException>(() => consecutor.IdleAsync(Cancellation));
        Assert.Equal("The consecutor numbers has not been started, so none of the 1 items that wait can end. Call StartAsync first.", failure.Message);
    }

    [Fact]
    public async Task AProducerOfOneThatHasEndedIsToldSo()
    {
        await using var store = new MemoryStreamStore();
        await using var consecutor = new Consecutor<int>("numbers", source => source.ForEach(_ => { }), new() { Store = store });
        await consecutor.StartAsync(Cancellation);
        await consecutor.StopAsync();
        var failure = await Assert.ThrowsAsync<PipelineException>(() => (Source.From([1, 2]) | consecutor).RunAsync(cancellation: Cancellation));
        Assert.Contains("The consecutor numbers has ended: nothing can be sent to it any more.", failure.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await consecutor.SendAsync(1, Cancellation));
    }

    [Fact]
    public async Task AnItemOfNewerCodeWaitsForNewerCode()
    {
        await using var store = new MemoryStreamStore();
        List<int> seen = [];
        await using (Consecutor<int> newer = New(5))
        {
            newer.Pause();
            await newer.SendAllAsync([1, 2], Cancellation);
        }
        await using (Consecutor<int> older = New(4))
        {
            await older.StartAsync(Cancellation);
            await older.SendAsync(3, Cancellation);
            ConsecutorSnapshot snapshot;
            do snapshot = older.Snapshot();
            while (snapshot is not { Parked: 2, Completed: 1 });
            Assert.Equal("It was written by code version 5, and this is 4: it waits until code of that version starts.", snapshot.Problem);
            Assert.Equal([3], seen);
            await older.StopAsync();
        }
        await using Consecutor<int> again = New(5);
        await again.StartAsync(Cancellation);
        Assert.Equal(3, (await again.IdleAsync(Cancellation)).Completed);
        Assert.Equal([1, 2, 3], seen.Order());

        Consecutor<int> New(int version) => new("numbers", source => source.ForEach(seen.Add), new() { Store = store, CodeVersion = version, Stream = new() { Partitions = 1 } });
    }

    [Fact]
    public async Task ReplayedForEverMeansForEver()
    {
        await using var store = new MemoryStreamStore();
        int starts = 0;
        await using var consecutor = new Consecutor<int>("numbers", source => source.ForEach(_ =>
        {
            if (++starts < 5) throw new TimeoutException();
        }), new() { Store = store, Delivery = Sluice.Delivery.Replay(int.MaxValue, Backoff.None) });
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAsync(1, Cancellation);
        Assert.Equal((1L, 0L), ((await consecutor.IdleAsync(Cancellation)).Completed, consecutor.Snapshot().Dead));
        Assert.Equal(5, starts);
    }

    [Fact]
    public void OptionsOutOfRangeAreRefusedByName()
    {
        Assert.Equal("Capacity", Assert.Throws<ArgumentOutOfRangeException>(() => new ConsecutorOptions { Capacity = 0 }).ParamName);
        Assert.Equal("LeaseTime", Assert.Throws<ArgumentOutOfRangeException>(() => new ConsecutorOptions { LeaseTime = TimeSpan.MaxValue }).ParamName);
        Assert.Equal("CommitInterval", Assert.Throws<ArgumentOutOfRangeException>(() => new ConsecutorOptions { CommitInterval = TimeSpan.MaxValue }).ParamName);
        Assert.Equal("CodeVersion", Assert.Throws<ArgumentOutOfRangeException>(() => new ConsecutorOptions { CodeVersion = -5 }).ParamName);
        Assert.Equal("StopGrace", Assert.Throws<ArgumentOutOfRangeException>(() => new RunOptions { StopGrace = TimeSpan.FromSeconds(-1) }).ParamName);
    }

    [Fact]
    public void ABodyThatLeavesItsSourceOutIsRefused()
    {
        var failure = Assert.Throws<InvalidTopologyException>(() => new Consecutor<int>("numbers", _ => Source.From([7]) | (_ => { })));
        Assert.Contains("It takes its items from the source it is given", failure.Message, StringComparison.Ordinal);
    }
}
