using Sluice;
using Sluice.Graphs;

namespace Originals.Fastdag;

/// <summary>The original's motive: processing steps are added and removed without touching the others, and all that can run at once
/// does.</summary>
internal static class ChangedGraph
{
    public static async Task RunAsync()
    {
        TaskCompletionSource left = new(), right = new();
        GraphBuilder<int> builder = Graph.For<int>();
        GraphNode<int> first = builder.Add("first", n => n + 1);
        GraphNode<int> one = builder.Add("one", first, async (n, cancellation) =>
        {
            left.TrySetResult();
            await right.Task.WaitAsync(cancellation);          // ends only when both run at the same time
            return n * 10;
        });
        GraphNode<int> two = builder.Add("two", first, async (n, cancellation) =>
        {
            right.TrySetResult();
            await left.Task.WaitAsync(cancellation);
            return n * 100;
        });
        builder.Add("sum", one, two, (a, b) => a + b);
        Graph<int> graph = builder.Build();

        Check.Equal(220, (await graph.ResolveAsync(1))["sum"], "the sum");

        Graph<int> without = graph.Without("sum");
        Check.Equal(false, (await without.ResolveAsync(1)).Merged.ContainsKey("sum"), "the sum after it was removed");
        Graph<int> changed = graph.With(b => b.Add("difference", one, two, (x, y) => y - x));
        Check.Equal(180, (await changed.ResolveAsync(1))["difference"], "the difference");
    }
}
