using Sluice.Graphs;

namespace Etl;

/// <summary>Steps that wait for others without taking anything from them.</summary>
internal static class ExogenousExample
{
    public static async Task RunAsync(Warehouse warehouse)
    {
        await using StepScope scope = StepScope.Begin();

        Future table = warehouse.Do("create the table", 1);
        Future rows = warehouse.Do("insert rows", 2, after: table);
        Future index = warehouse.Do("build the index", 1, fails: true, after: [table, rows]);
        Future report = warehouse.Do("report", 1, after: index);                                     // never runs: the index fails
        Future closed = warehouse.Do("close", 1, after: After.EvenIfFailed(index, report));          // runs in any case

        await closed;
        try
        {
            await report;
        }
        catch (InvalidOperationException e)
        {
            warehouse.Print($"the report was not made: {e.Message}");
        }
        await scope.Completion;
        warehouse.Print($"\n{scope.Topology.ToText()}");
    }
}
