namespace Sluice;

// Several pipelines as one: for graphs with several ends that share what is before them (Share).
public sealed partial class Pipeline
{
    /// <summary>Several pipelines as one: they run together, and end when all have ended. What they share (<see cref="Operators.Share"/>) is made once.</summary>
    /// <param name="pipelines">At least one.</param>
    /// <exception cref="ArgumentException">None.</exception>
    public static Pipeline Of(params IReadOnlyList<Pipeline> pipelines)
    {
        ArgumentNullException.ThrowIfNull(pipelines);
        if (pipelines.Count == 0) throw new ArgumentException("There is no pipeline to run.", nameof(pipelines));
        foreach (Pipeline pipeline in pipelines) ArgumentNullException.ThrowIfNull(pipeline, nameof(pipelines));
        return pipelines.Count == 1 ? pipelines[0] : new(new EndsSource([.. pipelines.Select(pipeline => pipeline.Tail)]));
    }
}

/// <summary>The ends of several pipelines.</summary>
internal sealed class EndsSource(Source<Unit>[] ends) : Source<Unit>
{
    internal override bool CrossesThreads => true;

    private protected override string Cannot => "several pipelines end here. Annotate the stages in them";

    internal override Source<Unit> Rewrite(Rewriter rewriter)
    {
        var rewritten = new Source<Unit>[ends.Length];
        for (int i = ends.Length - 1; i >= 0; i--) rewritten[i] = ends[i].Rewrite(rewriter);
        return new EndsSource(rewritten);
    }

    /// <summary>Backwards, as everything is built.</summary>
    internal override void Build(RunBuilder builder, Inlet<Unit> next)
    {
        next.ShareAmong(ends.Length);
        for (int i = ends.Length - 1; i >= 0; i--) ends[i].Build(builder, next);
    }
}
