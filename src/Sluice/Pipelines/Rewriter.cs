namespace Sluice;

/// <summary>One change that is made throughout a piece of a pipeline.</summary>
/// <remarks>Used once. Nodes are visited, and counted, in the order in which a run numbers them.</remarks>
internal abstract class Rewriter
{
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

    /// <summary>A node that is neither is to be replaced.</summary>
    public virtual Exception CannotReplace(string kind) => new NotSupportedException();
}

/// <summary>Puts a source where a pipe was open.</summary>
internal sealed class Joiner(object open, object source) : Rewriter
{
    public override Source<T> Open<T>(OpenSource<T> found) => ReferenceEquals(found, open) ? (Source<T>)source : found;
}

/// <summary>Puts another piece in the place of one node, under its name.</summary>
/// <param name="number">The number of the node.</param>
/// <param name="name">Its name.</param>
/// <param name="replacement">A source or a pipe of the node's types.</param>
internal sealed class NodeReplacer(int number, string name, object replacement) : Rewriter
{
    private int visited;

    public override bool Visit() => visited++ == number;

    public override Source<T> Source<T>(Source<T> original) => replacement as Source<T> is { } source
        ? source.Annotate(Sluice.Stage.Named(name))
        : throw DoesNotFit($"is a source of {TypeNames.Of(typeof(T))}");

    public override Source<TOut> Stage<TIn, TOut>(Source<TIn> before, Source<TOut> original) => replacement is Pipe<TIn, TOut> pipe
        ? pipe.Annotate(Sluice.Stage.Named(name)).After(before)
        : throw DoesNotFit(typeof(TOut) == typeof(Nothing)
            ? $"is a sink of {TypeNames.Of(typeof(TIn))}"
            : $"takes {TypeNames.Of(typeof(TIn))} and puts out {TypeNames.Of(typeof(TOut))}");

    public override Exception CannotReplace(string kind)
        => new InvalidOperationException($"The node '{name}' is a {kind}, which is part of how the pipeline is wired. Replace the stages around it.");

    private InvalidOperationException DoesNotFit(string what)
        => new($"The node '{name}' {what}; what is to replace it is of another type, or has no end of that kind.");
}
