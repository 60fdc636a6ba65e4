using Sluice.Pipelines;

namespace Sluice;

// Combining pipelines: for graphs with several ends that share a source (Share).
public sealed partial class Pipeline
{
    /// <summary>Combines several pipelines into one: they run together, and the run ends when all of them have ended. A source that they
    /// share (<see cref="SourceExtensions.Share"/>) runs once.</summary>
    /// <param name="pipelines">At least one.</param>
    /// <exception cref="ArgumentException">There is no pipeline.</exception>
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

    /// <summary>Builds the pipelines, the last one first.</summary>
    internal override void Build(RunBuilder builder, Inlet<Unit> next)
    {
        next.ShareAmong(ends.Length);
        for (int i = ends.Length - 1; i >= 0; i--) ends[i].Build(builder, next);
    }
}
