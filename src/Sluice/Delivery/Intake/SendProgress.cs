namespace Sluice.Delivery;

/// <summary>How many items of a call that sends many are accepted, for the message of a failure.</summary>
/// <param name="name">The name of the consecutor.</param>
internal sealed class SendProgress(string name)
{
    /// <summary>The number of items from the first one on that are accepted.</summary>
    public long Accepted { get; set; }

    /// <summary>Whether the message of the failure says it already.</summary>
    public bool IsTold { get; set; }

    /// <summary>Adds the number to the message of a failure; null if there is nothing to add.</summary>
    public Exception? Explain(Exception failure, CancellationToken cancellation)
    {
        if (Accepted == 0 || IsTold) return null;
        string text = $"The first {Amounts.Of(Accepted, "item")} that {(Accepted == 1 ? "was" : "were")} sent to {name} "
            + $"{(Accepted == 1 ? "is" : "are")} accepted; it is not known of the others. {failure.Message}";
        return failure switch
        {
            OperationCanceledException when cancellation.IsCancellationRequested
                => new OperationCanceledException(text, failure, cancellation),
            StoreRolledBackException => null,
            StreamStoreException store => new StreamStoreException(text, store)
            {
                Stream = store.Stream,
                Partition = store.Partition,
                Sequence = store.Sequence,
                IsPermanent = store.IsPermanent
            },
            ObjectDisposedException => null,         // callers tell the classes apart
            InvalidOperationException => new InvalidOperationException(text, failure),
            _ => null,
        };
    }
}
