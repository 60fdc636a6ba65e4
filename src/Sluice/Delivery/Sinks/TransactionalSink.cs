namespace Sluice;

/// <summary>
/// A sink that takes part in the commits of its consecutor: what it makes of an item becomes durable with the commit that settles the item, or not at
/// all, so that it is there exactly once, whatever happens. Put into a pipeline with <see cref="Sink.Commit{T}"/>.
/// </summary>
/// <remarks>
/// <para>
/// Items that reach it are staged on their root. When the root has completely ended, they are handed to <see cref="PrepareAsync"/> together with those
/// of the other roots of one commit; items of attempts that failed never are. The order is that of the roots' ends; items of one root come in the
/// order in which they reached the sink.
/// </para>
/// <para>
/// There is one instance for each start of a consecutor. Its methods never overlap. Several sinks prepare one after the other, and commits that
/// concern a sink come one after the other as well: a prepared one is committed or void before the next is prepared.
/// </para>
/// <para>
/// What belongs to the store is added to the commit (<see cref="SinkCommit{T}"/>): lengths of files, attachments, entries of other streams. For what lies outside,
/// write it in <see cref="PrepareAsync"/> such that it can be recognised and taken back: bytes behind a file's committed length, rows that carry their root's id.
/// </para>
/// </remarks>
/// <typeparam name="T">The type of the items.</typeparam>
public abstract class TransactionalSink<T>
{
    /// <summary>
    /// Called before the first commit, and again whenever partitions were taken anew: everything that was prepared and not committed is void. Put the
    /// outside into the state that <paramref name="state"/> describes: cut files to their committed lengths, for example.
    /// </summary>
    protected abstract ValueTask BeginAsync(SinkState state, CancellationToken cancellation);

    /// <summary>
    /// A commit is about to be made: make everything that lies outside of the store as durable as the store is, and add the rest to the commit.
    /// If it throws, nothing is committed: it is called again for the same items, after <see cref="VoidedAsync"/> and a wait. If it throws an <see cref="ItemRejectedException"/>, that one item
    /// has failed, and it is called for the others.
    /// </summary>
    protected abstract ValueTask PrepareAsync(SinkCommit<T> commit, CancellationToken cancellation);

    /// <summary>The commit is applied. Not called if the process dies first: <see cref="BeginAsync"/> then shows that it was.</summary>
    protected virtual ValueTask CommittedAsync(SinkCommit<T> commit, CancellationToken cancellation) => default;

    /// <summary>The commit is void: take back what was prepared. Its items come again, in another commit, here or elsewhere.</summary>
    protected virtual ValueTask VoidedAsync(SinkCommit<T> commit, CancellationToken cancellation) => default;

    /// <summary>The consecutor ends: let go of what is outside. Nothing may be committed any more.</summary>
    protected virtual ValueTask EndAsync() => default;

    internal ValueTask Begin(SinkState state, CancellationToken cancellation) => BeginAsync(state, cancellation);

    internal ValueTask Prepare(SinkCommit<T> commit, CancellationToken cancellation) => PrepareAsync(commit, cancellation);

    internal ValueTask Finish(SinkCommit<T> commit, bool isCommitted, CancellationToken cancellation)
        => isCommitted ? CommittedAsync(commit, cancellation) : VoidedAsync(commit, cancellation);

    internal ValueTask End() => EndAsync();
}

/// <summary>What a sink finds when its consecutor starts.</summary>
/// <param name="Consecutor">The consecutor's name.</param>
/// <param name="Node">The sink's node.</param>
/// <param name="Store">The store; null if the consecutor has none.</param>
/// <param name="FileLengths">The committed lengths of this sink's files, in bytes, by name: the largest of all partitions.</param>
/// <param name="Time">The clock of the run.</param>
public sealed record SinkState(string Consecutor, string Node, IStreamStore? Store, IReadOnlyDictionary<string, long> FileLengths, TimeProvider Time);

/// <summary>An item that reached a sink, of a root that has ended.</summary>
/// <param name="Value">The item.</param>
/// <param name="Id">The id of its root, the same at every attempt (<see cref="ItemContext.Id"/>).</param>
/// <param name="Attempt">The number of the attempt that succeeded, from 1.</param>
/// <param name="Ordinal">The number of the item among those of its root that reached this sink, from zero.</param>
public readonly record struct StagedItem<T>(T Value, string Id, int Attempt, int Ordinal);
