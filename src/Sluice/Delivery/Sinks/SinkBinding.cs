namespace Sluice;

/// <summary>The sinks of a consecutor that take part in its commits, one for each node, whatever number of runs and lanes stage for it.</summary>
internal interface ISinkBindings
{
    SinkBinding<T> Bind<T>(string node, Func<SinkBinding<T>> make);
}

/// <summary>A sink, as the committer sees it.</summary>
/// <remarks>Everything but <see cref="Node"/> is called by the committer only, one call at a time.</remarks>
internal abstract class SinkBinding(string node)
{
    public string Node => node;

    public abstract ValueTask BeginAsync(SinkState state, CancellationToken cancellation);

    /// <summary>Takes a part of a root that the next commit settles.</summary>
    public abstract void Collect(StagedPart part, Root root, int ordinal);

    /// <summary>Whether parts were collected.</summary>
    public abstract bool IsConcerned { get; }

    /// <summary>The root of an item of the prepared commit, by its place; null if there is no such item.</summary>
    public abstract Root? RootOf(int? item);

    public abstract ValueTask PrepareAsync(CommitParts parts, CancellationToken cancellation);

    /// <summary>The outcome of the prepared commit is known. After one that is void, its parts come again with their roots.</summary>
    public abstract ValueTask FinishAsync(bool isCommitted, CancellationToken cancellation);

    public abstract ValueTask EndAsync();
}

internal sealed class SinkBinding<T>(string node, TransactionalSink<T> sink) : SinkBinding(node)
{
    private readonly Dictionary<string, long> known = new(StringComparer.Ordinal);
    private int generation;
    private List<StagedItem<T>> items = [];
    private readonly List<Root> roots = [];          // of the items
    private SinkCommit<T>? prepared;
    private CommitParts? preparedParts;

    public override bool IsConcerned => items.Count > 0;

    public override Root? RootOf(int? item) => item is { } place && (uint)place < (uint)roots.Count ? roots[place] : null;

    public override ValueTask BeginAsync(SinkState state, CancellationToken cancellation)
    {
        items.Clear();
        roots.Clear();
        prepared = null;

        // A length is stored with the partition whose commit moved it. If that one is with somebody else for the moment, what the others know is shorter: a file that
        // was cut to that would lose what is committed. Only a store that went back makes a length shorter.
        if (state.Store is { } store && store.Generation != generation)
        {
            known.Clear();
            generation = store.Generation;
        }
        foreach (var (name, length) in state.FileLengths) known[name] = Math.Max(length, known.GetValueOrDefault(name));
        return sink.Begin(state with { FileLengths = new Dictionary<string, long>(known, StringComparer.Ordinal) }, cancellation);
    }

    public override void Collect(StagedPart part, Root root, int ordinal)
    {
        items.Add(new(((StagedPart<T>)part).Item, root.Id, root.Attempt, ordinal));
        roots.Add(root);
    }

    public override ValueTask PrepareAsync(CommitParts parts, CancellationToken cancellation)
    {
        preparedParts = parts;
        prepared = new(parts, Node, items);
        return sink.Prepare(prepared, cancellation);
    }

    public override async ValueTask FinishAsync(bool isCommitted, CancellationToken cancellation)
    {
        SinkCommit<T>? commit = prepared;
        prepared = null;
        items = [];
        roots.Clear();
        if (commit is null) return;
        if (isCommitted)
        {
            foreach (var (name, length) in FileNames.Select(Node, preparedParts!.FileLengths))
                if (length < 0) known.Remove(name);
                else known[name] = length;
        }
        await sink.Finish(commit, isCommitted, cancellation).ConfigureAwait(false);
    }

    public override ValueTask EndAsync() => sink.End();
}

/// <summary>What a node has made of a part of a root, to become durable with the commit that settles the root.</summary>
internal abstract class StagedPart(SinkBinding? sink) : IStacked<StagedPart>
{
    /// <summary>The sink that is to be told; null if it is not for a sink.</summary>
    public SinkBinding? Sink => sink;

    public StagedPart? Next { get; set; }
}

internal sealed class StagedPart<T>(SinkBinding sink, T item) : StagedPart(sink)
{
    public T Item => item;
}
