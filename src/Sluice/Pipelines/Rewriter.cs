namespace Sluice.Pipelines;

/// <summary>Applies one change to all nodes of a pipeline or a part of it.</summary>
/// <remarks>Used once. Nodes are visited and counted in the order in which a run numbers them.</remarks>
internal abstract class Rewriter
{
    private Dictionary<object, SharedUse>? uses;
    private Dictionary<object, int>? expected;       // users of the sources that pipes share inside

    /// <summary>Returns the source to put at the open end of a pipe.</summary>
    public virtual Source<T> Open<T>(OpenSource<T> open) => open;

    /// <summary>Counts a node.</summary>
    /// <returns>Whether to replace this node.</returns>
    public virtual bool Visit() => false;

    /// <summary>Returns the replacement of a source.</summary>
    /// <param name="original">The source.</param>
    public virtual Source<T> Source<T>(Source<T> original) => throw new NotSupportedException();

    /// <summary>Returns the replacement of a stage, behind the source before it.</summary>
    /// <param name="before">The rewritten source before the stage.</param>
    /// <param name="original">The stage to replace, behind that source.</param>
    public virtual Source<TOut> Stage<TIn, TOut>(Source<TIn> before, Source<TOut> original) => throw new NotSupportedException();

    /// <summary>Rewrites a stage and everything before it.</summary>
    /// <param name="upstream">The source before the stage.</param>
    /// <param name="make">Makes the same stage behind the rewritten source.</param>
    public Source<TOut> Rewrite<TIn, TOut>(Source<TIn> upstream, Func<Source<TIn>, Source<TOut>> make)
    {
        StageStack.Ensure();
        bool isReplaced = Visit();
        Source<TIn> before = upstream.Rewrite(this);
        Source<TOut> same = make(before);
        return isReplaced ? Stage(before, same) : same;
    }

    /// <summary>Whether a node before a shared source changes. If none does, the source stays the same object, because other graphs may use
    /// it.</summary>
    public virtual bool Changes(ISharedSource shared) => true;

    /// <summary>Whether each use of a pipe gets shared sources of its own, as in a build.</summary>
    public virtual bool TakesApart => true;

    /// <summary>Notes the sources that a pipe shares inside, each with its number of users.</summary>
    public void Expect(Dictionary<object, int>? shared)
    {
        if (shared is null) return;
        expected ??= new(ReferenceEqualityComparer.Instance);
        foreach (var (source, users) in shared) expected[source] = users;
    }

    /// <summary>Notes that a user of a shared source is rewritten.</summary>
    /// <param name="shared">The source.</param>
    /// <param name="make">Makes the replacement of the source.</param>
    public SharedUse Use(object shared, Func<object> make)
    {
        uses ??= new(ReferenceEqualityComparer.Instance);
        if (!uses.TryGetValue(shared, out SharedUse? use))
            uses.Add(shared, use = new(make(), expected is not null && expected.TryGetValue(shared, out int users) ? users
                : UsesOf(shared)));
        return use;
    }

    /// <summary>The number of users of a shared source that will be rewritten. One, if the order of nodes has no meaning.</summary>
    protected virtual int UsesOf(object shared) => 1;

    /// <summary>Makes the error for a node that is neither a source nor a stage.</summary>
    public virtual Exception CannotReplace(string kind) => new NotSupportedException();
}

/// <summary>Joins a source to the open end of a pipe.</summary>
internal sealed class Joiner(object open, object source) : Rewriter
{
    private Dictionary<object, bool>? changes;

    public override bool TakesApart => false;

    public override Source<T> Open<T>(OpenSource<T> found) => ReferenceEquals(found, open) ? (Source<T>)source : found;

    public override bool Changes(ISharedSource shared)
    {
        changes ??= new(ReferenceEqualityComparer.Instance);
        if (changes.TryGetValue(shared, out bool known)) return known;
        return changes[shared] = OpenFinder.Finds(open, shared);
    }
}

/// <summary>Changes one node, known by its number in the topology.</summary>
/// <param name="number">The number of the node.</param>
/// <param name="uses">The shared sources of the pipeline, each with its number of users.</param>
internal abstract class NodeRewriter(int number, Dictionary<object, int> uses) : Rewriter
{
    private int visited;

    public sealed override bool Visit() => visited++ == number;

    protected sealed override int UsesOf(object shared) => uses[shared];
}

/// <summary>Replaces one node and keeps its name.</summary>
/// <param name="number">The number of the node.</param>
/// <param name="name">The name of the node.</param>
/// <param name="replacement">A source or a pipe of the node's types.</param>
/// <param name="uses">The shared sources of the pipeline, each with its number of users.</param>
internal sealed class NodeReplacer(int number, string name, object replacement, Dictionary<object, int> uses) : NodeRewriter(number, uses)
{
    public override Source<T> Source<T>(Source<T> original) => replacement as Source<T> is { } source
        ? source.Annotate(Sluice.Stage.Named(name))
        : throw DoesNotFit($"is a source of {TypeNames.Of(typeof(T))}");

    public override Source<TOut> Stage<TIn, TOut>(Source<TIn> before, Source<TOut> original) => replacement is Pipe<TIn, TOut> pipe
        ? pipe.Annotate(Sluice.Stage.Named(name)).After(before)
        : throw DoesNotFit(typeof(TOut) == typeof(Unit)
            ? $"is a sink of {TypeNames.Of(typeof(TIn))}"
            : $"takes {TypeNames.Of(typeof(TIn))} and puts out {TypeNames.Of(typeof(TOut))}");

    public override Exception CannotReplace(string kind)
        => new InvalidOperationException(
        $"The node '{name}' is a {kind}, which is part of how the pipeline is wired. Replace the stages around it.");

    private InvalidOperationException DoesNotFit(string what)
        => new($"The node '{name}' {what}; what is to replace it is of another type, or has no end of that kind.");
}
