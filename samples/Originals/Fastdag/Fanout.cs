using Sluice;
using Sluice.Graphs;

namespace Originals.Fastdag;

/// <summary>
/// The original: nodes with ids are joined by naming parents; each parent's data arrives as an argument of a name that the child chooses.
/// A run of the graph is given a context, and returns what each node produced and a merged view of all of it.
/// </summary>
internal static class Fanout
{
    private sealed record Request(string Id, int Customer);

    private sealed record Customer(string Name, string Country);

    private sealed record Price(decimal Amount);

    private static async Task<Customer> LoadCustomerAsync(Request context)
    {
        await Task.Yield();
        return new Customer($"customer {context.Customer}", "CH");
    }

    private static async Task<Price> LoadPriceAsync(Request context)
    {
        await Task.Yield();
        return new Price(context.Id.Length);
    }

    public static async Task RunAsync()
    {
        GraphBuilder<Request> builder = Graph.For<Request>("offer");
        GraphNode<Customer> customer = builder.Add("customer", LoadCustomerAsync);                    // add_root("customer")
        GraphNode<Price> price = builder.Add("price", LoadPriceAsync);                                // a second root
        GraphNode<string> greeting = builder.Add("greeting", customer, buyer => $"Hello {buyer!.Name}"); // add_parent(customer, "buyer")
        GraphNode<decimal> total = builder.Add("total", price, customer, (net, buyer) => buyer!.Country == "CH" ? net!.Amount * 2
            : net!.Amount);
        Graph<Request> graph = builder.Build();

        GraphContext<Request> context = await graph.ResolveAsync(new Request("r-1", 7));               // run(context)

        Check.Equal(new Customer("customer 7", "CH"), context.Get(customer), "node_data of customer");
        Check.Equal("Hello customer 7", context.Get(greeting), "node_data of greeting");
        Check.Equal(6m, context.Get(total), "node_data of total");
        Check.Sequence(["amount", "country", "greeting", "name", "total"],
            context.Merged.Keys.Select(key => $"{char.ToLowerInvariant(key[0])}{key[1..]}").Order(), "the names of the merged view");
        Check.Sequence(["greeting", "total"], context.Leaves.Keys.Order(), "the leaves");
        Check.Equal("r-1", context.Request.Id, "the context");
    }
}
