namespace Airports;

/// <summary>Where distances are written. Rows are handed over one at a time; any thread may read the counters.</summary>
internal interface IOutput : IDisposable
{
    /// <summary>Full path of the file.</summary>
    string Path { get; }

    /// <summary>Rows handed over so far.</summary>
    long RowsAccepted { get; }

    /// <summary>Rows that are in the file for good.</summary>
    long RowsWritten { get; }

    /// <summary>Takes a row.</summary>
    /// <exception cref="OutputFailure">It, or one that was waiting before it, cannot be written.</exception>
    void Write(PairDistance item);

    /// <summary>Writes what is still waiting. Disposing without it drops that.</summary>
    /// <exception cref="OutputFailure">It cannot be written.</exception>
    void Complete();
}
