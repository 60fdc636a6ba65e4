namespace Sluice.Testing;

/// <summary>
/// A transaction of an application in which entries are sent to a store's streams: they are accepted if and only if it commits. For stores
/// that can do that; see <see cref="StreamStoreFixture.BeginTransactionAsync"/>.
/// </summary>
/// <remarks>One call at a time. The store may be closed, killed and opened again while the transaction is open.</remarks>
public abstract class StoreTransaction : IAsyncDisposable
{
    /// <summary>Sends entries.</summary>
    /// <param name="store">The open store, as the fixture has opened it.</param>
    /// <param name="stream">The stream, which has room.</param>
    /// <param name="entries">The entries.</param>
    public abstract ValueTask SendAsync(IStreamStore store, string stream, EntryBatch entries);

    /// <summary>Makes a savepoint, in the place of an earlier one.</summary>
    public abstract ValueTask SaveAsync();

    /// <summary>Rolls back to the savepoint, which there is.</summary>
    public abstract ValueTask UndoAsync();

    /// <summary>Commits the transaction, or rolls it back. Nothing follows but the disposal.</summary>
    public abstract ValueTask EndAsync(bool commits);

    /// <summary>Rolls the transaction back unless it has ended.</summary>
    public abstract ValueTask DisposeAsync();
}
