namespace Sluice.Testing;

/// <summary>The store under test of the contract: one set of stored data, initially empty, that is opened, closed and killed.</summary>
/// <example><code>
/// sealed class MyFixture : StreamStoreFixture
/// {
///     public override async ValueTask&lt;IStreamStore&gt; OpenAsync(TimeProvider time) => await MyStore.OpenAsync(path, time);
///
///     public override async ValueTask KillAsync(IStreamStore store) => await ((MyStore)store).CutConnectionsAsync();
/// }
/// </code></example>
public abstract class StreamStoreFixture : IAsyncDisposable
{
    /// <summary>
    /// Opens the store over the data of this fixture. Some scenarios open a second one beside it. If <see cref="CanOpenSeveral"/> does not
    /// allow that, this method must fail with a <see cref="StreamStoreException"/>, and the first store stays as it is.
    /// </summary>
    /// <param name="time">
    /// The store's clock, which stands still between the calls of <see cref="PassTimeAsync"/>: a store that polls for changes needs another
    /// one for that. If the store's server has its own clock, ignore it and override <see cref="PassTimeAsync"/>.
    /// </param>
    public abstract ValueTask<IStreamStore> OpenAsync(TimeProvider time);

    /// <summary>
    /// Whether a second store object may open the same data while the first is open; by default, as <see cref="IStreamStore.Capabilities"/>
    /// say. Otherwise the scenarios check that <see cref="OpenAsync"/> refuses it.
    /// </summary>
    /// <param name="store">The first store object.</param>
    public virtual bool CanOpenSeveral(IStreamStore store)
    {
        ArgumentNullException.ThrowIfNull(store);
        return store.Capabilities.HasFlag(StreamStoreCapabilities.SharedByProcesses);
    }

    /// <summary>
    /// Kills an open store, as if its process died now: nothing is flushed or closed. The next opening must find all acknowledged writes.
    /// </summary>
    /// <remarks>
    /// <para>
    /// Disposing the store is a kill only if that neither flushes nor waits for calls. Otherwise the scenarios of kills cannot fail.
    /// </para>
    /// <para>
    /// Calls of the store may be in progress. Once this method has returned, they must not change the data any more: end a process, cut a
    /// connection, or let the store's writes fail. A kill that only forgets the store object leaves a writer beside the next one, and the
    /// scenarios fail at random, as if the store had lost or doubled something.
    /// </para>
    /// </remarks>
    /// <param name="store">A result of <see cref="OpenAsync"/>.</param>
    public abstract ValueTask KillAsync(IStreamStore store);

    /// <summary>
    /// The distance between the calls at which the scenarios kill a store, for stores whose calls are slow; at least 1. By default 1: at
    /// each call. With 3, each run of a scenario takes each third call, from a random one of the first three on.
    /// </summary>
    public virtual int KillStride => 1;

    /// <summary>
    /// Lets the store's time pass; by default it moves the clock. For the scenarios with random operations, the store's time must otherwise
    /// stand still, because they compare due times with a model whose time does. In all other scenarios it may go on: the calls between two
    /// passes have a minute.
    /// </summary>
    /// <param name="clock">The clock that the store was opened with.</param>
    /// <param name="time">A time of up to some minutes.</param>
    public virtual ValueTask PassTimeAsync(TestClock clock, TimeSpan time)
    {
        clock.Advance(time);
        return ValueTask.CompletedTask;
    }

    /// <summary>
    /// Damages a stored entry: changes or removes some of its bytes. Called while no store is open. By default it does nothing, and
    /// <see cref="StreamStoreContract.RunAsync"/> says of the scenarios that need it that they have checked nothing.
    /// </summary>
    /// <param name="stream">The entry's stream.</param>
    /// <param name="partition">The entry's partition.</param>
    /// <param name="sequence">The entry's sequence.</param>
    /// <param name="payload">The entry's payload. It occurs nowhere else in the data, so that you can search for the bytes.</param>
    /// <returns>Whether the entry is damaged now.</returns>
    public virtual ValueTask<bool> DamageAsync(string stream, int partition, long sequence, ReadOnlyMemory<byte> payload)
        => ValueTask.FromResult(false);

    /// <summary>
    /// Removes an entry from the storage, with everything in the same row or key. Called while no store is open. By default it does
    /// nothing, and <see cref="StreamStoreContract.RunAsync"/> says of the scenarios that need it that they have checked nothing.
    /// </summary>
    /// <param name="stream">The entry's stream.</param>
    /// <param name="partition">The entry's partition.</param>
    /// <param name="sequence">The entry's sequence.</param>
    /// <param name="payload">The entry's payload. It occurs nowhere else in the data, so that you can search for the bytes.</param>
    /// <returns>Whether the entry is gone now.</returns>
    public virtual ValueTask<bool> DeleteAsync(string stream, int partition, long sequence, ReadOnlyMemory<byte> payload)
        => ValueTask.FromResult(false);

    /// <summary>Whether applications can send to the store in transactions of their own. By default they cannot.</summary>
    public virtual bool HasTransactions => false;

    /// <summary>Begins a transaction of an application, on a connection of its own. Called if <see cref="HasTransactions"/> is true;
    /// several are open at a time.</summary>
    public virtual ValueTask<StoreTransaction> BeginTransactionAsync()
        => throw new NotSupportedException("Override BeginTransactionAsync, or leave HasTransactions at false.");

    /// <summary>Deletes the data. Behind a scenario that has failed, the store may still be open, with calls in progress.</summary>
    /// <remarks>Behind a failed scenario, the suite waits five minutes for this method. Then the method goes on beside the next scenario,
    /// as the calls in progress do. Give each fixture a place of its own: a folder, a schema, a prefix.</remarks>
    public virtual ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return ValueTask.CompletedTask;
    }
}
