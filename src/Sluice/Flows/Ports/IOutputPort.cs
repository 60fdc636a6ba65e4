namespace Sluice;

/// <summary>Where a processor puts out the values of one stream.</summary>
internal interface IOutputPort
{
    string Name { get; }

    /// <summary>How many values were put out, those of earlier starts included.</summary>
    long Count { get; }

    /// <summary>Takes a value; waits while the stream is full. Thread-safe.</summary>
    ValueTask WriteAsync<T>(T value, IPayloadSerializer<T> serializer, CancellationToken cancellation);

    /// <summary>Returns when everything that was taken is in the store, or fails. Nothing more is written.</summary>
    ValueTask FinishAsync(CancellationToken cancellation);

    /// <summary>Returns when nothing is on its way any more. Throws nothing.</summary>
    Task SettleAsync();
}
