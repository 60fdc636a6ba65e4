using Sluice.Pipelines;
using Sluice.Policies;

namespace Sluice;

public static partial class SourceExtensions
{
    /// <summary>Makes a source whose items are made once in a run and go to every user of the returned object. Use it to wire any graph
    /// without cycles, one statement per part. <c>var orders = (input | Parse).Share(); var large = orders | Check; Source.Merge(large,
    /// orders | Price) | Save</c>.</summary>
    /// <remarks><para>Every user gets every item, in the order written, and no item is lost. A slow user holds up the others once the
    /// buffers in between are full. Without <c>Share</c>, each use of a source makes its items anew.</para>
    /// <para>Shared branches meet again in <c>Merge</c> and <c>Join</c>. A <c>Zip</c> or <c>Concat</c> of two users of one source is
    /// refused when the run is built: one side would wait for items that the other side holds up. To pair the outputs of one item, use
    /// <c>ForkJoin</c>, or the <c>Zip</c> of two branches.</para>
    /// <para>To put several ends into one run, use <see cref="Pipeline.Of"/>.</para></remarks>
    /// <typeparam name="T">The type of the items.</typeparam>
    /// <param name="source">The source to share.</param>
    public static Source<T> Share<T>(this Source<T> source)
    {
        Sharing.Use();
        return NotNull(source) as SharedSource<T> ?? new SharedSource<T>(source);
    }
}

/// <summary>A source with several users in one run. The last user that is built also builds the stages before it.</summary>
/// <remarks>Known by its identity: a rewrite makes one new object of it, or leaves the object as it is.</remarks>
internal sealed class SharedSource<T> : Source<T>, ISharedSource
{
    private Source<T>? upstream;

    public SharedSource(Source<T> upstream) => this.upstream = upstream;

    /// <summary>A source that is being rewritten: no other code sees it before its upstream is set.</summary>
    private SharedSource() { }

    internal override bool CrossesThreads => true;

    internal override bool IsUnordered => Upstream.IsUnordered;

    private Source<T> Upstream => upstream ?? throw new InvalidOperationException("A shared source was used while it was made.");

    private protected override string Cannot => "this is where a shared source is used. Annotate the stage before Share";

    internal override Source<T> Rewrite(Rewriter rewriter)
    {
        if (!rewriter.Changes(this)) return this;
        SharedUse use = rewriter.Use(this, static () => new SharedSource<T>());
        var rewritten = (SharedSource<T>)use.Rewritten;
        if (--use.Left > 0) return rewritten;
        if (use.Count > 1 && rewriter.Visit()) throw rewriter.CannotReplace("broadcast");
        rewritten.upstream = Upstream.Rewrite(rewriter);
        return rewritten;
    }

    void ISharedSource.Visit(Rewriter rewriter) => _ = Upstream.Rewrite(rewriter);

    internal override void Build(RunBuilder builder, Inlet<T> next)
    {
        if (builder.Uses.Add(this, next, () => Upstream.Build(builder, new DrawnInlet<T>(-1))) is not { } inlets) return;
        if (inlets is [var only])
        {
            Upstream.Build(builder, only);
            return;
        }
        var broadcast = new BroadcastOperator<T>();
        int node = builder.AddNode(broadcast.Kind, StageOptions.Default, null, null, typeof(T), typeof(T), isOnlyEdges: true);
        foreach (Inlet<T> inlet in inlets) builder.Connect(node, inlet);         // backwards, as everything is built
        inlets.Reverse();
        if (builder.IsDrawing)
        {
            Upstream.Build(builder, builder.Drawn<T>(node));
            return;
        }
        Inlet<T> all = broadcast.Create(builder.Context(node), [.. inlets.Select(builder.Isolated)]);
        builder.Enter(node, all);
        Upstream.Build(builder, all);
    }
}

/// <summary>A shared source, independent of its item type.</summary>
internal interface ISharedSource
{
    /// <summary>Lets the rewriter visit the stages before the source.</summary>
    void Visit(Rewriter rewriter);
}
