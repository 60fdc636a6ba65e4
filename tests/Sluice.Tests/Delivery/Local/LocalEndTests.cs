using System.Collections.Concurrent;
using Sluice.Diagnostics;
using Sluice.Storage;

namespace Sluice.Tests.Delivery;

/// <summary>The end of a consecutor without a store: what it has accepted is processed, or lost with a warning, and it accepts nothing
/// more.</summary>
public class LocalEndTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AProducerFailsIfTheInputIsComplete(bool hasStore)
    {
        await using var store = new MemoryStreamStore();
        var seen = new ConcurrentQueue<int>();
        await using var consecutor = new Consecutor<int>("numbers", source => source | seen.Enqueue,
            new() { Store = hasStore ? store : null });
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAsync(1, Cancellation);
        await consecutor.CompleteAsync(Cancellation);
        var failure = await Assert.ThrowsAsync<PipelineException>(() =>
            (Source.From([2, 3]) | consecutor).RunAsync(cancellation: Cancellation));
        Assert.Contains("The input of numbers is complete", failure.Message, StringComparison.Ordinal);
        Assert.Equal(1, (await consecutor.WaitForIdleAsync(Cancellation)).Accepted);
        Assert.Equal([1], seen);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AProducerThatWaitsForRoomFailsWhenItsConsecutorEnds(bool hasStore)
    {
        await using var store = new MemoryStreamStore();
        var consecutor = new Consecutor<int>("numbers", source => source.ForEachAsync(
            static async (_, _, cancellation) => await Task.Delay(Timeout.Infinite, cancellation)),
            new() { Store = hasStore ? store : null, Stream = new() { MaxItems = 10 }, OnWarning = static _ => { } });
        await consecutor.StartAsync(Cancellation);
        Task producing = (Source.Range(0, int.MaxValue) | (static n => (int)n) | consecutor).RunAsync(cancellation: Cancellation);
        while (!consecutor.Core.Sends.IsWaiting) await Task.Yield();
        await consecutor.DisposeAsync();
        var failure = await Assert.ThrowsAsync<PipelineException>(() => producing.WaitAsync(TimeSpan.FromMinutes(2), Cancellation));
        Assert.Contains("nothing can be sent to it any more.", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ASenderThatWaitsForRoomFailsWhenTheConsecutorEnds()
    {
        var consecutor = new Consecutor<int>("numbers", source => source.ForEachAsync(
            static async (_, _, cancellation) => await Task.Delay(Timeout.Infinite, cancellation)),
            new() { Stream = new() { MaxItems = 1 }, OnWarning = static _ => { } });
        await consecutor.StartAsync(Cancellation);
        Task sending = SendAsync();
        while (!consecutor.Core.Sends.IsWaiting) await Task.Yield();
        await consecutor.DisposeAsync();
        var failure = await Assert.ThrowsAsync<InvalidOperationException>(() => sending.WaitAsync(TimeSpan.FromMinutes(2), Cancellation));
        Assert.Contains("nothing can be sent to it any more.", failure.Message, StringComparison.Ordinal);

        async Task SendAsync()
        {
            for (int n = 0; ; n++) await consecutor.SendAsync(n, CancellationToken.None);
        }
    }

    [Fact]
    public async Task AStopRefusesSendsAndProcessesWhatWasAccepted()
    {
        var seen = new ConcurrentQueue<int>();
        var let = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var consecutor = new Consecutor<int>("numbers", source => source.ForEachAsync(async (n, _, cancellation) =>
        {
            await let.Task.WaitAsync(cancellation);
            seen.Enqueue(n);
        }));
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAllAsync([1, 2, 3], Cancellation);
        Task<bool> stopping = consecutor.StopAsync(cancellation: Cancellation);
        var failure = await Assert.ThrowsAsync<InvalidOperationException>(async () => await consecutor.SendAsync(4, Cancellation));
        Assert.Equal("The consecutor numbers is being stopped, and has no store for further items: nothing can be sent to it any more.",
            failure.Message);
        let.SetResult();
        Assert.True(await stopping);
        Assert.Equal([1, 2, 3], seen);
        failure = await Assert.ThrowsAsync<InvalidOperationException>(async () => await consecutor.SendAsync(5, Cancellation));
        Assert.StartsWith("The consecutor numbers has ended: nothing can be sent to it any more.", failure.Message,
            StringComparison.Ordinal);
    }

    /// <summary>A stop at any moment, with producers at work: each item that a producer counts as accepted is processed, and no other
    /// one.</summary>
    [Fact]
    public async Task AStopProcessesExactlyTheAcceptedItems()
    {
        for (int seed = 1; seed <= 40; seed++)
        {
            int stopAt = new Random(seed).Next(1, 5000), processed = 0;
            var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            await using var consecutor = new Consecutor<int>("numbers", source => source.ForEach(_ =>
            {
                if (++processed == stopAt) reached.SetResult();
            }));
            await consecutor.StartAsync(Cancellation);
            PipelineRun[] producers = [.. Enumerable.Range(0, 3).Select(_ =>
                (Source.Range(0, int.MaxValue) | (static n => (int)n) | consecutor)
                    .Start(new RunOptions { TrackItems = true }, Cancellation))];
            await reached.Task.WaitAsync(Cancellation);
            Assert.True(await consecutor.StopAsync(cancellation: Cancellation));
            foreach (PipelineRun run in producers) await Assert.ThrowsAsync<PipelineException>(() => run.Completion);
            ConsecutorSnapshot end = consecutor.Snapshot();
            Assert.Equal((end.Accepted, 0L, processed), (end.Completed, end.Unaccounted, (int)end.Accepted));
            Assert.Equal(end.Accepted, producers.Sum(run => run.Snapshot().Roots!.Value.Completed));
        }
    }
}
