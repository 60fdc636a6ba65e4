using System.Collections.Concurrent;
using System.Net;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Sluice.Hosting.Tests;

/// <summary>A web application with a consecutor: items come over HTTP, and its health is asked for over HTTP.</summary>
public class WebHostTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ItemsComeOverHttpAndHealthSaysWhatBecameOfThem()
    {
        ConcurrentQueue<string> seen = [];
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Configuration.AddInMemoryCollection([new("urls", "http://127.0.0.1:0"),
            new("Sluice:Consecutors:notes:Delivery", "replay 0")]);
        builder.Services.AddSluice().AddConsecutor<Note>("notes", (_, source) => source | (note => Read(note, seen)));
        await using WebApplication app = builder.Build();
        app.MapProducer<Note>("/items");
        app.MapProducer<Note>("/named", "notes");
        app.MapSluiceHealth();
        await app.StartAsync(Cancellation);
        using var client = new HttpClient { BaseAddress = new(app.Urls.Single()) };
        Assert.Equal(HttpStatusCode.Accepted, await PostAsync(client, "/items", """{"id":"1","text":"one"}"""));
        Assert.Equal(HttpStatusCode.Accepted, await PostAsync(client, "/named", """{"id":"2","text":"two"}"""));
        Assert.Equal(HttpStatusCode.BadRequest, await PostAsync(client, "/items", """{"id":"3"}"""));
        var notes = app.Services.GetRequiredService<Consecutor<Note>>();
        await notes.WaitForIdleAsync(Cancellation);
        Assert.Equal(["one", "two"], seen.Order());
        Assert.Equal("Healthy", await HealthAsync(client, "/health/ready", HttpStatusCode.OK));

        Assert.Equal(HttpStatusCode.Accepted, await PostAsync(client, "/items", """{"id":"4","text":"poison"}"""));
        await notes.WaitForIdleAsync(Cancellation);
        Assert.Equal("Degraded the consecutor notes has 1 dead letter; the limit is 0.",
            await HealthAsync(client, "/health/ready", HttpStatusCode.OK));
        Assert.Equal("Healthy", await HealthAsync(client, "/health/live", HttpStatusCode.OK));
        await app.StopAsync(Cancellation);
    }

    [Fact]
    public async Task AnUnknownConsecutorIsRefusedWhereItIsMapped()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Services.AddSluice().AddConsecutor<Note>("notes", static (_, source) => source | (static _ => { }));
        await using WebApplication app = builder.Build();
        var mistake = Assert.Throws<InvalidOperationException>(() => app.MapProducer<Note>("/items", "note"));
        Assert.Equal("There is no consecutor 'note' of items of the type Note: there are notes.", mistake.Message);
    }

    private static void Read(Note note, ConcurrentQueue<string> seen)
    {
        if (note.Text == "poison") throw new FormatException("no good");
        seen.Enqueue(note.Text);
    }

    private static async Task<HttpStatusCode> PostAsync(HttpClient client, string path, string json)
    {
        using var body = new StringContent(json, Encoding.UTF8, "application/json");
        using HttpResponseMessage answer = await client.PostAsync(path, body, Cancellation);
        return answer.StatusCode;
    }

    private static async Task<string> HealthAsync(HttpClient client, string path, HttpStatusCode expected)
    {
        using HttpResponseMessage answer = await client.GetAsync(path, Cancellation);
        Assert.Equal(expected, answer.StatusCode);
        using JsonDocument report = JsonDocument.Parse(await answer.Content.ReadAsStringAsync(Cancellation));
        JsonElement check = report.RootElement.GetProperty("checks").EnumerateObject().Single().Value;
        string status = report.RootElement.GetProperty("status").GetString()!;
        return check.TryGetProperty("reason", out JsonElement reason) ? $"{status} {reason.GetString()}" : status;
    }

    private sealed record Note(string Id, string Text);
}
