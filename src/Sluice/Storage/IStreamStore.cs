namespace Sluice.Storage;

/// <summary>
/// A stream store: named, bounded, partitioned streams of entries, with numbered appends, durable consumer groups and independent readers.
/// Groups own partitions by epoch and commit atomically. Consecutors and flows are built on it.
/// </summary>
/// <remarks>
/// <para>
/// Each call is one atomic step, such as one script or one transaction. When its task completes, it is as durable as
/// <see cref="Durability"/> says. A call leaves nothing half done: it validates everything before it writes, or rolls back.
/// </para>
/// <para>
/// If a call throws (<see cref="StreamStoreException"/> or <see cref="OperationCanceledException"/>), the store may or may not have
/// executed it: repeat it. Appends and commits carry numbers for that purpose. After a failed lease, release the partition and acquire it
/// again. A repetition of any other call changes nothing. An <see cref="OperationCanceledException"/> means that the caller's token is
/// cancelled, so a call that has taken too long throws a <see cref="StreamStoreException"/>, and so does any failure of a driver.
/// </para>
/// <para>
/// After it was disposed, each call throws an <see cref="ObjectDisposedException"/>, and calls that wait end with it. No call of an open
/// store throws it: its users end then, instead of repeating the call.
/// </para>
/// <para>
/// Outcomes that the protocol expects (full, gap, stale…) are results. Exceptions mean misuse (<see cref="ArgumentException"/>, or
/// <see cref="StreamStoreException"/> for a missing stream or group) or a failure of the store. Any call with an epoch that the store never
/// gave throws a <see cref="StoreRolledBackException"/>, except the release of a quarantine, which does nothing.
/// </para>
/// <para>
/// Thread-safe. Calls run concurrently, and a store may merge them into one write. Overlapping calls may take effect in either order. The
/// store has its own clock (<see cref="GetTimeAsync"/>). It never goes back, no caller's clock moves it, and only retries, expiries and
/// time stamps use it. Windows of producers (<see cref="AppendRequest.ForgetAfter"/>) and idle timeouts of readers pass only while the
/// store is open, or by the clock of its server.
/// </para>
/// <para>
/// Derive a store from <see cref="StreamStore"/>, which has defaults for later additions to this interface. Every store must pass the
/// conformance suite of Sluice.Testing (<c>StreamStoreContract</c>).
/// </para>
/// </remarks>
public partial interface IStreamStore : IAsyncDisposable
{
    /// <summary>The failures that an acknowledged write survives.</summary>
    Durability Durability { get; }

    /// <summary>The abilities of this store beyond the contract.</summary>
    StreamStoreCapabilities Capabilities { get; }

    /// <summary>
    /// The generation of the store, from one: the number of detected losses of acknowledged writes, plus one. Every entry id contains it,
    /// so ids are unique unless a loss is not detected. Only a process that is running when a backup is restored detects it, and the
    /// SQLite store by its lock file. Otherwise call <see cref="RaiseGenerationAsync"/> after the restore.
    /// </summary>
    int Generation { get; }

    /// <summary>
    /// The loss of acknowledged writes that this store detected when it was opened, as text; null if none. A loss begins a new generation.
    /// </summary>
    string? Loss => null;

    /// <summary>The store behind all wrappers: for sinks that write to the store's own database.</summary>
    IStreamStore Root => this;

    /// <summary>
    /// The type of the transactions in which the store runs functions of items (<see cref="CommitFunctions"/>); null if it has none. Asked
    /// of <see cref="Root"/>.
    /// </summary>
    Type? TransactionType => null;

    /// <summary>
    /// Begins a new generation, so that no id is given twice: after a <see cref="StoreRolledBackException"/>, or after the restore of a
    /// backup while no process had the store open.
    /// </summary>
    /// <param name="expected">
    /// The generation that was rolled back; of several members that notice the loss, only one raises it. After a restore,
    /// <see cref="Generation"/>.
    /// </param>
    /// <param name="cancellation">Gives up waiting.</param>
    /// <returns>The present generation.</returns>
    ValueTask<int> RaiseGenerationAsync(int expected, CancellationToken cancellation = default);

    /// <summary>Creates a stream, or finds it.</summary>
    /// <param name="stream">Its name: 1 to 200 characters, all of them whole, none of them a control character.</param>
    /// <param name="options">The options of a new stream; for an existing stream, only the number of partitions is compared.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    /// <returns>The present state of the stream.</returns>
    /// <exception cref="StreamStoreException">The stream exists with another number of partitions.</exception>
    ValueTask<StreamInfo> OpenStreamAsync(string stream, StreamOptions? options = null, CancellationToken cancellation = default);

    /// <summary>Returns the present state of a stream; null if it does not exist.</summary>
    ValueTask<StreamInfo?> FindStreamAsync(string stream, CancellationToken cancellation = default);

    /// <summary>Lists the names of all streams with a prefix, in ordinal order.</summary>
    ValueTask<IReadOnlyList<string>> ListStreamsAsync(string prefix = "", CancellationToken cancellation = default);

    /// <summary>
    /// Ends a stream, completed or failed: it accepts no more entries, and its present entries are read and processed as before. A second
    /// end changes nothing.
    /// </summary>
    /// <returns>The end of the stream: the first one that was given.</returns>
    ValueTask<StreamEnd> EndStreamAsync(string stream, StreamEnd end, CancellationToken cancellation = default);

    /// <summary>Deletes a stream with its entries, groups, state, dead letters and readers.</summary>
    /// <returns>Whether it existed. A store that had to repeat the call, because the answer was lost, may return false.</returns>
    ValueTask<bool> DeleteStreamAsync(string stream, CancellationToken cancellation = default);

    /// <summary>
    /// Opens a producer: raises its epoch, which refuses earlier holders of the name, and returns its last number and position. Producers
    /// that resume need this. A producer that is used once (an idempotency key) may append with epoch zero.
    /// </summary>
    ValueTask<ProducerState> OpenProducerAsync(string stream, string producer, CancellationToken cancellation = default);

    /// <summary>
    /// Appends entries under a number. Entries with a key go to the key's partition, in order. Entries without a key go to a partition that
    /// the store chooses for all entries it writes together.
    /// </summary>
    /// <exception cref="PayloadException">An entry is longer than the stream allows; nothing was appended.</exception>
    /// <exception cref="StoreRolledBackException">The store never gave this epoch.</exception>
    ValueTask<AppendResult> AppendAsync(AppendRequest request, CancellationToken cancellation = default);

    /// <summary>
    /// Waits for a change of a stream: entries appended or settled, the end, a released partition, a redriven letter, a paused or
    /// resumed group. May return without a change. The passing of time is not a change: wait at most <see cref="LeaseResult.NextDue"/>.
    /// </summary>
    /// <param name="stream">The stream.</param>
    /// <param name="after">
    /// The result of the last call; -1 returns at once. To miss no change, take it before you look at the stream.
    /// </param>
    /// <param name="cancellation">Gives up waiting; this call leaves nothing behind.</param>
    /// <returns>The number of changes, counted in this process.</returns>
    ValueTask<long> WaitForChangeAsync(string stream, long after, CancellationToken cancellation = default);

    /// <summary>
    /// Waits for entries to lease or read in some partitions: appended, given back, freed or redriven ones, a released partition, a
    /// paused or resumed group, or the end of the stream. Settled entries do not wake the caller. May return without a reason. The passing
    /// of time is no reason: wait at most <see cref="LeaseResult.NextDue"/>.
    /// </summary>
    /// <param name="stream">The stream.</param>
    /// <param name="partitions">The partitions, from zero.</param>
    /// <param name="after">
    /// The result of the last call, or of <see cref="WaitForChangeAsync"/>; -1 returns at once. To miss no change, take it before you look
    /// at the stream.
    /// </param>
    /// <param name="cancellation">Gives up waiting; this call leaves nothing behind.</param>
    /// <returns>The number of changes, counted in this process.</returns>
    ValueTask<long> WaitForEntriesAsync(string stream, IReadOnlyList<int> partitions, long after, CancellationToken cancellation = default);

    /// <summary>
    /// Returns the store's present time, in UTC: the clock of entries, retries and expiries. Compare the store's time stamps with this
    /// time, never with the clock of the caller's machine.
    /// </summary>
    ValueTask<DateTimeOffset> GetTimeAsync(CancellationToken cancellation = default);

    /// <summary>Reads all data and verifies it against its checksums and for consistency. Slow; other calls continue meanwhile.</summary>
    ValueTask<IntegrityReport> CheckAsync(CancellationToken cancellation = default);
}
