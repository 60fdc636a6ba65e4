using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>An item that waits for its retry is no idle input of a window by event time.</summary>
public class RetriedInputTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <remarks>Formerly the retry came late: with a key, items of other keys go on, and then the partition seemed empty.</remarks>
    [Fact]
    public async Task AWindowStaysOpenForAnItemThatWaitsForItsRetry()
    {
        var clock = new TestClock();
        await using var store = new MemoryStreamStore(clock);
        var ledger = new Ledger();
        bool hasFailed = false;
        await using var consecutor = new Consecutor<int>("numbers", source => source.Select(Fail)
            .Window(new EventTime<int>(static n => DateTimeOffset.UnixEpoch.AddSeconds(n)) { IdleTimeout = 60 * Second }, 10 * Second)
            | Stage.Named("tens") | (static window => string.Join(',', window.Items)) | ledger.Sink<string>(),
            new()
            {
                Store = store,
                Process = new(),
                Stream = new() { Partitions = 1 },
                Run = new() { Time = clock },
                Delivery = DeliveryGuarantee.Replay(3, Backoff.Constant(300 * Second))
            })
        { Key = static n => $"{n}" };
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAsync(1, Cancellation);
        await consecutor.WaitForIdleAsync(Cancellation);
        await consecutor.SendAsync(2, Cancellation);
        await Member.UntilAsync(() => consecutor.Snapshot() is { Retrying: 1, InFlight: 0 });
        await consecutor.SendAsync(3, Cancellation);
        await Member.UntilAsync(() => consecutor.Snapshot() is { Completed: 2, InFlight: 0 });
        for (int step = 0; step < 14; step++)
        {
            clock.Advance(20 * Second);
            for (int i = 0; i < 200; i++) await Member.NextAsync();
        }
        Assert.Empty(ledger.Lines);
        while (consecutor.Snapshot().Retrying > 0)
        {
            clock.Advance(10 * Second);
            await Member.NextAsync();
        }
        await consecutor.WaitForIdleAsync(Cancellation);
        await consecutor.SendAsync(10, Cancellation);
        await consecutor.WaitForIdleAsync(Cancellation);
        await Member.UntilAsync(() => ledger.Lines.Count > 0);
        Assert.Equal("1,3,2", ledger.Lines[0]);
        Assert.Equal(0, consecutor.Snapshot().Skipped);

        int Fail(int n) => n == 2 && !hasFailed ? throw new TimeoutException($"{hasFailed = true}") : n;
    }
}
