namespace Sluice.Testing;

/// <summary>
/// A transaction of an application in which entries are sent to a store's streams: they are accepted if and only if it commits. For stores
/// that accept sends in transactions; see <see cref="StreamStoreFixture.BeginTransactionAsync"/>.
/// </summary>
/// <remarks>One call at a time. The store may be closed, killed and opened again while the transaction is open.</remarks>
public abstract class StoreTransaction : IAsyncDisposable
{
    /// <summary>Sends entries. Throws if they are refused.</summary>
    /// <param name="store">The open store, as the fixture has opened it.</param>
    /// <param name="stream">The stream, which has room.</param>
    /// <param name="entries">The entries; the caller disposes them.</param>
    public abstract ValueTask SendAsync(IStreamStore store, string stream, EntryBatch entries);

    /// <summary>Makes a savepoint, which replaces an earlier one.</summary>
    public abstract ValueTask SaveAsync();

    /// <summary>Rolls back to the savepoint. There is one.</summary>
    public abstract ValueTask RollbackToSavepointAsync();

    /// <summary>Commits the transaction. Only the disposal follows.</summary>
    public abstract ValueTask CommitAsync();

    /// <summary>Rolls the transaction back. Only the disposal follows.</summary>
    public abstract ValueTask RollbackAsync();

    /// <summary>Rolls the transaction back unless it has ended.</summary>
    public abstract ValueTask DisposeAsync();
}
