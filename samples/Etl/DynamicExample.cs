using Sluice.Graphs;

namespace Etl;

/// <summary>Steps that call steps: the graph is only known when it has run. Two at a time; one that awaits others leaves its place to
/// them.</summary>
internal static class DynamicExample
{
    public static async Task RunAsync(Warehouse warehouse)
    {
        await using StepScope scope = StepScope.Begin(maxConcurrency: 2);

        int folders = await warehouse.Count("/");
        await scope.Completion;
        warehouse.Print($"{folders} folders in {Warehouse.Seconds(warehouse.Elapsed)}\n\n{scope.Topology.ToText()}");
    }
}
