using Sluice.Scheduling;

namespace Sluice.Delivery;

/// <summary>The sinks of a consecutor that take part in its commits. Each node has one, shared by all runs and lanes that stage for
/// it.</summary>
internal interface ISinkBindings
{
    SinkBinding<T> Bind<T>(string node, Func<SinkBinding<T>> make);
}

/// <summary>The sink of one node, as the committer sees it.</summary>
/// <remarks>All members but <see cref="Node"/>, <see cref="Running"/>, <see cref="EndWaitsFor"/> and <see cref="EndAsync"/> are called by
/// the committer only, one call at a time. Any thread may call those four: the end waits for the call that runs.</remarks>
internal abstract class SinkBinding(string node)
{
    private const string EndMethod = "EndAsync";

    private static readonly AsyncLocal<SinkCall?> Inner = new();

    private readonly AsyncLock calls = new();        // the end may come while another call has not returned
    private bool hasEnded;                           // under the lock
    private volatile string? running;
    private volatile bool isEnding;                  // nothing is begun or prepared any more

    public string Node => node;

    /// <summary>The sink whose code the caller runs in; null if there is none.</summary>
    public static SinkBinding? OfFlow => Inner.Value is { HasEnded: false } call ? call.Sink : null;

    /// <summary>The method of the sink that was called and has not returned; null if there is none.</summary>
    public string? Running => running;

    /// <summary>The method for whose return the end of the sink waits, also a moment before it is called; null if the end waits for the
    /// outcome of a commit.</summary>
    public string? EndWaitsFor => running ?? (IsPrepared ? null : EndMethod);

    /// <summary>Whether the sink has failed when it was told of its last commit.</summary>
    public bool FailsToConfirm { get; set; }

    /// <summary>Whether the sink has failed to say which item a part of its attachment is of.</summary>
    public bool FailsToFind { get; set; }

    public abstract ValueTask BeginAsync(SinkState state, CancellationToken cancellation);

    /// <summary>Adds a part of a root that the next commit settles.</summary>
    public abstract void Collect(StagedPart part, Root root, int ordinal);

    /// <summary>Whether parts were collected.</summary>
    public abstract bool IsConcerned { get; }

    /// <summary>Returns the root of an item of the prepared commit, by the index of the item; null if there is no such item.</summary>
    public abstract Root? RootOf(int? item);

    public abstract ValueTask PrepareAsync(CommitParts parts, CancellationToken cancellation);

    /// <summary>Tells the sink the outcome of the prepared commit. If the commit is void, its parts come again with their roots.</summary>
    public abstract ValueTask FinishAsync(bool isCommitted, CancellationToken cancellation);

    /// <summary>Ends the sink, when it knows the outcome of the commit that it has prepared.</summary>
    /// <param name="outcome">Ends when the sink hears nothing more of that commit.</param>
    public async ValueTask EndAsync(Task outcome)
    {
        isEnding = true;
        await calls.EnterAsync(CancellationToken.None).ConfigureAwait(false);
        calls.Leave();
        if (IsPrepared) await outcome.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await TryCallAsync(EndMethod, End, isEnd: true).ConfigureAwait(false);
    }

    /// <summary>Whether the sink has prepared a commit, and was not told its outcome. Any thread.</summary>
    protected abstract bool IsPrepared { get; }

    protected abstract ValueTask End();

    /// <summary>Calls a method of the sink, unless the sink has ended. It begins in an empty execution context, whoever starts or stops the
    /// consecutor, which is marked as code of the sink meanwhile.</summary>
    /// <param name="method">The name of the method.</param>
    /// <param name="call">Calls it.</param>
    /// <param name="isEnd">Whether no call may follow.</param>
    /// <param name="isNew">Whether the call begins something, so that it is not made while the sink waits for its end.</param>
    /// <returns>False if the sink has ended.</returns>
    protected async ValueTask<bool> TryCallAsync(string method, Func<ValueTask> call, bool isEnd = false, bool isNew = false)
    {
        await calls.EnterAsync(CancellationToken.None).ConfigureAwait(false);
        SinkCall? mark = null;
        try
        {
            if (hasEnded || (isNew && isEnding)) return false;
            (hasEnded, running, mark) = (isEnd, method, new(this));
            await Detached.Run(() =>
            {
                Inner.Value = mark;
                return call();
            }).ConfigureAwait(false);
            return true;
        }
        finally
        {
            if (mark is not null) mark.HasEnded = true;
            running = null;
            calls.Leave();
        }
    }

    /// <summary>As <see cref="TryCallAsync"/>, for a call that nothing goes on without.</summary>
    /// <exception cref="OperationCanceledException">The sink has ended, because the consecutor ends.</exception>
    protected async ValueTask CallAsync(string method, Func<ValueTask> call)
    {
        if (!await TryCallAsync(method, call, isNew: true).ConfigureAwait(false))
            throw new OperationCanceledException($"The sink {node} has ended.");
    }

    /// <summary>A call, in the flow of its code and of all that the code has begun, which may go on after the call.</summary>
    private sealed class SinkCall(SinkBinding sink)
    {
        public SinkBinding Sink => sink;

        public volatile bool HasEnded;
    }
}

internal sealed class SinkBinding<T>(string node, TransactionalSink<T> sink) : SinkBinding(node)
{
    private readonly Dictionary<string, long> known = new(StringComparer.Ordinal);
    private int generation;
    private List<StagedItem<T>> items = [];
    private readonly List<Root> roots = [];          // of the items, at the same indexes
    private SinkCommit<T>? prepared;
    private CommitParts? preparedParts;
    private volatile bool isPrepared;                // until the sink was told the outcome

    public override bool IsConcerned => items.Count > 0;

    public override Root? RootOf(int? item) => item is { } place && (uint)place < (uint)roots.Count ? roots[place] : null;

    public override async ValueTask BeginAsync(SinkState state, CancellationToken cancellation)
    {
        items.Clear();
        roots.Clear();
        prepared = null;
        isPrepared = false;

        // A length is stored with the partition whose commit moved it. If another member owns that partition, the remaining partitions
        // know a shorter length, and cutting the file to it would lose committed bytes. Only a store that went back may shorten a length.
        if (state.Store is { } store && store.Generation != generation)
        {
            known.Clear();
            generation = store.Generation;
        }
        foreach (var (name, length) in state.FileLengths) known[name] = Math.Max(length, known.GetValueOrDefault(name));
        SinkState copy = state with { FileLengths = new Dictionary<string, long>(known, StringComparer.Ordinal) };
        try
        {
            await CallAsync("BeginAsync", () => sink.Begin(copy, cancellation)).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or InvalidDataException or UnauthorizedAccessException)
        {
            throw new PipelineException(Node, null, e);      // its file or database is wrong, and not the code
        }
    }

    public override void Collect(StagedPart part, Root root, int ordinal)
    {
        items.Add(new(((StagedPart<T>)part).Item, root.Id, root.Attempt, ordinal));
        roots.Add(root);
    }

    public override async ValueTask PrepareAsync(CommitParts parts, CancellationToken cancellation)
    {
        (preparedParts, isPrepared) = (parts, true);
        SinkCommit<T> commit = prepared = new(parts, Node, items);
        await CallAsync("PrepareAsync", () => sink.Prepare(commit, cancellation)).ConfigureAwait(false);
    }

    public override async ValueTask FinishAsync(bool isCommitted, CancellationToken cancellation)
    {
        if (isCommitted && prepared is not null)
        {
            foreach (var (name, length) in FileNames.Select(Node, preparedParts!.FileLengths))
                if (length < 0) known.Remove(name);
                else known[name] = length;
        }
        // If the sink cannot undo it, the committer tells it again.
        SinkCommit<T>? commit = prepared;
        if (isCommitted) Clear();                    // it is applied, whatever the sink says
        if (commit is not null)
            await TryCallAsync(isCommitted ? "CommittedAsync" : "VoidedAsync", () => sink.Finish(commit, isCommitted, cancellation))
                .ConfigureAwait(false);
        Clear();
        isPrepared = false;
    }

    protected override bool IsPrepared => isPrepared;

    protected override ValueTask End() => sink.End();

    private void Clear()
    {
        prepared = null;
        items = [];
        roots.Clear();
    }
}

/// <summary>A result of a node for a root, which becomes durable with the commit that settles the root.</summary>
internal abstract class StagedPart(SinkBinding? sink) : IStacked<StagedPart>
{
    /// <summary>The sink that takes the part; null if the part is not for a sink.</summary>
    public SinkBinding? Sink => sink;

    public StagedPart? Next { get; set; }
}

internal sealed class StagedPart<T>(SinkBinding sink, T item) : StagedPart(sink)
{
    public T Item => item;
}
