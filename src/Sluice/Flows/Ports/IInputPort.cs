namespace Sluice.Flows;

/// <summary>An input stream of a processor or service, in the process with the store or in a remote one.</summary>
/// <remarks>Implementations are thread-safe.</remarks>
internal interface IInputPort
{
    /// <summary>The name of the stream in the flow.</summary>
    string Name { get; }

    /// <summary>The name of the stream in the store.</summary>
    string Stream { get; }

    /// <summary>Makes the error for a value that cannot be read.</summary>
    /// <param name="number">The number of the value, from 1.</param>
    /// <param name="type">The type as which it is read.</param>
    /// <param name="cause">The error of the serializer, which names the entry.</param>
    FlowException Unreadable(long number, Type type, PayloadException cause);

    /// <summary>Notified between items; null for none.</summary>
    IItemBoundary? Boundary { get; }

    /// <summary>Whether a reader has reached the end of the stream.</summary>
    bool IsComplete { get; }

    /// <summary>Counts values that the function has got, for metrics.</summary>
    void Count(long values);

    /// <param name="from">Where to begin, unless an earlier start has begun already.</param>
    /// <param name="isCounted">Whether what it reads counts as processed.</param>
    /// <param name="cancellation">Cancels the call.</param>
    ValueTask<PortReader> OpenAsync(ReadFrom from, bool isCounted, CancellationToken cancellation);

    /// <summary>Ends a reader. Without readers, the port does not hold up the writer.</summary>
    /// <param name="reader">The reader.</param>
    /// <param name="cancellation">The token of the read. A service's read that is cancelled does not wait for the store.</param>
    ValueTask ReleaseAsync(PortReader reader, CancellationToken cancellation);

    /// <summary>
    /// Fetches values from a position on; waits until there are some, or the stream is complete, which it marks at the reader.
    /// </summary>
    /// <returns>The values, and the position after them; no values if the stream is complete.</returns>
    /// <exception cref="FlowException">The stream has failed, or no longer has the values.</exception>
    ValueTask<(ReadOnlyMemory<Entry> Values, long Next)> FetchAsync(PortReader reader, long next, CancellationToken cancellation);

    /// <summary>Whether <see cref="WaitAsync"/> can wait for reads of this port and of another one together.</summary>
    bool WaitsWith(IInputPort other);

    /// <summary>Waits for reads ahead: the function does not work meanwhile, and its slot is free.</summary>
    /// <param name="waited">Completes when one of the reads has ended.</param>
    /// <param name="readers">The readers that read, of this port and of ports that it <see cref="WaitsWith"/>.</param>
    /// <param name="cancellation">Ends the reads, and the wait.</param>
    Task WaitAsync(Task waited, IReadOnlyList<PortReader> readers, CancellationToken cancellation);
}
