namespace Sluice.Delivery;

/// <summary>How many items of a call that sends many are accepted, for the message of a failure.</summary>
/// <param name="name">The name of the consecutor.</param>
internal sealed class SendProgress(string name)
{
    /// <summary>The number of items from the first one on that are accepted.</summary>
    public long Accepted { get; set; }

    // The message of the failure says it already.
    private bool isTold;

    /// <summary>The number of an item for an exception; null if it is larger than an int.</summary>
    public static int? NumberOf(long number) => number <= int.MaxValue ? (int)number : null;

    /// <summary>Reads the next item of a sequence that is sent.</summary>
    /// <param name="rest">The sequence.</param>
    /// <param name="item">The item, if there is one.</param>
    /// <param name="failure">What the sequence has thrown; null if it has ended.</param>
    /// <param name="cancellation">The caller's: an exception that it causes is no failure of the sequence.</param>
    public static bool TryReadNext<T>(IEnumerator<T> rest, out T item, out Exception? failure, CancellationToken cancellation)
    {
        (item, failure) = (default!, null);
        try
        {
            if (!rest.MoveNext()) return false;
            item = rest.Current;
            return true;
        }
        catch (Exception e) when (e is not OperationCanceledException || !cancellation.IsCancellationRequested)
        {
            failure = e;
            return false;
        }
    }

    /// <summary>The exception for a sequence that has failed. All items that it yielded before are accepted.</summary>
    public InvalidOperationException SequenceFailed(Exception failure)
    {
        isTold = true;
        return new($"The sequence that is sent to {name} has failed after {Accepted:N0} items, which are accepted: "
            + FailureText.MessageOf(failure), failure);
    }

    /// <summary>Adds the number to the message of a failure; null if there is nothing to add.</summary>
    public Exception? Explain(Exception failure, CancellationToken cancellation)
    {
        if (Accepted == 0 || isTold) return null;
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
