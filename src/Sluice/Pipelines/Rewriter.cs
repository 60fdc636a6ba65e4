namespace Sluice;

/// <summary>One change that is made throughout a piece of a pipeline.</summary>
internal abstract class Rewriter
{
    /// <summary>What is to stand where a pipe was open.</summary>
    public virtual Source<T> Open<T>(OpenSource<T> open) => open;

    /// <summary>What is to do the work of a stage.</summary>
    public virtual Operator<TIn, TOut> Stage<TIn, TOut>(Operator<TIn, TOut> stage, StageOptions options) => stage;
}

/// <summary>Puts a source where a pipe was open.</summary>
internal sealed class Joiner(object open, object source) : Rewriter
{
    public override Source<T> Open<T>(OpenSource<T> found) => ReferenceEquals(found, open) ? (Source<T>)source : found;
}
