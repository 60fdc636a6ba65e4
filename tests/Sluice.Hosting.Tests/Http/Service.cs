using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Logging;
using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Hosting.Tests.Http;

/// <summary>A consecutor, and an HTTP server on a free port of localhost that receives its items.</summary>
internal sealed class Service : IAsyncDisposable
{
    private readonly WebApplication app;

    private Service(Consecutor<Order> consecutor, WebApplication app, ConcurrentQueue<Order> processed)
    {
        (Orders, this.app, Processed) = (consecutor, app, processed);
        Address = new(app.Urls.Single());
        Client = new(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = Address };
    }

    public Consecutor<Order> Orders { get; }

    public ConcurrentQueue<Order> Processed { get; }

    public Uri Address { get; }

    public HttpClient Client { get; }

    /// <param name="store">Not disposed.</param>
    /// <param name="options">The endpoint's. Its clock is one that stands still, unless they name another one.</param>
    /// <param name="starts">Whether the consecutor is started.</param>
    /// <param name="stream">How its stream is made.</param>
    /// <param name="key">Finds keys.</param>
    /// <param name="time">The clock of the consecutor.</param>
    /// <param name="log">Gets what the server and the endpoint log.</param>
    public static async Task<Service> StartAsync(
        IStreamStore store, HttpProducerOptions? options = null, bool starts = true, StreamOptions? stream = null,
            Func<Order, string>? key = null, TimeProvider? time = null, ILoggerProvider? log = null)
    {
        var processed = new ConcurrentQueue<Order>();
        var consecutor = new Consecutor<Order>("orders", source => source | (order => processed.Enqueue(order)),
            new() { Store = store, Stream = stream ?? new() { Partitions = 1 }, Run = new() { Time = time ?? TimeProvider.System } })
        { Key = key };
        if (starts) await consecutor.StartAsync();
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        if (log is not null) builder.Logging.AddProvider(log);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Listen(IPAddress.Loopback, 0);
            kestrel.Limits.MinRequestBodyDataRate = null;            // a client of a busy machine may stand still: the server would give up
        });
        WebApplication app = builder.Build();
        app.MapProducer("/orders", consecutor, options is { } given && given.Time != TimeProvider.System ? given
            : (options ?? new()) with { Time = new TestClock() });
        await app.StartAsync();
        return new(consecutor, app, processed);
    }

    public Task<HttpResponseMessage> PostAsync(string body, string type = "application/json", string? key = null)
        => PostAsync(Encoding.UTF8.GetBytes(body), type, key);

    public Task<HttpResponseMessage> PostAsync(byte[] body, string type = "application/json", string? key = null)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, "/orders") { Content = new ByteArrayContent(body) };
        if (type.Length > 0) request.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(type);
        if (key is not null) request.Headers.TryAddWithoutValidation("Idempotency-Key", key);
        return Client.SendAsync(request);
    }

    /// <summary>Waits until all items have ended; returns the number of accepted items and the processed ones.</summary>
    public async Task<(long Accepted, Order[] Processed)> EndAsync()
    {
        ConsecutorSnapshot books = await Orders.WaitForIdleAsync();
        Assert.Equal(0, books.Unaccounted);
        return (books.Accepted, [.. Processed]);
    }

    /// <summary>Stops the server, as the host does before it stops anything else.</summary>
    public Task StopAsync() => app.StopAsync();

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await app.StopAsync();
        await app.DisposeAsync();
        await Orders.DisposeAsync();
    }
}
