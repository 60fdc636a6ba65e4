using Sluice;

namespace Worker;

/// <summary>The work on each item.</summary>
public static class ItemPipeline
{
    /// <summary>Joins a source of items with the handler.</summary>
    public static Pipeline Build(Source<Item> source, IItemHandler handler) => source
        | handler.HandleAsync
            | Stage.Named("handle")
            | Stage.Retry(3, Backoff.Exponential(TimeSpan.FromSeconds(1), jitter: 0))   // after 1, 2 and 4 seconds
            | Stage.OnError(ErrorPolicy.DeadLetter);                                    // then the item is put aside
}
