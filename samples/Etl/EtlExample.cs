using Sluice;
using Sluice.Graphs;
using Sluice.Topologies;

namespace Etl;

/// <summary>Six sources, joined, stripped and uploaded. No stage waits for another: the whole takes as long as its longest path.</summary>
internal static class EtlExample
{
    public static async Task RunAsync(Warehouse warehouse)
    {
        await using StepScope scope = StepScope.Begin();

        var ca = warehouse.Concatenate(warehouse.Fetch("a1"), warehouse.Fetch("a2"));
        var cb = warehouse.Concatenate(warehouse.Fetch("b1"), warehouse.Fetch("b2"));
        var cc = warehouse.Concatenate(warehouse.Fetch("c1"), warehouse.Fetch("c2"));
        var cab = warehouse.Concatenate(ca, cb);             // ca is used twice and runs once
        await warehouse.Upload([warehouse.Strip(ca), warehouse.Strip(cab), warehouse.Strip(cc)]);

        TimeSpan makespan = warehouse.Elapsed;
        await scope.Completion;
        Topology topology = scope.Topology;
        warehouse.Print($"makespan: {Warehouse.Seconds(makespan)}");
        warehouse.Print($"work: {Warehouse.Seconds(warehouse.Work)}");
        warehouse.Print($"critical path: {string.Join(" → ", topology.CriticalPath.Select(node => node.Name))}");
        warehouse.Print($"\n{topology.ToText()}");
    }
}
