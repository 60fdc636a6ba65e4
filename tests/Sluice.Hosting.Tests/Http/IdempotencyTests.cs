using Sluice.Testing;

namespace Sluice.Hosting.Tests.Http;

/// <summary>A request that is repeated with its idempotency key gets the first answer and is not accepted again.</summary>
public class IdempotencyTests
{
    private const string A = """{"Id":"a","Quantity":1}""";
    private const string Many = "application/x-ndjson";

    [Theory]
    [InlineData("memory")]
    [InlineData("sqlite")]
    public async Task ARepeatedRequestGetsItsFirstAnswerAlsoAfterARestart(string kind)
    {
        await using var stores = new Stores(kind);
        string first, second;
        await using (Service service = await Service.StartAsync(await stores.OpenAsync()))
        {
            first = await PostAsync(service, A, "key-1");
            Assert.Equal(first, await PostAsync(service, A, "\"key-1\"")); // the draft standard puts the key in quotes
            second = await PostAsync(service, $"{A}\n{A}", "key-2", Many);
            Assert.Equal(3, (await service.EndAsync()).Accepted);
        }
        await using (Service service = await Service.StartAsync(await stores.OpenAsync()))
        {
            Assert.Equal(first, await PostAsync(service, A, "key-1"));
            Assert.Equal(second, await PostAsync(service, $"{A}\n{A}", "key-2", Many));
            Assert.Empty((await service.EndAsync()).Processed);
        }
        Assert.Equal(("202 {\"accepted\":1}", "202 {\"accepted\":2}"), (first, second));
    }

    [Theory]
    [InlineData("memory")]
    [InlineData("sqlite")]
    public async Task OneOfSeveralConcurrentRequestsWithAKeyIsAccepted(string kind)
    {
        await using var stores = new Stores(kind);
        await using Service service = await Service.StartAsync(await stores.OpenAsync());

        string[] answers = await Task.WhenAll(Enumerable.Range(0, 320)
            .Select(i => PostAsync(service, $$"""{"Id":"{{i % 10}}","Quantity":1}""", $"key-{i % 10}")));
        Assert.All(answers, answer => Assert.Equal("202 {\"accepted\":1}", answer));
        (long accepted, Order[] processed) = await service.EndAsync();
        Assert.Equal(10, accepted);
        Assert.Equal(Enumerable.Range(0, 10).Select(i => $"{i}"), processed.Select(order => order.Id!).Order());
    }

    [Theory]
    [InlineData("memory")]
    [InlineData("sqlite")]
    public async Task AKeyIsRefusedForADifferentRequest(string kind)
    {
        await using var stores = new Stores(kind);
        await using Service service = await Service.StartAsync(await stores.OpenAsync());

        Assert.StartsWith("202", await PostAsync(service, A, "key"));
        Assert.StartsWith("422", await PostAsync(service, """{"Id":"b","Quantity":1}""", "key"));       // as many items, but different ones
        Assert.StartsWith("422", await PostAsync(service, $"{A}\n{A}", "key", Many));                   // more
        Assert.StartsWith("422", await PostAsync(service, A, "key", Many)); // the same bytes as another content type
        Assert.StartsWith("202", await PostAsync(service, A, "key"));
        Assert.StartsWith("400", await PostAsync(service, "{", "other"));
        Assert.StartsWith("202", await PostAsync(service, A, "other")); // a refused request does not use up its key
        Assert.Equal(2, (await service.EndAsync()).Accepted);
    }

    [Fact]
    public async Task AClientHasKeysOfItsOwnWithAKeyScope()
    {
        await using var stores = new Stores("memory");
        await using Service service = await Service.StartAsync(await stores.OpenAsync(),
            new() { KeyScope = static context => context.Request.Headers["X-Client"] });

        foreach ((string? client, long accepted) in ((string?, long)[])[("a", 1), ("b", 2), ("a", 2), (null, 3), (null, 3), ("1:a", 4)])
        {
            service.Client.DefaultRequestHeaders.Remove("X-Client");
            if (client is not null) service.Client.DefaultRequestHeaders.Add("X-Client", client);
            Assert.Equal("202 {\"accepted\":1}", await PostAsync(service, A, "1"));
            Assert.Equal(accepted, (await service.EndAsync()).Accepted);
        }
        Assert.StartsWith("422", await PostAsync(service, """{"Id":"b","Quantity":1}""", "1"));
        Assert.StartsWith("400", await PostAsync(service, A, new string('k', 151)));
    }

    [Theory]
    [InlineData("memory")]
    [InlineData("sqlite")]
    public async Task AKeyExpiresAfterTheIdempotencyWindow(string kind)
    {
        var clock = new TestClock();
        await using var stores = new Stores(kind, clock);
        await using Service service = await Service.StartAsync(await stores.OpenAsync(),
            new() { IdempotencyWindow = TimeSpan.FromHours(1) });

        Assert.StartsWith("202", await PostAsync(service, A, "key"));
        clock.Advance(TimeSpan.FromMinutes(59));
        Assert.StartsWith("202", await PostAsync(service, A, "key"));
        Assert.Equal(1, (await service.EndAsync()).Accepted);
        clock.Advance(TimeSpan.FromMinutes(2)); // the window starts at the first request; a repetition does not prolong it
        Assert.StartsWith("202", await PostAsync(service, A, "key"));
        Assert.Equal(2, (await service.EndAsync()).Accepted);
    }

    [Theory]
    [InlineData("\"open")]
    [InlineData("\"a\"b")]
    [InlineData("\"\"")]
    [InlineData("t\tab")]
    [InlineData("151")]
    public async Task AnInvalidKeyIsRefused(string key)
    {
        await using var stores = new Stores("memory");
        await using Service service = await Service.StartAsync(await stores.OpenAsync());

        Assert.StartsWith("400", await PostAsync(service, A, key == "151" ? new string('k', 151) : key));
        Assert.Equal(0, (await service.EndAsync()).Accepted);
    }

    internal static async Task<string> PostAsync(Service service, string body, string key, string type = "application/json")
    {
        using HttpResponseMessage answer = await service.PostAsync(body, type, key);
        return $"{(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync()}";
    }
}
