namespace Sluice.Storage;

/// <summary>A sink that takes part in the commits of its consecutor. Its result for an item becomes durable with the commit that settles
/// the item, or not at all, so it is there exactly once. Put it into a pipeline with <see cref="Sink.Commit{T}"/>.</summary>
/// <remarks>
/// <para>
/// Items that reach the sink are staged on their root. When the root has completely ended, its items go to <see cref="PrepareAsync"/> with
/// the items of the other roots of one commit. Items of failed attempts never do. Roots are in the order in which they ended; items of one
/// root, in the order in which they reached the sink.
/// </para>
/// <para>Each start of a consecutor makes one instance. Its methods never overlap. Several sinks prepare one after the other. The commits
/// of one sink are sequential too: a prepared commit is committed or void before the next is prepared.</para>
/// <para>
/// Add results for the store to the commit (<see cref="SinkCommit{T}"/>): lengths of files, attachments, entries of other streams. Write
/// results outside of the store in <see cref="PrepareAsync"/> so that they can be recognized and undone: bytes behind a file's committed
/// length, rows with their root's id.
/// </para>
/// </remarks>
/// <typeparam name="T">The type of the items.</typeparam>
public abstract class TransactionalSink<T>
{
    /// <summary>Called before the first commit, and again whenever partitions were acquired anew: every prepared commit without a known
    /// outcome is void then. Restore the outside to <paramref name="state"/>; for example, cut files to their committed lengths. In the
    /// first call, cut nothing unless <see cref="SinkState.HasAllPartitions"/> is true. If the method throws, it is called again before
    /// anything is prepared, perhaps for fewer partitions.</summary>
    protected abstract ValueTask BeginAsync(SinkState state, CancellationToken cancellation);

    /// <summary>
    /// Prepares a commit: make every result outside of the store as durable as the store is, and add the rest to the commit. If the method
    /// throws, nothing is committed: it is called again for the same items, after <see cref="VoidedAsync"/> and a wait. If it throws an
    /// <see cref="ItemRejectedException"/>, only that item fails, and the method is called again for the others.
    /// </summary>
    protected abstract ValueTask PrepareAsync(SinkCommit<T> commit, CancellationToken cancellation);

    /// <summary>The commit is applied. Not called if the process dies first, or if the consecutor stops and the store does not answer
    /// within the time of the stop: <see cref="BeginAsync"/> then shows that it was. If the method throws, the commit stays applied, and a
    /// warning says so (<see cref="ConsecutorOptions.OnWarning"/>).</summary>
    protected virtual ValueTask CommittedAsync(SinkCommit<T> commit, CancellationToken cancellation) => default;

    /// <summary>The commit is void: undo the prepared results. The items come again in another commit, here or in another
    /// process. Not called in the cases that <see cref="CommittedAsync"/> names.</summary>
    protected virtual ValueTask VoidedAsync(SinkCommit<T> commit, CancellationToken cancellation) => default;

    /// <summary>The consecutor ends: release outside resources. No commit follows. The sinks of a consecutor may end at the same
    /// time. If another method of the sink has not returned, this one is called when it has, perhaps after the consecutor has
    /// stopped.</summary>
    protected virtual ValueTask EndAsync() => default;

    internal ValueTask Begin(SinkState state, CancellationToken cancellation) => BeginAsync(state, cancellation);

    internal ValueTask Prepare(SinkCommit<T> commit, CancellationToken cancellation) => PrepareAsync(commit, cancellation);

    internal ValueTask Finish(SinkCommit<T> commit, bool isCommitted, CancellationToken cancellation)
        => isCommitted ? CommittedAsync(commit, cancellation) : VoidedAsync(commit, cancellation);

    internal ValueTask End() => EndAsync();
}

/// <summary>The committed state of a sink when its consecutor starts.</summary>
/// <param name="Consecutor">The consecutor's name.</param>
/// <param name="Node">The name of the sink's node.</param>
/// <param name="Store">The store; null if the consecutor has none.</param>
/// <param name="FileLengths">The committed lengths of this sink's files, in bytes, by name: the largest of the partitions that the
/// consecutor owns in this process.</param>
/// <param name="Time">The clock of the run.</param>
public sealed record SinkState(string Consecutor, string Node, IStreamStore? Store, IReadOnlyDictionary<string, long> FileLengths,
    TimeProvider Time)
{
    /// <summary>The numbers of the partitions that the consecutor owns in this process: commits of no others are prepared.</summary>
    public IReadOnlyList<int> Partitions { get; init; } = [];

    /// <summary>Whether the consecutor owns all partitions in this process. If not, <see cref="FileLengths"/> does not tell what other
    /// members have committed: a sink that begins must not cut a file that is longer.</summary>
    public bool HasAllPartitions { get; init; } = true;
}

/// <summary>An item that reached a sink, of a root that has ended.</summary>
/// <param name="Value">The item.</param>
/// <param name="Id">
/// The id of its root (<see cref="ItemContext.Id"/>). An accepted item has the same id at every attempt. An item that a stage with state
/// has put out, such as a chunk, may have another id until it is committed.
/// </param>
/// <param name="Attempt">The number of the attempt that succeeded, from 1.</param>
/// <param name="Ordinal">The number of the item among those of its root that reached this sink, from zero.</param>
public readonly record struct StagedItem<T>(T Value, string Id, int Attempt, int Ordinal);
