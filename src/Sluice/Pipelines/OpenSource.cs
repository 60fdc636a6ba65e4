namespace Sluice;

/// <summary>The open end at which a pipe begins: stands for whatever it will be joined to.</summary>
internal sealed class OpenSource<T> : Source<T>
{
    internal override bool CrossesThreads => false;

    internal override void Build(RunBuilder builder, Inlet<T> next) => builder.LeaveOpen(this, next);

    internal override Source<T> Rewrite(Rewriter rewriter) => rewriter.Open(this);
}
