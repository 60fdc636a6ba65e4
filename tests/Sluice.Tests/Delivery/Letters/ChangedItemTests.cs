using System.Collections.Concurrent;
using Sluice.Diagnostics;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>The letter of a handler that changes its item before it fails.</summary>
public class ChangedItemTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <remarks>Regression: the letter had what the handler had left of the item, and a redrive processed that.</remarks>
    [Theory]
    [InlineData("first")]
    [InlineData("branch")]
    [InlineData("keyed")]
    [InlineData("again")]
    public async Task TheLetterOfTheFirstNodeHasTheItemAsItWasAccepted(string form)
    {
        var handled = new ConcurrentQueue<string>();
        int other = 0;
        bool isMended = false;
        await using var store = new MemoryStreamStore();
        await using var work = new Consecutor<Order>("work", source => form switch
        {
            "branch" => source | [s => s | (Action<Order>)(_ => Interlocked.Increment(ref other)), s => s | (Action<Order>)Handle],
            "keyed" => source | Stage.KeyBy((Order order) => order.Name, lanes: 2) | (Action<Order>)Handle,
            _ => source | (Action<Order>)Handle,
        }, new() { Store = store, Delivery = DeliveryGuarantee.Replay(1, Backoff.None), Stream = new() { Partitions = 1 } });
        await work.StartAsync(Cancellation);
        await work.SendAsync(new("ann", ["a", "b", "c"]), Cancellation);
        await work.WaitForIdleAsync(Cancellation);
        if (form == "again")
        {
            await work.RedriveAsync(_ => true, cancellation: Cancellation);
            await work.WaitForIdleAsync(Cancellation);
        }
        DeadLetter letter = Assert.Single(await work.ListDeadLettersAsync(Cancellation).ToListAsync(Cancellation));
        Assert.True(letter.EntersAtNode);
        Assert.Equal(["a", "b", "c"], ((Order)letter.Item!).Lines);
        isMended = true;
        handled.Clear();
        await work.RedriveAsync(_ => true, cancellation: Cancellation);
        ConsecutorSnapshot end = await work.WaitForIdleAsync(Cancellation);
        Assert.Equal((1, 0), (end.Completed, end.Dead));
        Assert.Equal(["a", "b", "c"], handled);
        if (form == "branch") Assert.Equal(2, other);          // at each of the first two attempts, and not after the redrive

        void Handle(Order order)
        {
            while (order.Lines.Count > 0)
            {
                handled.Enqueue(order.Lines[0]);
                order.Lines.RemoveAt(0);
                if (!Volatile.Read(ref isMended)) throw new FormatException("no good");
            }
        }
    }

    /// <summary>A later node does not get the accepted item, but the output of the node before it.</summary>
    [Fact]
    public async Task TheLetterOfALaterNodeHasItsInput()
    {
        await using var store = new MemoryStreamStore();
        await using var work = new Consecutor<Order>("work", source => source | Extend | (Action<Order>)Break,
            new() { Store = store, Delivery = DeliveryGuarantee.Replay(0) });
        await work.StartAsync(Cancellation);
        await work.SendAsync(new("ann", ["a"]), Cancellation);
        await work.WaitForIdleAsync(Cancellation);
        DeadLetter letter = Assert.Single(await work.ListDeadLettersAsync(Cancellation).ToListAsync(Cancellation));
        Assert.Equal(("Break", true), (letter.Node, letter.EntersAtNode));
        Assert.Equal(["a", "b"], ((Order)letter.Item!).Lines);

        static Order Extend(Order order)
        {
            order.Lines.Add("b");
            return order;
        }

        static void Break(Order order) => throw new FormatException("no good");
    }

    private sealed record Order(string Name, List<string> Lines);
}
