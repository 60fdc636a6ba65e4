namespace Sluice;

public partial interface IStreamStore
{
    /// <summary>Opens a reader with cursors of its own, or finds it: then only its present place is returned. Nothing that it has not passed is trimmed.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="reader">Its name.</param>
    /// <param name="options">How to open it; a durable one that gates, from the first entry, unless given.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    ValueTask<ReaderInfo> OpenReaderAsync(
        string stream, string reader, ReaderOptions? options = null, CancellationToken cancellation = default);

    /// <summary>Reads entries, from anywhere; does not wait for more.</summary>
    /// <exception cref="StoreRolledBackException">They are wanted from a place behind the end.</exception>
    ValueTask<ReadResult> ReadAsync(ReadRequest request, CancellationToken cancellation = default);

    /// <summary>Moves a cursor, so that what it has passed may leave the store; never back.</summary>
    /// <returns>Whether the reader is open: one that expired has to be opened again, and may have missed something.</returns>
    /// <exception cref="StoreRolledBackException">It is to be moved behind the end.</exception>
    ValueTask<bool> MoveReaderAsync(CursorCommit move, CancellationToken cancellation = default);

    /// <summary>Closes a reader: it holds nothing any more. Nothing happens if it is not open.</summary>
    ValueTask CloseReaderAsync(string stream, string reader, CancellationToken cancellation = default);
}
