using Sluice.Diagnostics;

namespace Sluice.Flows;

/// <summary>An output stream of a processor.</summary>
internal interface IOutputPort
{
    string Name { get; }

    /// <summary>The number of values put out, including earlier starts.</summary>
    long Count { get; }

    /// <summary>The trace of a value that is put out now; null if it has none.</summary>
    EntryTrace? Trace { get; }

    /// <summary>Takes a value, with its trace; waits while the stream is full. Thread-safe.</summary>
    ValueTask WriteAsync<T>(T value, IPayloadSerializer<T> serializer, EntryTrace? trace, CancellationToken cancellation);

    /// <summary>Waits until all values taken are stored, or throws their failure. Call it last.</summary>
    ValueTask FinishAsync(CancellationToken cancellation);

    /// <summary>Waits until no append is running. Never throws.</summary>
    Task SettleAsync();
}
