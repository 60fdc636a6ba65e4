using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.Extensions.Logging;
using Sluice.Storage;

namespace Sluice.Hosting.Tests.Http;

/// <summary>The answers to HTTP requests. A refused request leaves nothing in the store.</summary>
public class HttpAnswerTests
{
    private const string Many = "application/x-ndjson";

    [Theory]
    [InlineData("memory")]
    [InlineData("sqlite")]
    public async Task AnItemAndSeveralItemsInLinesAreAccepted(string kind)
    {
        await using var stores = new Stores(kind);
        await using Service service = await Service.StartAsync(await stores.OpenAsync());

        HttpResponseMessage one = await service.PostAsync("""{"Id":"a","Quantity":1}""");
        Assert.Equal((HttpStatusCode.Accepted, """{"accepted":1}"""), (one.StatusCode, await one.Content.ReadAsStringAsync()));
        HttpResponseMessage many = await service.PostAsync("{\"Id\":\"b\",\"Quantity\":2}\r\n\n \t\n{\"Id\":\"c\",\"Quantity\":3}",
            "application/x-ndjson; charset=utf-8");
        Assert.Equal((HttpStatusCode.Accepted, """{"accepted":2}"""), (many.StatusCode, await many.Content.ReadAsStringAsync()));

        (long accepted, Order[] processed) = await service.EndAsync();
        Assert.Equal(3, accepted);
        Assert.Equal([new("a", 1), new("b", 2), new("c", 3)], processed);
    }

    [Theory]
    [InlineData("", "application/json", 400, 1L, 1L, "$")]
    [InlineData("{\"Id\":\"a\",\n \"Quantity\":x}", "application/json", 400, 2L, 13L, "$.Quantity")]
    [InlineData("{\"Id\":\"a\",\"Quantity\":\"seven\"}", "application/json", 400, 1L, 29L, "$.Quantity")]
    [InlineData("{\"Id\":\"a\",\"Quantity\":1} {}", "application/json", 400, 1L, 25L, "$")]
    [InlineData("null", "application/json", 400, 1L, 1L, null)]
    [InlineData("[{\"Id\":\"a\",\"Quantity\":1}]", "application/json", 400, 1L, 2L, "$")]
    [InlineData("{\"Id\":\"a\",\"Quantity\":1}\n{\"Id\":\"b\",\"Quantity\":2,}\n", Many, 400, 2L, 24L, "$")]
    [InlineData("{\"Id\":\"a\",\"Quantity\":1}\n{\"Id\":\"b\",\"Quan", Many, 400, 2L, 16L, "$")]
    [InlineData("\n\n", Many, 400, 1L, 1L, null)]
    [InlineData("{}", "text/json", 415, null, null, null)]
    [InlineData("{}", "", 415, null, null, null)]
    [InlineData("{}", "application/json; charset=utf-16", 415, null, null, null)]
    public async Task AMalformedRequestIsRefusedWithItsPosition(string body, string type, int status, long? line, long? at, string? field)
    {
        await using var stores = new Stores("memory");
        await using Service service = await Service.StartAsync(await stores.OpenAsync());

        HttpResponseMessage answer = await service.PostAsync(body, type);
        string text = await answer.Content.ReadAsStringAsync();
        Assert.Equal((status, "application/problem+json"), ((int)answer.StatusCode, answer.Content.Headers.ContentType!.MediaType));
        using JsonDocument problem = JsonDocument.Parse(text);
        Assert.Equal(status, problem.RootElement.GetProperty("status").GetInt32());
        Assert.Equal((line, at, field), (Number("line"), Number("byte"), problem.RootElement.TryGetProperty("field", out JsonElement found)
            ? found.GetString() : null));
        Assert.Equal(0, (await service.EndAsync()).Accepted);

        long? Number(string name) => problem.RootElement.TryGetProperty(name, out JsonElement value) ? value.GetInt64() : null;
    }

    [Fact]
    public async Task MemberNamesMatchInAnyCasing()
    {
        await using var stores = new Stores("memory");
        await using Service service = await Service.StartAsync(await stores.OpenAsync());

        Assert.Equal(202, (int)(await service.PostAsync("""{"id":"a","quantity":1}""")).StatusCode);
        Assert.Equal(202, (int)(await service.PostAsync("{\"ID\":\"b\",\"QUANTITY\":2}\n{\"quantity\":3,\"Id\":null}", Many)).StatusCode);
        Assert.Equal([new("a", 1), new("b", 2), new(null, 3)], (await service.EndAsync()).Processed);
    }

    [Theory]
    [InlineData("""{"customer":"ann"}""", "$.customer",
        "The item is malformed: There is no member 'customer' here: expected 'id', 'quantity'. Nothing was accepted.")]
    [InlineData("{}", "$",
        "The item is malformed: Members are missing: 'id' (a text), 'quantity' (a whole number from -2147483648 to 2147483647). Nothing "
            + "was accepted.")]
    [InlineData("""{"id":"a","Id":"b","quantity":1}""", "$.Id",
        "The item is malformed: The member 'Id' is there twice. Nothing was accepted.")]
    [InlineData("""{"id":"a","quantity":"seven"}""", "$.quantity",
        "The item is malformed: The value is not of the type that belongs there: expected a whole number from -2147483648 to 2147483647. "
            + "Nothing was accepted.")]
    [InlineData("""{"id":"a","quantity":null}""", "$.quantity",
        "The item is malformed: The value is not of the type that belongs there: expected a whole number from -2147483648 to 2147483647. "
            + "Nothing was accepted.")]
    public async Task AnInvalidMemberIsNamedWithTheExpectedValue(string body, string field, string detail)
    {
        await using var stores = new Stores("memory");
        var log = new LogProbe();
        await using Service service = await Service.StartAsync(await stores.OpenAsync(), log: log);

        HttpResponseMessage answer = await service.PostAsync(body);
        using JsonDocument problem = JsonDocument.Parse(await answer.Content.ReadAsStringAsync());
        Assert.Equal((400, field, detail), ((int)answer.StatusCode, problem.RootElement.GetProperty("field").GetString(),
            problem.RootElement.GetProperty("detail").GetString()));
        Assert.DoesNotContain(log.Lines, line => line.Exception is not null);
        Assert.Equal(0, (await service.EndAsync()).Accepted);
    }

    /// <summary>The API may name the members differently from the store.</summary>
    [Fact]
    public async Task AnEndpointMayHaveASerializerOfItsOwn()
    {
        await using var stores = new Stores("memory");
        await using var consecutor = new Consecutor<Order>("orders", source => source | (_ => { }),
            new() { Store = await stores.OpenAsync() });
        Microsoft.AspNetCore.Builder.WebApplicationBuilder builder = Microsoft.AspNetCore.Builder.WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        await using var app = builder.Build();
        app.Urls.Add("http://127.0.0.1:0");
        var resolver = new DefaultJsonTypeInfoResolver
        {
            Modifiers =
            { type => { foreach (JsonPropertyInfo one in type.Properties) one.Name = $"order-{one.Name}"; } }
        };
        var names = new JsonSerializerOptions { TypeInfoResolver = resolver };
        app.MapProducer("/orders", consecutor, PayloadSerializer.Json<Order>(names));
        await app.StartAsync();
        using var client = new HttpClient { BaseAddress = new(app.Urls.Single()) };
        Assert.Equal(400, (int)(await client.PostAsync("/orders", Json("""{"Id":"a","Quantity":1}"""))).StatusCode);
        Assert.Equal(202, (int)(await client.PostAsync("/orders", Json("""{"order-id":"a","order-quantity":1}"""))).StatusCode);
        await app.StopAsync();

        static StringContent Json(string text) => new(text, System.Text.Encoding.UTF8, "application/json");
    }

    [Fact]
    public async Task ARequestAboveALimitIsRefused()
    {
        await using var stores = new Stores("memory");
        await using Service service = await Service.StartAsync(await stores.OpenAsync(),
            new() { MaxItemBytes = 200, MaxBodyBytes = 1000, MaxItems = 5 }, stream: new() { Partitions = 1, MaxEntryBytes = 150 });

        string longest = """{"Id":"","Quantity":1}""";
        Assert.Equal(413, await StatusAsync(Item(201)));
        Assert.Equal(413, await StatusAsync(Item(160))); // within the endpoint's limit, beyond the stream's
        Assert.Equal(202, await StatusAsync(Item(150)));
        Assert.Equal(413, await StatusAsync(Item(100) + "\n" + Item(201), Many));
        Assert.EndsWith("The item in line 2 is longer than the stream of its consecutor allows; nothing was accepted.\",\"line\":2}",
            await (await service.PostAsync(Item(100) + "\n" + Item(160), Many)).Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Equal(413, await StatusAsync(string.Join('\n', Enumerable.Repeat(Item(50), 6)), Many));
        Assert.Equal(413, await StatusAsync(new string(' ', 1001)));
        Assert.Equal(413, await StatusAsync(string.Join('\n', Enumerable.Repeat(Item(150), 7)), Many));
        Assert.Equal(202, await StatusAsync(string.Join('\n', Enumerable.Repeat(Item(50), 5)), Many));
        Assert.Equal(6, (await service.EndAsync()).Accepted);

        string Item(int length) => longest.Insert(7, new string('x', length - longest.Length));
        async Task<int> StatusAsync(string body, string type = "application/json") => (int)(await service.PostAsync(body, type)).StatusCode;
    }

    /// <summary>Of a body in chunks, the server notices first that it is too long.</summary>
    [Theory]
    [InlineData(1001)]
    [InlineData(1002)]
    [InlineData(5000)]
    public async Task ABodyThatIsTooLongIsRefusedWithTheLimitOfTheEndpoint(int length)
    {
        await using var stores = new Stores("memory");
        await using Service service = await Service.StartAsync(await stores.OpenAsync(), new() { MaxBodyBytes = 1000 });
        foreach (bool isChunked in (bool[])[false, true])
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "/orders")
            {
                Content = new ByteArrayContent(new byte[length]) { Headers = { ContentType = new("application/json") } },
            };
            request.Headers.TransferEncodingChunked = isChunked;
            using HttpResponseMessage answer = await service.Client.SendAsync(request);
            Assert.Equal(413, (int)answer.StatusCode);
            Assert.Contains("The body is longer than 1,000 bytes; nothing was accepted. Send it in parts.",
                await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        }
        Assert.Equal(0, (await service.EndAsync()).Accepted);
    }

    [Fact]
    public async Task AnItemWhoseKeyFunctionThrowsIsRefused()
    {
        await using var stores = new Stores("memory");
        await using Service service = await Service.StartAsync(await stores.OpenAsync(), key: order => order.Id!.ToUpperInvariant());

        HttpResponseMessage answer = await service.PostAsync("""{"Id":null,"Quantity":1}""");
        Assert.Equal(422, (int)answer.StatusCode);
        string text = await answer.Content.ReadAsStringAsync();
        Assert.Contains("The item was read, but cannot be stored; nothing was accepted. An item for the consecutor orders was not "
            + "accepted: its key cannot be found: NullReferenceException: the operator of the service was told why.", text,
            StringComparison.Ordinal);
        Assert.DoesNotContain("Object reference", text, StringComparison.Ordinal);

        const string Keyless = "{\"Id\":null,\"Quantity\":1}";
        answer = await service.PostAsync($"\n{{\"Id\":\"a\",\"Quantity\":1}}\n\n \n{Keyless}\n\n{Keyless}", Many);
        Assert.Equal(422, (int)answer.StatusCode);
        text = await answer.Content.ReadAsStringAsync();
        Assert.Contains("The item in line 5 was read, but cannot be stored; nothing was accepted. An item for", text,
            StringComparison.Ordinal);
        Assert.EndsWith("the operator of the service was told why.\",\"line\":5}", text, StringComparison.Ordinal);
        Assert.Equal(405, (int)(await service.Client.GetAsync("/orders")).StatusCode);
        Assert.Equal(0, (await service.EndAsync()).Accepted);
    }

    [Fact]
    public async Task ARequestIsAnsweredOnlyWhenItsItemsAreDurable()
    {
        await using var stores = new Stores("sqlite");
        var writing = new TaskCompletionSource();
        var written = new TaskCompletionSource();
        var store = new HookedStore(await stores.OpenAsync())
        {
            Before = () => writing.Task,
            After = () => { written.TrySetResult(); return Task.CompletedTask; }
        };
        await using Service service = await Service.StartAsync(store);

        Task<HttpResponseMessage> one = service.PostAsync("""{"Id":"a","Quantity":1}""");
        Task<HttpResponseMessage> many = service.PostAsync("""{"Id":"b","Quantity":1}""", Many);
        HttpResponseMessage malformed = await service.PostAsync("{");    // the server answers this request, but not yet the two others
        Assert.Equal(400, (int)malformed.StatusCode);
        Assert.False(one.IsCompleted || many.IsCompleted || written.Task.IsCompleted);
        writing.SetResult();
        Assert.Equal([202, 202], (await Task.WhenAll(one, many)).Select(answer => (int)answer.StatusCode));
        Assert.True(written.Task.IsCompleted);
        Assert.Equal(2, (await service.EndAsync()).Accepted);
    }

    [Fact]
    public async Task AnEndpointNeedsAConsecutorWithAStore()
    {
        await using var consecutor = new Consecutor<Order>("orders", source => source | (_ => { }));
        await using var app = Microsoft.AspNetCore.Builder.WebApplication.CreateSlimBuilder().Build();
        Assert.Contains("has no store", Assert.Throws<InvalidOperationException>(() => app.MapProducer("/orders", consecutor)).Message);
    }
}
