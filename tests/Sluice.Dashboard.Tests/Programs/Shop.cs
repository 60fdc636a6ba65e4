using Sluice.Graphs;
using Sluice.Testing;

namespace Sluice.Dashboard.Tests;

/// <summary>
/// A graph whose nodes take exact times: product 10 ms, then price 5 ms and reviews 20 ms, then badge 1 ms. The reviews fail if the request
/// says so, and are optional; the stars need them. The badge fails if the request says so, and then the resolve fails.
/// </summary>
internal sealed class Shop
{
    public const string Hostile = "<script>alert('reviews')</script>";

    public Shop(string? name = "shop", TestClock? clock = null)
    {
        Clock = clock ?? new();
        GraphBuilder<string> builder = Sluice.Graphs.Graph.For<string>(name);
        GraphNode<string> product = builder.Add("product", request => Take(10, request));
        GraphNode<string> price = builder.Add("price", product, request => Take(5, request));
        GraphNode<string> reviews = builder.Add(Hostile, product, request
            => request == "no reviews" ? throw new FormatException("<img src=x onerror=alert(1)>") : Take(20, request)).Optional();
        builder.Add("stars", reviews, request => Take(0, request)).Needs(reviews);
        builder.Add("badge", price, reviews, (request, _) => request == "broken" ? throw new FormatException("<b>no badge</b>")
            : Take(1, request));
        Graph = builder.Build(new() { Time = Clock });
    }

    public TestClock Clock { get; }

    public Graph<string> Graph { get; }

    public ValueTask<GraphContext<string>> ResolveAsync(string request = "fine")
        => Graph.ResolveAsync(request, TestContext.Current.CancellationToken);

    public Task FailAsync() => Assert.ThrowsAsync<NodeFailedException>(async () => await ResolveAsync("broken"));

    private string Take(int milliseconds, string request)
    {
        Clock.Advance(TimeSpan.FromMilliseconds(milliseconds));
        return request;
    }
}
