namespace FanOut;

/// <summary>The same page without a graph, for comparison: the same calls, time limits, retries and optional parts.</summary>
internal sealed class ByHand(Services services, TimeSpan patience)
{
    public async Task<Dictionary<string, object?>> GetAsync(int id, CancellationToken cancellation)
    {
        Product product = await LimitedAsync(token => services.ProductAsync(id, token), cancellation);
        int known = ProductPage.IdOf(product);
        Task<Price> price = TriedAsync(2, token => services.PriceAsync(known, token), cancellation);
        Task<Stock?> stock = OptionalAsync(token => services.StockAsync(known, token), cancellation);
        Task<Reviews?> reviews = OptionalAsync(token => services.ReviewsAsync(known, token), cancellation);
        Task<Shipping?> shipping = OptionalAsync(token => services.ShippingAsync(known, token), cancellation);
        await Task.WhenAll(price, stock, reviews, shipping);
        var page = new Dictionary<string, object?>
        {
            ["sku"] = product.Sku,
            ["title"] = product.Title,
            ["amount"] = price.Result.Amount,
            ["currency"] = price.Result.Currency,
        };
        if (stock.Result is { } inStock) page["available"] = inStock.Available;
        if (reviews.Result is { } rated) (page["count"], page["stars"]) = (rated.Count, rated.Stars);
        if (shipping.Result is { } sent) (page["days"], page["carrier"]) = (sent.Days, sent.Carrier);
        page["badge"] = ProductPage.Badge(price.Result, reviews.Result);
        return page;
    }

    private async Task<T> LimitedAsync<T>(Func<CancellationToken, Task<T>> call, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(patience);
        return await call(limit.Token);
    }

    private async Task<T> TriedAsync<T>(int retries, Func<CancellationToken, Task<T>> call, CancellationToken cancellation)
    {
        for (int attempt = 0; ; attempt++)
        {
            try
            {
                return await LimitedAsync(call, cancellation);
            }
            catch (Exception) when (attempt < retries && !cancellation.IsCancellationRequested)
            {
                // tried again
            }
        }
    }

    private async Task<T?> OptionalAsync<T>(Func<CancellationToken, Task<T>> call, CancellationToken cancellation)
        where T : class
    {
        try
        {
            return await LimitedAsync(call, cancellation);
        }
        catch (Exception) when (!cancellation.IsCancellationRequested)
        {
            return null;
        }
    }
}
