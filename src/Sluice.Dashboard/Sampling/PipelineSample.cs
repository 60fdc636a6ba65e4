namespace Sluice.Dashboard.Sampling;

/// <summary>A pipeline at one look.</summary>
/// <param name="Name">Its name, which no other pipeline of the look has.</param>
/// <param name="Run">Its run; null if it has not started.</param>
/// <param name="Look">The figures of the run; null if it has not started.</param>
/// <param name="Verdict">What is wrong with it.</param>
internal sealed record PipelineSample(string Name, PipelineRun? Run, RunSample? Look, Verdict Verdict)
{
    public string State => Look?.Snapshot.Status.ToString().ToLowerInvariant() ?? "not started";

    /// <summary>Items that its sources have produced.</summary>
    public long Items => Sources.Sum(static node => node.Node.Out);

    /// <summary>Items that its sources have produced in a second; null if that is not known yet.</summary>
    public double? PerSecond => Sources.Any(static node => node.PerSecond is not null)
        ? Sources.Sum(static node => node.PerSecond ?? 0) : null;

    /// <summary>The rates of its first source; null if it has not started.</summary>
    public History? History => Sources.FirstOrDefault()?.History;

    /// <summary>Items that wait before its nodes.</summary>
    public long Queued => Look?.Nodes.Values.Sum(static node => node.Node.Queued) ?? 0;

    /// <summary>Items that failed for good in its nodes.</summary>
    public long Failed => Look?.Nodes.Values.Sum(static node => node.Node.Failed) ?? 0;

    /// <summary>How long the item that has been in a node's code the longest has been there; null if none is, or without timings.</summary>
    public TimeSpan? Oldest => Look?.Nodes.Values.Max(static node => node.Node.LongestInside);

    /// <summary>Whether the engine notes when items enter nodes.</summary>
    public bool IsTimed => Look?.Nodes.Values.Any(static node => node.Node.Time is not null) ?? false;

    private IEnumerable<NodeSample> Sources => Look?.Nodes.Values.Where(static node => node.Node.Node.InputType is null) ?? [];
}
