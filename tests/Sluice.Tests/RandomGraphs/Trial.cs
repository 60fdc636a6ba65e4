namespace Sluice.Tests.RandomGraphs;

/// <summary>Tries a graph in every mode. Once something was wrong it tries harder, so that races are found again while the graph is made
/// smaller.</summary>
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
                    return null;                     // what restored the order has been taken out: not a graph to go on with
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
