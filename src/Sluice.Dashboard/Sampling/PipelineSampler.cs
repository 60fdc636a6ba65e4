namespace Sluice.Dashboard.Sampling;

/// <summary>Looks at the runs of the options, and at the pipelines and producers of the host. Not thread-safe: calls must not overlap.
/// </summary>
internal sealed class PipelineSampler(DashboardOptions options, Func<IEnumerable<IHostedPipeline>> hosted)
{
    private static readonly Verdict NotStarted = new(Urgency.Held,
        "Has not started. The host starts it behind the consecutors that it sends to; if it does not, the log of the program says why.");

    private Dictionary<PipelineRun, RunSampler> samplers = [];

    /// <summary>Returns the pipelines, the urgent ones first.</summary>
    public IReadOnlyList<PipelineSample> Look()
    {
        var names = new DistinctNames();
        Dictionary<PipelineRun, RunSampler> used = [];
        List<PipelineSample> found = [];
        foreach ((string name, PipelineRun run) in options.Runs)
            if (!used.ContainsKey(run)) found.Add(Look(names.Add(name), run));
        foreach (IHostedPipeline one in hosted())
        {
            PipelineRun? run = one.Run;
            if (run is null || !used.ContainsKey(run)) found.Add(Look(names.Add(one.Name), run));
        }
        samplers = used;                             // a run that is gone takes its history along
        return [.. found.OrderByDescending(static one => one.Verdict.Urgency).ThenBy(static one => one.Name, StringComparer.Ordinal)];

        PipelineSample Look(string name, PipelineRun? run)
        {
            if (run is null) return new(name, null, null, NotStarted);
            if (!used.TryGetValue(run, out RunSampler? sampler))
                used.Add(run, sampler = samplers.GetValueOrDefault(run) ?? new(run.Topology, options.Time));
            RunSample seen = sampler.Look(run.Snapshot());
            return new(name, run, seen, RunVerdict.Of(name, seen, run));
        }
    }
}
