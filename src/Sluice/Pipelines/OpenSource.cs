namespace Sluice.Pipelines;

/// <summary>The open input of a pipe: a placeholder for the source that the pipe will be joined to.</summary>
internal sealed class OpenSource<T> : Source<T>
{
    internal override bool CrossesThreads => false;

    internal override void Build(RunBuilder builder, Inlet<T> next) => builder.LeaveOpen(this, next);

    internal override Source<T> Rewrite(Rewriter rewriter) => rewriter.Open(this);
}
