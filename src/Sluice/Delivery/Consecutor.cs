namespace Sluice;

/// <summary>
/// A pipeline that reads a stream and commits what it has completely processed: what it accepts is processed, even if the process dies and is started
/// again. The unit of guarantee: what exactly is promised is in docs/guarantees.md.
/// </summary>
/// <remarks>
/// <para>
/// Accepted items are entries of a stream in <see cref="ConsecutorOptions.Store"/> that has the consecutor's name. They are leased in bounded batches, go through the
/// pipeline, and are settled by commits, together with what the pipeline has made of them there. An item that fails is replayed as
/// <see cref="ConsecutorOptions.Delivery"/> says, and kept as a dead letter then; the others go on meanwhile. So order holds until something fails.
/// </para>
/// <para>All members may be called from any thread. One start at a time.</para>
/// </remarks>
/// <example><code>
/// await using var payments = new Consecutor&lt;Payment&gt;("payments", source => source | Validate | BookAsync,
///     new ConsecutorOptions { Store = store, Delivery = Delivery.Replay(5) });
/// await payments.StartAsync();
/// await payments.SendAsync(payment);          // durable when it returns
/// </code></example>
/// <typeparam name="T">The type of the items.</typeparam>
public sealed partial class Consecutor<T> : IAsyncDisposable
{
    /// <summary>Makes a consecutor; nothing runs and nothing is opened yet.</summary>
    /// <param name="name">Its name, and that of its stream: 1 to 200 characters. What it has accepted is found again by it.</param>
    /// <param name="body">Makes the pipeline out of the source of accepted items; called once.</param>
    /// <param name="options">How it works; in memory, with three replays, unless given.</param>
    /// <exception cref="InvalidTopologyException">
    /// A stage holds or combines items, or remembers some, and would forget them with the process; or the pipeline has a source of its own.
    /// </exception>
    public Consecutor(string name, Func<Source<T>, Pipeline> body, ConsecutorOptions? options = null) => throw new NotImplementedException();

    /// <summary>Its name, and that of its stream and group.</summary>
    public string Name => throw new NotImplementedException();

    /// <summary>The pipeline as a graph.</summary>
    public Topology Topology => throw new NotImplementedException();

    /// <summary>
    /// The key of an item, if items have one: those of one key are in one partition, and are handed to the pipeline in the order in which they were
    /// accepted. Null unless given: then the store distributes items as it likes.
    /// </summary>
    public Func<T, string>? Key { get; init; }

    /// <summary>Ends when the consecutor is stopped or disposed; faulted when it could not go on.</summary>
    public Task Completion => throw new NotImplementedException();

    /// <summary>Takes the partitions that nobody else has, and resumes what was pending: at once, or when earlier owners have been silent for the lease time.</summary>
    /// <exception cref="InvalidOperationException">It was started before.</exception>
    /// <exception cref="StreamStoreException">The store failed, or the stream there has another number of partitions.</exception>
    public Task StartAsync(CancellationToken cancellation = default) => throw new NotImplementedException();

    /// <summary>Stops: nothing more is leased, what is under way ends and is committed, partitions are given back. Costs no item an attempt.</summary>
    /// <remarks>End hooks of nodes are not called: the input has not ended.</remarks>
    /// <param name="deadline">How long that may take before the rest is cancelled and goes back to the store; no limit unless given.</param>
    /// <returns>Whether all that was under way has ended.</returns>
    public Task<bool> StopAsync(TimeSpan? deadline = null) => throw new NotImplementedException();

    /// <summary>Leases nothing more until <see cref="Resume"/>; what is sent is accepted as before.</summary>
    public void Pause() => throw new NotImplementedException();

    /// <summary>Goes on after <see cref="Pause"/>.</summary>
    public void Resume() => throw new NotImplementedException();

    /// <summary>Cancels what is under way, which goes back to the store, uncharged. Throws nothing.</summary>
    public ValueTask DisposeAsync() => throw new NotImplementedException();

    /// <summary>Sends an item. It is accepted, as durably as the store is, when the task completes. Waits while the stream is full.</summary>
    /// <remarks>May be called before the start. Concurrent calls share appends; the order of concurrent calls is not defined.</remarks>
    /// <exception cref="PayloadException">The item cannot be written, or is too long.</exception>
    /// <exception cref="StreamStoreException">The store failed for long. Whether the item was accepted is not known.</exception>
    /// <exception cref="OperationCanceledException">Cancelled while waiting; the item may have been accepted if its append was under way.</exception>
    public ValueTask SendAsync(T item, CancellationToken cancellation = default) => throw new NotImplementedException();

    /// <summary>Sends several items, in order, in as few appends as possible; all are accepted when the task completes.</summary>
    /// <inheritdoc cref="SendAsync(T, CancellationToken)"/>
    public ValueTask SendAsync(IReadOnlyList<T> items, CancellationToken cancellation = default) => throw new NotImplementedException();

    /// <summary>Waits until everything that was accepted has ended: completed, or dead. Parked items and suspects that somebody else holds are waited for as well.</summary>
    /// <returns>The consecutor at that moment.</returns>
    public Task<ConsecutorSnapshot> IdleAsync(CancellationToken cancellation = default) => throw new NotImplementedException();

    /// <summary>Where every accepted item is, and the pipeline's nodes. Never waits.</summary>
    public ConsecutorSnapshot Snapshot() => throw new NotImplementedException();

    /// <summary>The dead letters, oldest first, read from the store page by page.</summary>
    public IAsyncEnumerable<DeadLetter> DeadLetters(CancellationToken cancellation = default) => throw new NotImplementedException();

    /// <summary>
    /// Processes dead letters again: from the failing node, with what it was given, where that is kept; else from the start. They have all
    /// their attempts again, keep their ids, and give up their order.
    /// </summary>
    /// <param name="which">Chooses the letters; all unless given.</param>
    /// <param name="cancellation">Gives up; what was redriven until then stays so.</param>
    /// <returns>How many there were.</returns>
    public Task<int> RedriveAsync(Func<DeadLetter, bool> which, CancellationToken cancellation = default) => throw new NotImplementedException();

    /// <summary>Processes dead letters again, so many in a second.</summary>
    /// <inheritdoc cref="RedriveAsync(Func{DeadLetter, bool}, CancellationToken)"/>
    /// <param name="which">Chooses the letters.</param>
    /// <param name="perSecond">The most letters in a second; more than zero.</param>
    /// <param name="cancellation">Gives up; what was redriven until then stays so.</param>
    public Task<int> RedriveAsync(Func<DeadLetter, bool> which, double perSecond, CancellationToken cancellation = default) => throw new NotImplementedException();

    /// <summary>Processes the dead letters of one item again, by its id (<see cref="DeadLetter.Id"/>).</summary>
    /// <inheritdoc cref="RedriveAsync(Func{DeadLetter, bool}, CancellationToken)"/>
    public Task<int> RedriveAsync(string id, CancellationToken cancellation = default) => throw new NotImplementedException();

    /// <summary>Deletes dead letters. They are counted as cancelled from then on.</summary>
    /// <returns>How many there were.</returns>
    public Task<int> DeleteDeadLettersAsync(Func<DeadLetter, bool> which, CancellationToken cancellation = default) => throw new NotImplementedException();
}
