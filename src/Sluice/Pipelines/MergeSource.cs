using Sluice.Policies;

namespace Sluice.Pipelines;

/// <summary>Merges several inputs of one type into one.</summary>
internal abstract class MergeOperator<T>
{
    public abstract string Kind { get; }

    /// <summary>Whether it sometimes takes from one input only, while the other inputs wait.</summary>
    public virtual bool IsSelective => false;

    /// <summary>Makes an inlet for each input.</summary>
    public abstract Inlet<T>[] Create(StageContext context, Inlet<T> next, int inputs);
}

/// <summary>Several sources of one type, and the operator that merges them.</summary>
internal sealed class MergeSource<T>(Source<T>[] inputs, MergeOperator<T> merge, StageOptions options) : Source<T>
{
    /// <summary>The sources, merged by an operator without annotations.</summary>
    /// <exception cref="ArgumentException">There is no source, or one is null.</exception>
    public static MergeSource<T> Of(Source<T>[] sources, MergeOperator<T> merge)
    {
        ArgumentNullException.ThrowIfNull(sources);
        if (sources.Length == 0) throw new ArgumentException($"There is no source to {merge.Kind}.", nameof(sources));
        Source<T>[] all = [.. sources];
        int none = Array.IndexOf(all, null);
        if (none >= 0) throw new ArgumentException($"Source {none + 1} of the {merge.Kind} is null.", nameof(sources));
        return new(all, merge, StageOptions.Default);
    }

    internal override bool CrossesThreads => true;

    internal override Source<T> Annotate(StagePolicy policy)
    {
        StageOptions annotated = policy.Apply(options,
            new StageTraits(merge.Kind, "takes from several inputs", IsAsynchronous: false, IsSink: false));
        FanInOptions.Check(merge.Kind, policy, annotated);
        return new MergeSource<T>(inputs, merge, annotated);
    }

    internal override Source<T> Rewrite(Rewriter rewriter)
    {
        if (rewriter.Visit()) throw rewriter.CannotReplace(merge.Kind);
        var rewritten = new Source<T>[inputs.Length];
        for (int i = inputs.Length - 1; i >= 0; i--) rewritten[i] = inputs[i].Rewrite(rewriter);
        return new MergeSource<T>(rewritten, merge, options);
    }

    internal override void Build(RunBuilder builder, Inlet<T> next)
    {
        builder.CheckParts(merge.Kind);
        int node = builder.AddNode(
            new NodeRecord(merge.Kind, options, null, null, typeof(T),
                typeof(T))
            { StartsAnew = "takes what comes from several inputs in another order each time" });
        builder.Connect(node, next);
        if (options.Buffer is { } capacity && builder.IsMultiThread) next = builder.Boundary(next, capacity, node);
        next = builder.Isolated(next);
        Inlet<T>[] inlets = merge.Create(builder.Context(node), next, inputs.Length);
        FanIn fanIn = new(builder, node);
        for (int i = 0; i < inputs.Length; i++) inlets[i] = fanIn.AddInput(inlets[i]);
        for (int i = inputs.Length - 1; i >= 0; i--) inputs[i].Build(builder, inlets[i]);
        if (merge.IsSelective && builder.HasShared) RunBuilder.CheckApart(merge.Kind, [.. inputs.Select(SharedFinder.In)]);
    }
}
