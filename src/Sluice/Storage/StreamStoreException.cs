namespace Sluice.Storage;

/// <summary>
/// A stream store failed or was misused. Outcomes that the protocol expects (full, gap, stale…) are results, not exceptions.
/// </summary>
public class StreamStoreException : SluiceException
{
    /// <summary>Creates an exception without a message.</summary>
    public StreamStoreException() { }

    /// <summary>Creates an exception.</summary>
    /// <param name="message">The event, its place, and the remedy.</param>
    public StreamStoreException(string message) : base(message) { }

    /// <summary>Creates an exception with a cause.</summary>
    /// <param name="message">The event, its place, and the remedy.</param>
    /// <param name="inner">The cause.</param>
    public StreamStoreException(string message, Exception? inner) : base(message, inner) { }

    /// <summary>The stream, if the failure concerns one.</summary>
    public string? Stream { get; init; }

    /// <summary>The partition, if the failure concerns one.</summary>
    public int? Partition { get; init; }

    /// <summary>The entry's sequence, if the failure concerns one.</summary>
    public long? Sequence { get; init; }

    /// <summary>Whether a repetition will fail in the same way. If false, the store may only be unavailable for a while.</summary>
    public bool IsPermanent { get; init; }
}

/// <summary>
/// The store has lost writes that it acknowledged: a backup was restored, a replica took over without the last writes, or data was deleted.
/// Drop the state in memory, call <see cref="IStreamStore.RaiseGenerationAsync"/>, load again, and report the loss.
/// </summary>
public class StoreRolledBackException : StreamStoreException
{
    /// <summary>Creates an exception without a message.</summary>
    public StoreRolledBackException() { }

    /// <summary>Creates an exception.</summary>
    /// <param name="message">The state that the caller knows, and the state of the store.</param>
    public StoreRolledBackException(string message) : base(message) { }

    /// <summary>Creates an exception with a cause.</summary>
    /// <param name="message">The state that the caller knows, and the state of the store.</param>
    /// <param name="inner">The cause.</param>
    public StoreRolledBackException(string message, Exception? inner) : base(message, inner) { }

    /// <summary>The store (<see cref="IStreamStore.Root"/>) that a consecutor or supervisor has called, for code that may see exceptions of
    /// several stores; null if unknown.</summary>
    internal IStreamStore? Store { get; set; }
}

/// <summary>
/// The store is open elsewhere, and only one process can have it open for writing. End that process, make the change through it, or open
/// the store for reading only (<see cref="StreamStores.OpenReadOnlyAsync(string, CancellationToken)"/>).
/// </summary>
public class StoreInUseException : StreamStoreException
{
    /// <summary>Creates an exception without a message.</summary>
    public StoreInUseException() { }

    /// <summary>Creates an exception.</summary>
    /// <param name="message">The store and the remedy.</param>
    public StoreInUseException(string message) : base(message) { }

    /// <summary>Creates an exception with a cause.</summary>
    /// <param name="message">The store and the remedy.</param>
    /// <param name="inner">The cause.</param>
    public StoreInUseException(string message, Exception? inner) : base(message, inner) { }
}

/// <summary>A payload cannot be written or read, or is too large. The failure concerns one entry, not the store.</summary>
public class PayloadException : SluiceException
{
    /// <summary>Creates an exception without a message.</summary>
    public PayloadException() { }

    /// <summary>Creates an exception.</summary>
    /// <param name="message">The stream, the entry and the reason.</param>
    public PayloadException(string message) : base(message) { }

    /// <summary>Creates an exception with a cause.</summary>
    /// <param name="message">The stream, the entry and the reason.</param>
    /// <param name="inner">The cause.</param>
    public PayloadException(string message, Exception? inner) : base(message, inner) { }

    /// <summary>Whether the entry is longer than the stream allows (<see cref="StreamOptions.MaxEntryBytes"/>).</summary>
    public bool IsTooLong { get; init; }

    /// <summary>The number of the item, from 1, among several that one call sent; null for an item that was sent alone.</summary>
    public int? ItemNumber { get; init; }

    /// <summary>Whether the message ends with what code of the application said, which may be internal: a key function, a getter.</summary>
    internal bool IsInternal => InnerException is not (null or FormatException or PayloadException)
        && Message.EndsWith(FailureText.MessageOf(InnerException), StringComparison.Ordinal);

    /// <summary>The message for a sender outside of the service: without what a key function or a getter of the application has thrown,
    /// which may be internal.</summary>
    public string MessageForSender => IsInternal
        ? Message[..^FailureText.MessageOf(InnerException!).Length] + "the operator of the service was told why." : Message;
}
