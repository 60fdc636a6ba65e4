namespace Sluice;

/// <summary>
/// Named, bounded, partitioned streams of entries: numbered appends, durable consumer groups that own partitions by epoch and commit in
/// atomic groups, independent readers. Consecutors, flows and everything durable stand on it.
/// </summary>
/// <remarks>
/// <para>
/// Each call is one atomic step, as durable as <see cref="Durability"/> says when its task completes: one script, one transaction. It either
/// validates everything first and then writes without anything that can fail, or leaves nothing behind. If it throws (<see cref="StreamStoreException"/>,
/// or <see cref="OperationCanceledException"/>), it may have been done or not: repeat it. Appends and commits are numbered for that;
/// after a failed lease, release the partition and take it anew; everything else does nothing the second time.
/// </para>
/// <para>
/// What the protocol expects (full, gap, stale…) is a result. Exceptions are misuse (<see cref="ArgumentException"/>, or <see cref="StreamStoreException"/> for a stream or
/// group that is not there) and failures of the store. <see cref="StoreRolledBackException"/> comes from any call that carries an epoch which the store never gave.
/// </para>
/// <para>
/// Thread-safe. Calls run side by side, and a store merges those that come together into one write. Of two calls that overlap either may be first.
/// Time is the store's own (<see cref="GetTimeAsync"/>): it never goes back, no caller's clock moves it, and it serves retries, expiries and time stamps only.
/// </para>
/// <para>Derive a store from <see cref="StreamStore"/>, which gives later additions to this interface a default. Sluice.Testing has the conformance suite that a store must pass (<c>StreamStoreContract</c>).</para>
/// </remarks>
public partial interface IStreamStore : IAsyncDisposable
{
    /// <summary>What an acknowledged write survives.</summary>
    Durability Durability { get; }

    /// <summary>What this store can do beyond what every store can.</summary>
    StreamStoreCapabilities Capabilities { get; }

    /// <summary>Counts how often the store was found to have lost acknowledged writes; from one. Part of every id, so that ids are never used twice.</summary>
    int Generation { get; }

    /// <summary>What this store noticed, when it was opened, to have lost of what it had acknowledged earlier, for people; null if nothing. It has begun a new generation then.</summary>
    string? Loss => null;

    /// <summary>Begins a new generation, after a <see cref="StoreRolledBackException"/>.</summary>
    /// <param name="expected">The generation that went back: of several members that notice, one raises it.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    /// <returns>The present generation.</returns>
    ValueTask<int> RaiseGenerationAsync(int expected, CancellationToken cancellation = default);

    /// <summary>Makes a stream, or finds it.</summary>
    /// <param name="stream">Its name: 1 to 200 characters, none of them a control character.</param>
    /// <param name="options">How to make it; of a stream that is there, only the number of partitions is compared.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    /// <returns>The stream as it is now.</returns>
    /// <exception cref="StreamStoreException">It is there with another number of partitions.</exception>
    ValueTask<StreamInfo> OpenStreamAsync(string stream, StreamOptions? options = null, CancellationToken cancellation = default);

    /// <summary>The stream as it is now; null if it is not there.</summary>
    ValueTask<StreamInfo?> FindStreamAsync(string stream, CancellationToken cancellation = default);

    /// <summary>The names of all streams that begin with a text, in ordinal order.</summary>
    ValueTask<IReadOnlyList<string>> ListStreamsAsync(string prefix = "", CancellationToken cancellation = default);

    /// <summary>Completes or fails a stream: nothing can be appended any more, what is there is read and processed as before. Once: a second end changes nothing.</summary>
    /// <returns>How the stream has ended.</returns>
    ValueTask<StreamEnd> EndStreamAsync(string stream, StreamEnd end, CancellationToken cancellation = default);

    /// <summary>Removes a stream with everything in it: entries, groups, their state, dead letters, readers. Nothing happens if it is not there.</summary>
    ValueTask DeleteStreamAsync(string stream, CancellationToken cancellation = default);

    /// <summary>
    /// Opens a producer: raises its epoch, so that whoever held the name before is refused, and says where it was. Needed by producers that
    /// resume; a producer that is used once (an idempotency key) may append with epoch zero.
    /// </summary>
    ValueTask<ProducerState> OpenProducerAsync(string stream, string producer, CancellationToken cancellation = default);

    /// <summary>Appends entries under a number. Entries with a key go to their key's partition, in order; the others to one that the store chooses for as many as it writes together.</summary>
    /// <exception cref="PayloadException">An entry is longer than the stream allows; nothing was appended.</exception>
    /// <exception cref="StoreRolledBackException">The epoch is one that the store never gave.</exception>
    ValueTask<AppendResult> AppendAsync(AppendRequest request, CancellationToken cancellation = default);

    /// <summary>
    /// Waits until a stream may have changed: appended to, settled, ended, a group's partition released, a letter redriven. May return without a
    /// change. Time is no change: wait for <see cref="LeaseResult.NextDue"/> besides.
    /// </summary>
    /// <param name="stream">The stream.</param>
    /// <param name="after">What the last call returned; -1 returns at once. Take it before looking, and nothing is missed.</param>
    /// <param name="cancellation">Gives up waiting; this call leaves nothing behind.</param>
    /// <returns>The count of changes, in this process.</returns>
    ValueTask<long> WaitForChangeAsync(string stream, long after, CancellationToken cancellation = default);

    /// <summary>
    /// Waits until there may be something to lease or to read in some partitions of a stream: entries were appended, given back, freed or redriven there, a partition was released, or the stream has ended.
    /// Entries that were settled are no reason. May return without a reason. Time is none: wait for <see cref="LeaseResult.NextDue"/> besides.
    /// </summary>
    /// <param name="stream">The stream.</param>
    /// <param name="partitions">The partitions, from zero.</param>
    /// <param name="after">What the last call returned, or <see cref="WaitForChangeAsync"/>; -1 returns at once. Take it before looking, and nothing is missed.</param>
    /// <param name="cancellation">Gives up waiting; this call leaves nothing behind.</param>
    /// <returns>The count of changes, in this process.</returns>
    ValueTask<long> WaitForEntriesAsync(string stream, IReadOnlyList<int> partitions, long after, CancellationToken cancellation = default);

    /// <summary>
    /// The store's present time, in UTC: the clock of its entries' times, of retries and of expiries. Compare what the store has stamped with this time, never with the clock of the caller's machine.
    /// </summary>
    ValueTask<DateTimeOffset> GetTimeAsync(CancellationToken cancellation = default);

    /// <summary>Reads everything and compares it with its checksums and with each other. Slow; others go on meanwhile.</summary>
    ValueTask<IntegrityReport> CheckAsync(CancellationToken cancellation = default);
}
