using Sluice.Graphs;

namespace Sluice.Trimmed;

internal sealed record Request(int Id);

internal sealed record Product(string Sku, string Title);

internal sealed record Price(decimal Amount, string Currency);

internal sealed record Page(string Title, decimal Amount, string? Currency);

/// <summary>A graph with everything that a node can have, its views by name, and its pictures.</summary>
internal static class Graphs
{
    public static Graph<Request> Build()
    {
        GraphBuilder<Request> page = Graph.For<Request>("page");
        GraphNode<Product> product = page.Add("product", async request =>
        {
            await Task.Yield();
            return new Product($"sku-{request.Id}", $"Product {request.Id}");
        });
        int tries = 0;
        GraphNode<Price> price = page.Add("price", product, p => tries++ % 2 == 0 ? throw new TimeoutException("not now")
            : new Price(p.Sku.Length, "EUR")).Retry(1);
        GraphNode<int> stock = page.Add("stock", product, int (_) => throw new InvalidOperationException("closed")).Optional();
        page.Add("stars", stock, count => new Dictionary<string, object?> { ["stars"] = count })
            .Fallback(new Dictionary<string, object?>());
        page.Add("badge", price, stock, (p, count) => $"{p.Amount} {p.Currency}, {count} left");
        return page.Build();
    }

    public static async Task ShowAsync()
    {
        Graph<Request> graph = Build();
        GraphContext<Request> context = await graph.ResolveAsync(new(7));
        Console.WriteLine(context);
        foreach (var (name, value) in context.Merged.OrderBy(entry => entry.Key,
            StringComparer.Ordinal)) Console.WriteLine($"{name} = {value}");
        Console.WriteLine(context.Merge<Page>());
        Console.WriteLine(context.Topology.ToMermaid());
        Console.WriteLine(graph);
    }
}
