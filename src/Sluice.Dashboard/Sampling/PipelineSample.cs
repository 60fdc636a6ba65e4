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
    public long Items => Look?.Nodes.Values.Where(static node => node.Node.Node.InputType is null).Sum(static node => node.Node.Out) ?? 0;
}
