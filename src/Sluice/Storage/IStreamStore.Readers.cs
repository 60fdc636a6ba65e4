namespace Sluice.Storage;

public partial interface IStreamStore
{
    /// <summary>
    /// Opens a reader with its own cursors, or returns the cursors of an open one. The store keeps the entries that a reader has not
    /// passed.
    /// </summary>
    /// <param name="stream">The stream.</param>
    /// <param name="reader">The reader's name.</param>
    /// <param name="options">
    /// The options of a new reader; by default it is durable, applies backpressure, and starts at the first entry.
    /// </param>
    /// <param name="cancellation">Gives up waiting.</param>
    ValueTask<ReaderInfo> OpenReaderAsync(
        string stream, string reader, ReaderOptions? options = null, CancellationToken cancellation = default);

    /// <summary>Reads entries from any position. Does not wait for more. The result ends before an entry that is damaged.</summary>
    /// <exception cref="StoreRolledBackException">The position is beyond the end.</exception>
    /// <exception cref="StreamStoreException">The entry at the position is damaged; the exception names it.</exception>
    ValueTask<ReadResult> ReadAsync(ReadRequest request, CancellationToken cancellation = default);

    /// <summary>Moves a reader's cursor forward, never back. The entries that it passed may leave the store.</summary>
    /// <returns>False if the reader is not open. Open an expired reader again; it may have missed entries.</returns>
    /// <exception cref="StoreRolledBackException">The cursor would move beyond the end.</exception>
    ValueTask<bool> MoveReaderAsync(CursorCommit move, CancellationToken cancellation = default);

    /// <summary>Closes a reader: the store no longer keeps entries for it. Does nothing if the reader is not open.</summary>
    ValueTask CloseReaderAsync(string stream, string reader, CancellationToken cancellation = default);
}
