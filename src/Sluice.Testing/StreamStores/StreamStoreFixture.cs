namespace Sluice.Testing;

/// <summary>What the contract of stream stores is run against: one set of stored data, empty at first, that is opened, closed and killed.</summary>
/// <example><code>
/// sealed class MyFixture : StreamStoreFixture
/// {
///     protected override async ValueTask&lt;IStreamStore&gt; OpenAsync(TimeProvider time) => await MyStore.OpenAsync(path, time);
/// }
/// </code></example>
public abstract class StreamStoreFixture : IAsyncDisposable
{
    /// <summary>
    /// Opens the store over the data of this fixture. One is open at a time, except where <see cref="CanOpenSeveral"/> says that there may be more: then scenarios open a second one beside the first.
    /// </summary>
    /// <param name="time">
    /// The store's clock. A store whose server has its own ignores it, and overrides <see cref="PassTimeAsync"/>.
    /// </param>
    public abstract ValueTask<IStreamStore> OpenAsync(TimeProvider time);

    /// <summary>Whether a second store object may be opened over the same data while the first one is open; as its <see cref="IStreamStore.Capabilities"/> say, unless overridden.</summary>
    /// <param name="store">The first one.</param>
    public virtual bool CanOpenSeveral(IStreamStore store)
    {
        ArgumentNullException.ThrowIfNull(store);
        return store.Capabilities.HasFlag(StreamStoreCapabilities.SharedByProcesses);
    }

    /// <summary>
    /// Ends an open store as if its owner had been killed at this moment: nothing is flushed, closed or said goodbye to. What it has acknowledged
    /// must be found by the next opening. Unless overridden it is merely disposed.
    /// </summary>
    /// <param name="store">What <see cref="OpenAsync"/> returned.</param>
    public virtual ValueTask KillAsync(IStreamStore store) => store.DisposeAsync();

    /// <summary>
    /// Lets the store's time pass. Unless overridden the clock is moved. The scenarios with random operations compare the order in which retries are due with that of a model whose time stands still otherwise: there the store's
    /// time must do the same.
    /// </summary>
    /// <param name="clock">The clock that the store was opened with.</param>
    /// <param name="time">Some seconds.</param>
    public virtual ValueTask PassTimeAsync(TestClock clock, TimeSpan time)
    {
        clock.Advance(time);
        return ValueTask.CompletedTask;
    }

    /// <summary>
    /// Damages a stored entry: changes some of its bytes, or removes them. Called while no store is open. Unless overridden nothing is done, and the scenarios that need it end there.
    /// </summary>
    /// <param name="stream">The entry's stream.</param>
    /// <param name="partition">The entry's partition.</param>
    /// <param name="sequence">The entry's number.</param>
    /// <param name="payload">The entry's payload, which occurs nowhere else in the data: the bytes can be looked for.</param>
    /// <returns>Whether the entry is damaged now.</returns>
    public virtual ValueTask<bool> DamageAsync(string stream, int partition, long sequence, ReadOnlyMemory<byte> payload) => ValueTask.FromResult(false);

    /// <summary>
    /// Removes an entry from the storage, with everything in the same row or key. Called while no store is open. Unless overridden nothing is done, and the
    /// scenarios that need it end there.
    /// </summary>
    /// <param name="stream">The entry's stream.</param>
    /// <param name="partition">The entry's partition.</param>
    /// <param name="sequence">The entry's number.</param>
    /// <param name="payload">The entry's payload, which occurs nowhere else in the data: the bytes can be looked for.</param>
    /// <returns>Whether the entry is gone now.</returns>
    public virtual ValueTask<bool> DeleteAsync(string stream, int partition, long sequence, ReadOnlyMemory<byte> payload) => ValueTask.FromResult(false);

    /// <summary>Removes the data.</summary>
    public virtual ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return ValueTask.CompletedTask;
    }
}
