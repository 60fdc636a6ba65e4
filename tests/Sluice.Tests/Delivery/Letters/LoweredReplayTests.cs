using Sluice.Diagnostics;

namespace Sluice.Tests.Delivery;

/// <summary>Items with more attempts than the code allows: because the code was changed, or because they failed and then crashed.</summary>
public class LoweredReplayTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AnItemThatWaitsForARetryStartsOnceMoreUnderALowerLimit(bool fails)
    {
        await using var store = new MemoryStreamStore();
        var fifth = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using (Consecutor<int> before = New(store, 10, async (item, cancellation) =>
        {
            if (item.Attempt < 5) throw new FormatException("away");
            fifth.TrySetResult();
            await Task.Delay(Timeout.InfiniteTimeSpan, cancellation);
        }))
        {
            await before.StartAsync(Cancellation);
            await before.SendAsync(1, Cancellation);
            await fifth.Task;
            await before.StopAsync(TimeSpan.Zero);
        }
        await using Consecutor<int> now = New(store, 2, (_, _) => fails ? throw new FormatException("still away") : default);
        await now.StartAsync(Cancellation);
        ConsecutorSnapshot end = await now.WaitForIdleAsync(Cancellation);
        Assert.Equal(fails ? (0, 1) : (1, 0), (end.Completed, end.Dead));
        if (!fails) return;
        DeadLetter letter = Assert.Single(await now.ListDeadLettersAsync(Cancellation).ToListAsync(Cancellation));
        Assert.Equal(("work", 5), (letter.Node, letter.Attempts));
        Assert.StartsWith("FormatException: still away", letter.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ALetterDoesNotCountFailuresAsCrashes()
    {
        await using var store = new MemoryStreamStore();
        Consecutor<int>? last = null;
        for (int life = 1; last is null; life++)
        {
            Assert.InRange(life, 1, 3);
            var killed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            Consecutor<int> consecutor = New(store, 3, async (item, cancellation) =>
            {
                if (item.Attempt < 4) throw new FormatException("away");
                killed.TrySetResult();
                await Task.Delay(Timeout.InfiniteTimeSpan, cancellation);
            });
            await consecutor.StartAsync(Cancellation);
            if (life == 1) await consecutor.SendAsync(1, Cancellation);
            Task idle = consecutor.WaitForIdleAsync(Cancellation);
            if (await Task.WhenAny(idle, killed.Task) == idle) last = consecutor;
            else await consecutor.AbandonAsync();
        }
        await using Consecutor<int> end = last;
        DeadLetter letter = Assert.Single(await end.ListDeadLettersAsync(Cancellation).ToListAsync(Cancellation));
        Assert.Contains("The process ended while this item was being processed, and its attempts are used up: 4 are charged, 4 are "
            + "allowed. It failed before, in 'work': FormatException: away", letter.Error, StringComparison.Ordinal);
    }

    private static Consecutor<int> New(MemoryStreamStore store, int replays, Func<ItemContext, CancellationToken, ValueTask> work)
        => new("numbers", source => source.ForEachAsync((int _, ItemContext item, CancellationToken cancellation)
            => work(item, cancellation)) | Stage.Named("work"),
            new() { Store = store, Delivery = DeliveryGuarantee.Replay(replays, Backoff.None), Process = new() });
}
