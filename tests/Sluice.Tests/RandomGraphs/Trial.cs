namespace Sluice.Tests.RandomGraphs;

/// <summary>Runs a graph in every mode. After the first failure it runs each graph more often, so that the shrinking finds a race
/// again.</summary>
internal sealed class Trial(bool isShrinking = false, Func<Source<long>, Source<long>>? sabotage = null)
{
    private const int TriesWhileShrinking = 20;

    private bool shrinking = isShrinking;

    public string? Run(GraphCase graph)
    {
        foreach (Mode mode in Enum.GetValues<Mode>())
        {
            for (int i = 0; i < (shrinking ? TriesWhileShrinking : 1); i++)
            {
                int schedule = unchecked((int)graph.Seed) + i;
                string? wrong;
                try
                {
                    wrong = Execution.Check(graph, mode, schedule, sabotage);
                }
                catch (UnorderedException) when (shrinking)
                {
                    return null;                     // the shrinking removed the step that restored the order: not a valid graph
                }
                catch (Exception e)
                {
                    wrong = e.ToString();
                }
                if (wrong is null) continue;
                shrinking = true;
                return $"{wrong}\nin mode {mode}, schedule {schedule}, of the graph\n{graph}\nSLUICE_SEED={graph.Seed} repeats it (before "
                    + $"it was made smaller).";
            }
        }
        return null;
    }
}
