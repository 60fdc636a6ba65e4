using Sluice.Graphs;

namespace FanOut;

/// <summary>The page of a product as a graph: what asks whom, and what may fail.</summary>
internal sealed class ProductPage
{
    /// <param name="services">The backends.</param>
    /// <param name="patience">How long a node may take.</param>
    public ProductPage(Services services, TimeSpan patience)
    {
        Graph = Build(services, patience, recordTimings: false);
        Timed = Build(services, patience, recordTimings: true);
    }

    /// <summary>What every request resolves.</summary>
    public Graph<ProductRequest> Graph { get; }

    /// <summary>The same, which notes when each node ran: for a look at one resolve.</summary>
    public Graph<ProductRequest> Timed { get; }

    private static Graph<ProductRequest> Build(Services services, TimeSpan patience, bool recordTimings)
    {
        GraphBuilder<ProductRequest> page = Sluice.Graphs.Graph.For<ProductRequest>("product page");
        GraphNode<Product> product = page.Add("product", (request, cancellation) => services.ProductAsync(request.Id, cancellation))
            .Timeout(patience);
        GraphNode<Price> price = page.Add("price", product, (p, cancellation) => services.PriceAsync(IdOf(p), cancellation))
            .Timeout(patience).Retry(2);
        page.Add("stock", product, (p, cancellation) => services.StockAsync(IdOf(p), cancellation)).Timeout(patience).Optional();
        GraphNode<Reviews> reviews = page.Add("reviews", product, (p, cancellation) => services.ReviewsAsync(IdOf(p), cancellation))
            .Timeout(patience).Optional();
        page.Add("shipping", product, (p, cancellation) => services.ShippingAsync(IdOf(p), cancellation)).Timeout(patience).Optional();
        page.Add("badge", price, reviews, Badge);
        return page.Build(new() { RecordTimings = recordTimings });
    }

    public static int IdOf(Product product) => int.Parse(product.Sku.AsSpan("SKU-".Length),
        System.Globalization.CultureInfo.InvariantCulture);

    // Reviews may be missing: then they are null.
    public static string Badge(Price price, Reviews? reviews) => reviews is { Stars: >= 4 } && price.Amount < 20 ? "bargain" : "none";
}
