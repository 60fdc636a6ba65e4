using System.Collections.Concurrent;
using Sluice.Diagnostics;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>Items of a join whose keys cannot be hashed.</summary>
public class FaultyKeyTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <remarks>Regression: the consecutor ended, in the name of its source, and at the item again after each start.</remarks>
    [Fact]
    public async Task AnItemWhoseKeyCannotBeHashedIsADeadLetter()
    {
        var pairs = new ConcurrentQueue<string>();
        await using var store = new MemoryStreamStore();
        await using var work = new Consecutor<Item>("work", source => source
            .Join(static all => all.Where(static item => item.IsLeft), static all => all.Where(static item => !item.IsLeft),
                static item => new Key(item.Name), static item => new Key(item.Name),
                static (left, right) => $"{left.Number}-{right.Number}") | Stage.Named("pairs") | pairs.Enqueue,
            new() { Store = store, Delivery = DeliveryGuarantee.Replay(1, Backoff.None), Stream = new() { Partitions = 1 } });
        await work.StartAsync(Cancellation);
        await work.SendAllAsync([new(1, "a", true), new(2, null, true), new(3, "A", false), new(4, "a", true)], Cancellation);
        ConsecutorSnapshot end = await work.WaitForIdleAsync(Cancellation);
        Assert.Equal((1, 0), (end.Dead, end.Unaccounted));
        DeadLetter letter = Assert.Single(await work.ListDeadLettersAsync(Cancellation).ToListAsync(Cancellation));
        Assert.Equal("pairs", letter.Node);
        Assert.StartsWith("NullReferenceException", letter.Error, StringComparison.Ordinal);
        Assert.Equal(["1-3", "4-3"], pairs.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task ARunNamesTheJoinAndTheItem()
    {
        Source<Item> left = Source.From([new Item(2, null, true)]), right = Source.From([new Item(3, "A", false)]);
        var failure = await Assert.ThrowsAsync<PipelineException>(() => (left.Join(right, static item => new Key(item.Name),
            static item => new Key(item.Name), static (one, other) => one.Number + other.Number) | Stage.Named("pairs") | (static _ => { }))
            .RunAsync());
        Assert.Equal(("pairs", 2), (failure.Node, ((Item)failure.Item!).Number));
    }

    private sealed record Item(int Number, string? Name, bool IsLeft);

    private readonly record struct Key(string? Name)
    {
        public bool Equals(Key other) => string.Equals(Name, other.Name, StringComparison.OrdinalIgnoreCase);

        public override int GetHashCode() => Name!.ToUpperInvariant().GetHashCode(StringComparison.Ordinal);
    }
}
