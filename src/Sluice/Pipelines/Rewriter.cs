namespace Sluice;

/// <summary>One change that is made throughout a piece of a pipeline.</summary>
/// <remarks>Used once. Nodes are visited, and counted, in the order in which a run numbers them.</remarks>
internal abstract class Rewriter
{
    private Dictionary<object, SharedUse>? uses;
    private Dictionary<object, int>? expected;       // of sources that pipes share inside

    /// <summary>What is to stand where a pipe was open.</summary>
    public virtual Source<T> Open<T>(OpenSource<T> open) => open;

    /// <summary>Counts a node.</summary>
    /// <returns>Whether this node is to be replaced.</returns>
    public virtual bool Visit() => false;

    /// <summary>What is to stand for a source that is to be replaced.</summary>
    /// <param name="original">The source.</param>
    public virtual Source<T> Source<T>(Source<T> original) => throw new NotSupportedException();

    /// <summary>What is to stand for a stage that is to be replaced, behind what is before it.</summary>
    /// <param name="before">What is before it, rewritten.</param>
    /// <param name="original">The stage behind that.</param>
    public virtual Source<TOut> Stage<TIn, TOut>(Source<TIn> before, Source<TOut> original) => throw new NotSupportedException();

    /// <summary>Whether something before a shared source changes. If not, it stays the value that it is, which others may use as well.</summary>
    public virtual bool Changes(ISharedSource shared) => true;

    /// <summary>Whether each use of a pipe has shared sources of its own, as it has when it is built.</summary>
    public virtual bool TakesApart => true;

    /// <summary>Sources that a pipe shares inside, and how many users each has.</summary>
    public void Expect(Dictionary<object, int>? shared)
    {
        if (shared is null) return;
        expected ??= new(ReferenceEqualityComparer.Instance);
        foreach (var (source, users) in shared) expected[source] = users;
    }

    /// <summary>A user of a shared source is rewritten.</summary>
    /// <param name="shared">The source.</param>
    /// <param name="make">Makes the one that takes its place.</param>
    public SharedUse Use(object shared, Func<object> make)
    {
        uses ??= new(ReferenceEqualityComparer.Instance);
        if (!uses.TryGetValue(shared, out SharedUse? use)) uses.Add(shared, use = new(make(), expected is not null && expected.TryGetValue(shared, out int users) ? users : UsesOf(shared)));
        return use;
    }

    /// <summary>How many users of a shared source will be rewritten. One, where the order in which nodes are visited means nothing.</summary>
    protected virtual int UsesOf(object shared) => 1;

    /// <summary>A node that is neither is to be replaced.</summary>
    public virtual Exception CannotReplace(string kind) => new NotSupportedException();
}

/// <summary>Puts a source where a pipe was open.</summary>
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

/// <summary>Does something to one node, whose number is that of the picture.</summary>
/// <param name="number">The number.</param>
/// <param name="uses">How many users each shared source of the pipeline has.</param>
internal abstract class NodeRewriter(int number, Dictionary<object, int> uses) : Rewriter
{
    private int visited;

    public sealed override bool Visit() => visited++ == number;

    protected sealed override int UsesOf(object shared) => uses[shared];
}

/// <summary>Puts another piece in the place of one node, under its name.</summary>
/// <param name="number">The number of the node.</param>
/// <param name="name">Its name.</param>
/// <param name="replacement">A source or a pipe of the node's types.</param>
/// <param name="uses">How many users each shared source of the pipeline has.</param>
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
        => new InvalidOperationException($"The node '{name}' is a {kind}, which is part of how the pipeline is wired. Replace the stages around it.");

    private InvalidOperationException DoesNotFit(string what)
        => new($"The node '{name}' {what}; what is to replace it is of another type, or has no end of that kind.");
}
