namespace Sluice;

/// <summary>A stream store failed, or was used in a way that cannot be meant. What a protocol expects (full, gap, stale…) is a result, not this.</summary>
public class StreamStoreException : SluiceException
{
    /// <summary>Makes one without a message.</summary>
    public StreamStoreException() { }

    /// <summary>Makes one.</summary>
    /// <param name="message">What happened, where, and what to do.</param>
    public StreamStoreException(string message) : base(message) { }

    /// <summary>Makes one with a cause.</summary>
    /// <param name="message">What happened, where, and what to do.</param>
    /// <param name="inner">The cause.</param>
    public StreamStoreException(string message, Exception? inner) : base(message, inner) { }

    /// <summary>The stream, where one is concerned.</summary>
    public string? Stream { get; init; }

    /// <summary>The partition, where one is concerned.</summary>
    public int? Partition { get; init; }

    /// <summary>The entry's sequence, where one is concerned.</summary>
    public long? Sequence { get; init; }

    /// <summary>Whether the store will say the same however often it is asked. Else it may be away, and come back.</summary>
    public bool IsPermanent { get; init; }
}

/// <summary>
/// The store knows less than it has acknowledged: a backup was restored, a replica took over without the last writes, or somebody
/// deleted data. Drop everything in memory, call <see cref="IStreamStore.RaiseGenerationAsync"/>, and load again; what was lost is lost, and is to be reported.
/// </summary>
public class StoreRolledBackException : StreamStoreException
{
    /// <summary>Makes one without a message.</summary>
    public StoreRolledBackException() { }

    /// <summary>Makes one.</summary>
    /// <param name="message">What was known, and what the store says now.</param>
    public StoreRolledBackException(string message) : base(message) { }

    /// <summary>Makes one with a cause.</summary>
    /// <param name="message">What was known, and what the store says now.</param>
    /// <param name="inner">The cause.</param>
    public StoreRolledBackException(string message, Exception? inner) : base(message, inner) { }
}

/// <summary>A payload could not be written or read, or is too large. Concerns one entry; the store is well.</summary>
public class PayloadException : SluiceException
{
    /// <summary>Makes one without a message.</summary>
    public PayloadException() { }

    /// <summary>Makes one.</summary>
    /// <param name="message">Which entry of which stream, and why.</param>
    public PayloadException(string message) : base(message) { }

    /// <summary>Makes one with a cause.</summary>
    /// <param name="message">Which entry of which stream, and why.</param>
    /// <param name="inner">The cause.</param>
    public PayloadException(string message, Exception? inner) : base(message, inner) { }

    /// <summary>Whether it is longer than the stream allows (<see cref="StreamOptions.MaxEntryBytes"/>).</summary>
    public bool IsTooLong { get; init; }
}
