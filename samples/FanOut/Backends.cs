using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace FanOut;

/// <summary>The five services that the real ones are played by: each is a web server of its own, on a free port of the loopback, and takes
/// its time.</summary>
internal sealed class Backends : IAsyncDisposable
{
    private const int LastProduct = 1000;

    private readonly List<WebApplication> apps = [];

    /// <summary>By name, where each listens.</summary>
    public IReadOnlyDictionary<string, Uri> Addresses { get; private set; } = new Dictionary<string, Uri>();

    /// <param name="failEvery">Every so many of their requests, the reviews answer with an error; 0: never.</param>
    /// <param name="cancellation">Ends the start.</param>
    public static async Task<Backends> StartAsync(int failEvery, CancellationToken cancellation)
    {
        var backends = new Backends();
        backends.Addresses = new Dictionary<string, Uri>
        {
            ["catalog"] = await backends.AddAsync(4, (id, _) => new Product($"SKU-{id:0000}", $"Product {id}"), cancellation),
            ["pricing"] = await backends.AddAsync(8, (id, _) => new Price(5 + (id % 40) + 0.99m, "EUR"), cancellation),
            ["stock"] = await backends.AddAsync(3, (id, _) => new Stock(id * 7 % 50), cancellation),
            ["reviews"] = await backends.AddAsync(12, (id, count) => failEvery > 0 && count % failEvery == 0 ? null
                : new Reviews(id * 13 % 300, 1 + (id % 5)), cancellation),
            ["shipping"] = await backends.AddAsync(6, (id, _) => new Shipping(1 + (id % 4), id % 2 == 0 ? "Snail" : "Falcon"),
                cancellation),
        };
        return backends;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (WebApplication app in apps) await app.DisposeAsync();
    }

    private async Task<Uri> AddAsync<T>(int milliseconds, Func<int, int, T?> answer, CancellationToken cancellation)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        WebApplication app = builder.Build();
        apps.Add(app);
        int asked = 0;
        app.MapGet("/{id:int}", async (int id, CancellationToken aborted) =>
        {
            await Task.Delay(milliseconds, aborted);
            if (id is < 1 or > LastProduct) return Results.NotFound();
            return answer(id, Interlocked.Increment(ref asked)) is { } found ? Results.Json(found)
                : Results.StatusCode(StatusCodes.Status503ServiceUnavailable);
        });
        await app.StartAsync(cancellation);
        return new(app.Urls.Single());
    }
}
