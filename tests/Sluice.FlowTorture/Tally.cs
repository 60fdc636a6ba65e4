using System.Globalization;
using Sluice.Flows;

namespace Sluice.FlowTorture;

/// <summary>What all runs add up to. Used under a lock.</summary>
internal sealed class Tally
{
    private readonly Dictionary<ResumeMode, int> resumed = Enum.GetValues<ResumeMode>().ToDictionary(resume => resume, _ => 0);
    private int runs, kills, fewest = int.MaxValue, different, hung, failed;
    private TimeSpan longest;

    public bool IsGood => different + hung + failed == 0;

    public void Add(Trial trial)
    {
        runs++;
        kills += trial.Kills.Sum();
        fewest = Math.Min(fewest, trial.Kills.Min());
        different += trial.Outcome == Outcome.Different ? 1 : 0;
        hung += trial.Outcome == Outcome.Hung ? 1 : 0;
        failed += trial.Outcome == Outcome.Failed ? 1 : 0;
        longest = trial.Took > longest ? trial.Took : longest;
        foreach (var (resume, count) in trial.Resumed) resumed[resume] += count;
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"""
        runs: {runs}
        kills: {kills}
        fewest-kills-of-a-service: {fewest}
        resumed-from-scratch: {resumed[ResumeMode.FromScratch]}
        resumed-per-item: {resumed[ResumeMode.PerItem]}
        resumed-at-checkpoint: {resumed[ResumeMode.Checkpoint]}
        longest-run-in-ms: {longest.TotalMilliseconds:0}
        different: {different}
        hung: {hung}
        failed: {failed}
        """);
}
