using Sluice;

namespace Worker;

/// <summary>The work on each item.</summary>
public static class ItemPipeline
{
    /// <summary>Joins a source of items with the handler. The handler has one item at a time; with <c>| Stage.Parallel(8)</c> behind it, it
    /// has eight, and must be safe for several threads. If several items have the same key, <c>| Stage.KeyBy((Item item) => item.Id)</c>
    /// before the handler keeps them one after the other.</summary>
    public static Pipeline Build(Source<Item> source, IItemHandler handler) => source | handler.HandleAsync | Stage.Named("handle");

    /// <summary>Sets what happens to an item that fails: it is tried again after 1, 2 and 4 seconds, while other items go on, and then put
    /// aside as a dead letter. The store keeps attempts and waits, also over a restart.</summary>
    public static ConsecutorOptions Configure(ConsecutorOptions options)
        => options with { Delivery = DeliveryGuarantee.Replay(3, Backoff.Exponential(TimeSpan.FromSeconds(1), jitter: 0)) };
}
