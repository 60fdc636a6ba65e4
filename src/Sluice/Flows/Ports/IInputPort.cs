namespace Sluice;

/// <summary>A stream of a run, as its readings see it: in the process that has the store, or in one that asks it.</summary>
/// <remarks>Implementations are thread-safe.</remarks>
internal interface IInputPort
{
    /// <summary>The stream's name in the flow.</summary>
    string Name { get; }

    /// <summary>The stream's name in the store.</summary>
    string Stream { get; }

    /// <summary>Told between items; null if nobody is.</summary>
    IItemBoundary? Boundary { get; }

    /// <summary>Whether the stream's end was seen.</summary>
    bool IsComplete { get; }

    /// <param name="from">Where to begin, if it was never read.</param>
    /// <param name="isCounted">Whether what it reads is processed then.</param>
    /// <param name="cancellation">Gives up.</param>
    ValueTask<PortReader> OpenAsync(ReadFrom from, bool isCounted, CancellationToken cancellation);

    /// <summary>A reading has ended. When none is left, nobody is held up any more.</summary>
    ValueTask ReleaseAsync(PortReader reader);

    /// <summary>Takes values from a place on; waits until there are some. Tells the reader if there will be none.</summary>
    /// <returns>The values, and the place behind them; none if the stream is complete.</returns>
    /// <exception cref="FlowException">The stream has failed, or does not have the values any more.</exception>
    ValueTask<(ReadOnlyMemory<Entry> Values, long Next)> FetchAsync(PortReader reader, long next, CancellationToken cancellation);
}
