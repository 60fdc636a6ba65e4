using System.Net.Http.Json;

namespace FanOut;

/// <summary>The backends as functions: what a graph, or code written by hand, calls.</summary>
internal sealed class Services(IReadOnlyDictionary<string, Uri> addresses) : IDisposable
{
    private readonly HttpClient http = new(new SocketsHttpHandler { UseProxy = false });

    public Task<Product> ProductAsync(int id, CancellationToken cancellation) => GetAsync<Product>("catalog", id, cancellation);

    public Task<Price> PriceAsync(int id, CancellationToken cancellation) => GetAsync<Price>("pricing", id, cancellation);

    public Task<Stock> StockAsync(int id, CancellationToken cancellation) => GetAsync<Stock>("stock", id, cancellation);

    public Task<Reviews> ReviewsAsync(int id, CancellationToken cancellation) => GetAsync<Reviews>("reviews", id, cancellation);

    public Task<Shipping> ShippingAsync(int id, CancellationToken cancellation) => GetAsync<Shipping>("shipping", id, cancellation);

    public void Dispose() => http.Dispose();

    private async Task<T> GetAsync<T>(string service, int id, CancellationToken cancellation)
        => await http.GetFromJsonAsync<T>(new Uri(addresses[service], $"/{id}"), cancellation)
        ?? throw new InvalidDataException($"{service} answered null for {id}.");
}
