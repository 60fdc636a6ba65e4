using Sluice.Graphs;

namespace Sluice.Bench;

/// <summary>A random graph of 1,000 nodes, whose functions return at once or, every tenth, after a yield. Time per node.</summary>
internal static class Dag
{
    private const int Nodes = 1_000;
    private const int MostParents = 4;

    private static readonly int[][] Parents = MakeParents();

    public static Scenario Scenario { get; } = new("dag", "a random graph of 1,000 nodes, per node",
    [
        Compare("dag", yields: false),
        Compare("dag-yield", yields: true),
    ]);

    private static Comparison Compare(string name, bool yields)
    {
        Graph<long> graph = MakeGraph(yields, out GraphNode<long> last);
        return new(name, 1_000, 200, Expected,
        [
            Variant.OfTask(Variant.Ours, async count =>
            {
                double sum = 0;
                for (long i = 0; i < count; i++) sum += (await graph.ResolveAsync(i)).Get(last);
                return sum;
            }),
            Variant.OfTask("when-all", count => WhenAllAsync(count, yields)),
        ])
        { Items = static count => count * Nodes, WarmCount = 40 };
    }

    // Up to four parents among the fifty nodes before; the last node has all nodes without a child as parents.
    private static int[][] MakeParents()
    {
        var random = new Random(1);
        var hasChild = new bool[Nodes];
        var parents = new int[Nodes][];
        for (int node = 0; node < Nodes - 1; node++)
        {
            parents[node] = [.. Enumerable.Range(0, random.Next(Math.Min(node, MostParents) + 1))
                .Select(_ => random.Next(Math.Max(0, node - 50), node)).Distinct()];
            foreach (int parent in parents[node]) hasChild[parent] = true;
        }
        parents[^1] = [.. Enumerable.Range(0, Nodes - 1).Where(node => !hasChild[node])];
        return parents;
    }

    private static Graph<long> MakeGraph(bool yields, out GraphNode<long> last)
    {
        GraphBuilder<long> builder = Graph.For<long>();
        var nodes = new GraphNode<long>[Nodes];
        for (int i = 0; i < Nodes; i++)
        {
            int number = i;
            GraphNode<long>[] mine = [.. Parents[i].Select(parent => nodes[parent])];
            string name = $"n{i}";
            nodes[i] = (mine.Length, yields && i % 10 == 0) switch
            {
                (_, true) => builder.Add(name, mine, (context, _) => LaterAsync(context, mine, number)),
                (0, _) => builder.Add(name, request => Work(request, number)),
                (1, _) => builder.Add(name, mine[0], a => Work(a, number)),
                (2, _) => builder.Add(name, mine[0], mine[1], (a, b) => Work(a + b, number)),
                (3, _) => builder.Add(name, mine[0], mine[1], mine[2], (a, b, c) => Work(a + b + c, number)),
                (4, _) => builder.Add(name, mine[0], mine[1], mine[2], mine[3], (a, b, c, d) => Work(a + b + c + d, number)),
                _ => builder.Add(name, mine, (context, _) => new ValueTask<long>(Work(Sum(context, mine), number))),
            };
        }
        last = nodes[^1];
        return builder.Build();
    }

    private static async ValueTask<long> LaterAsync(GraphContext<long> context, GraphNode<long>[] parents, int number)
    {
        await Task.Yield();
        return Work(parents.Length == 0 ? context.Request : Sum(context, parents), number);
    }

    private static long Sum(GraphContext<long> context, GraphNode<long>[] parents)
    {
        long sum = 0;
        foreach (GraphNode<long> parent in parents) sum += context.Get(parent);
        return sum;
    }

    private static async Task<double> WhenAllAsync(long count, bool yields)
    {
        double sum = 0;
        for (long i = 0; i < count; i++)
        {
            var tasks = new Task<long>[Nodes];
            for (int node = 0; node < Nodes; node++) tasks[node] = NodeAsync(node, i, tasks, yields);
            sum += await tasks[^1];
        }
        return sum;
    }

    private static async Task<long> NodeAsync(int node, long request, Task<long>[] tasks, bool yields)
    {
        int[] parents = Parents[node];
        if (yields && node % 10 == 0) await Task.Yield();
        if (parents.Length == 0) return Work(request, node);
        long[] values = await Task.WhenAll(parents.Select(parent => tasks[parent]));
        return Work(values.Sum(), node);
    }

    private static long Work(long value, int number) => (value & 0xFFFF) + number;

    private static double Expected(long count)
    {
        double sum = 0;
        var values = new long[Nodes];
        for (long i = 0; i < count; i++)
        {
            for (int node = 0; node < Nodes; node++)
                values[node] = Work(Parents[node].Length == 0 ? i : Parents[node].Sum(parent => values[parent]), node);
            sum += values[^1];
        }
        return sum;
    }
}
