using System.Runtime.CompilerServices;
using Sluice.Diagnostics;

namespace Sluice.Tests.Delivery;

/// <summary>A consecutor without a store keeps an item as long as the item may be needed: until it has ended, or its dead letter is
/// deleted.</summary>
public class LocalMemoryTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AnItemThatHasFailedIsFreedWhenItHasEnded(bool isRedriven)
    {
        int starts = 0, failures = isRedriven ? 2 : 1;
        await using var consecutor = new Consecutor<Item>("items", source => source.ForEach(_ =>
        {
            if (starts++ < failures) throw new TimeoutException();
        }), new() { Delivery = DeliveryGuarantee.Replay(1, Backoff.None) });
        await consecutor.StartAsync(Cancellation);
        WeakReference sent = await SendAsync(consecutor);
        ConsecutorSnapshot end = await consecutor.WaitForIdleAsync(Cancellation);
        Assert.Equal(isRedriven ? 1 : 0, end.Dead);
        if (isRedriven)
        {
            Assert.True(IsAlive(sent));              // a dead letter keeps it
            Assert.Equal(1, await consecutor.RedriveAsync(static _ => true, Cancellation));
            end = await consecutor.WaitForIdleAsync(Cancellation);
        }
        Assert.Equal((1L, 0L, failures + 1), (end.Completed, end.Dead, starts));
        await FlushAsync(consecutor);
        await IsFreedAsync(sent);
    }

    [Fact]
    public async Task ADeletedLetterFreesItsItem()
    {
        await using var consecutor = new Consecutor<Item>("items", source => source.ForEach(static item =>
        {
            if (item.IsBad) throw new TimeoutException();
        }), new() { Delivery = DeliveryGuarantee.Track(10) });
        await consecutor.StartAsync(Cancellation);
        WeakReference sent = await SendAsync(consecutor);
        Assert.Equal(1, (await consecutor.WaitForIdleAsync(Cancellation)).Dead);
        Assert.True(IsAlive(sent));
        Assert.Equal(1, await consecutor.DeleteDeadLettersAsync(static letter => letter.Item is Item, Cancellation));
        await FlushAsync(consecutor);
        await IsFreedAsync(sent);
    }

    /// <summary>A letter that is read after its deletion says that it cannot be read.</summary>
    [Fact]
    public async Task LettersMayBeDeletedWhileTheyAreListed()
    {
        await using var consecutor = new Consecutor<Item>("items", source => source.ForEach(static item =>
            throw new TimeoutException()), new() { Delivery = DeliveryGuarantee.Track(10) });
        await consecutor.StartAsync(Cancellation);
        for (int n = 0; n < 3; n++) await consecutor.SendAsync(new(true), Cancellation);
        Assert.Equal(3, (await consecutor.WaitForIdleAsync(Cancellation)).Dead);
        int listed = 0;
        await foreach (DeadLetter _ in consecutor.ListDeadLettersAsync(Cancellation))
        {
            listed++;
            await consecutor.DeleteDeadLettersAsync(static _ => true, Cancellation);
        }
        Assert.Equal(3, listed);
    }

    // Further items take the places that tickets and segments have for the last ones.
    private static async Task FlushAsync(Consecutor<Item> consecutor)
    {
        for (int n = 0; n < 2000; n++) await consecutor.SendAsync(new(false), Cancellation);
        await consecutor.WaitForIdleAsync(Cancellation);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static async Task<WeakReference> SendAsync(Consecutor<Item> consecutor)
    {
        var item = new Item(true);
        await consecutor.SendAsync(item, Cancellation);
        return new(item);
    }

    // A thread that stands still behind its last call may hold the item for a moment longer.
    private static async Task IsFreedAsync(WeakReference sent)
    {
        var rounds = new Rounds(1);
        while (IsAlive(sent)) Assert.True(await rounds.GoOnAsync(), "The item is kept.");
    }

    private static bool IsAlive(WeakReference sent)
    {
        for (int n = 0; n < 10 && sent.IsAlive; n++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
        return sent.IsAlive;
    }

    private sealed class Item(bool isBad)
    {
        public bool IsBad => isBad;
    }
}
