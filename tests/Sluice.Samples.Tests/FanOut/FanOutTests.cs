using System.Net;
using System.Text.Json;

namespace Sluice.Samples.Tests.FanOut;

/// <summary>The sample as a service, called over HTTP.</summary>
public sealed class FanOutTests
{
    private static readonly string[] Always = ["sku", "title", "amount", "currency", "available", "days", "carrier", "badge"];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task APageCombinesTheAnswersOfAllBackendsThatSucceeded()
    {
        using SampleProcess service = Start("--fail-every", "2");
        using HttpClient http = await ConnectAsync(service);
        JsonElement whole = await GetAsync(http, "product/7"), without = await GetAsync(http, "product/7");
        Assert.Equal([.. Always, "count", "stars"], Names(whole), IgnoreOrder);
        Assert.Equal(Always, Names(without), IgnoreOrder);
        Assert.Equal(("SKU-0007", "Product 7", 12.99m),
            (whole.GetProperty("sku").GetString(), whole.GetProperty("title").GetString(), whole.GetProperty("amount").GetDecimal()));
        Assert.Equal(Text(whole), Text(await GetAsync(http, "by-hand/7")));
        Assert.Equal(HttpStatusCode.NotFound, (await http.GetAsync("product/7777", Cancellation)).StatusCode);
        await service.SignalAsync("TERM");
        (await service.EndAsync()).Succeeded();
    }

    [Fact]
    public async Task TheGraphIsDrawnBeforeAndAfterAResolve()
    {
        using SampleProcess service = Start("--fail-every", "0");
        using HttpClient http = await ConnectAsync(service);
        string before = await http.GetStringAsync("graph", Cancellation), after = await http.GetStringAsync("graph/7", Cancellation);
        Assert.Contains("├─ price (retry 2, timeout 50 s) → badge\n", before, StringComparison.Ordinal);
        Assert.DoesNotContain(" ms", before, StringComparison.Ordinal);
        Assert.Matches(@"product \(timeout 50 s\) +\* [0-9.]+ m?s from", after);
        // Which backend answers last is a matter of real time: price or reviews, before the badge, or one of those that nothing waits for.
        Assert.Matches(@"class n0,n[0-9](,n5)? critical\n$", await http.GetStringAsync("graph/7?format=mermaid", Cancellation));
        Assert.StartsWith("digraph", await http.GetStringAsync("graph?format=dot", Cancellation), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.BadRequest, (await http.GetAsync("graph?format=png", Cancellation)).StatusCode);
    }

    [Fact]
    public async Task TheLoadRunMeasuresBothPagesWithoutFailures()
    {
        using SampleProcess load = SampleProcess.Start("FanOut", Path.GetTempPath(), "--load", "--timeout", "50", "--requests", "200",
            "--concurrency", "8");
        string output = (await load.EndAsync()).Succeeded().Output;
        Assert.Matches(@"graph +│ 200 +│ 0 +│ [0-9.]+ ms │ [0-9.]+ ms", output);
        Assert.Matches(@"by hand +│ 200 +│ 0 +│ [0-9.]+ ms │ [0-9.]+ ms", output);
    }

    [Fact]
    public async Task CallsToThisMachineGoToNoProxy()
    {
        string[] proxy = [.. new[] { "http_proxy", "HTTP_PROXY", "all_proxy" }.Select(static name => $"{name}=http://127.0.0.1:1")];
        using SampleProcess load = SampleProcess.StartProgram(Path.GetTempPath(), "env", ["-u", "no_proxy", "-u", "NO_PROXY", .. proxy,
            SampleProcess.Dotnet, Path.Combine(SampleProcess.DirectoryOf("FanOut"), "FanOut.dll"), "--load", "--fail-every", "0",
            "--timeout", "50", "--requests", "20", "--concurrency", "2"]);
        string output = (await load.EndAsync()).Succeeded().Output;
        Assert.Matches(@"graph +│ 20 +│ 0 ", output);
        Assert.Matches(@"by hand +│ 20 +│ 0 ", output);
    }

    [Fact]
    public async Task AnUnavailableAddressIsReportedInOneLine()
    {
        using SampleProcess service = SampleProcess.Start("FanOut", Path.GetTempPath(), "--urls", "http://192.0.2.1:5077");
        Assert.Contains("http://192.0.2.1:5077", (await service.EndAsync()).OneErrorLine(1, "fan-out"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--requests ten")]
    [InlineData("--concurrency 0")]
    [InlineData("--lod")]
    public async Task AMistakeIsReportedInOneLine(string commandLine)
    {
        using SampleProcess service = SampleProcess.Start("FanOut", Path.GetTempPath(), commandLine.Split(' '));
        Assert.Contains(commandLine.Split(' ')[0], (await service.EndAsync()).OneErrorLine(2, "fan-out"), StringComparison.Ordinal);
    }

    private static readonly IEqualityComparer<IEnumerable<string>> IgnoreOrder = EqualityComparer<IEnumerable<string>>.Create(
        (one, other) => one!.Order(StringComparer.Ordinal).SequenceEqual(other!.Order(StringComparer.Ordinal)), _ => 0);

    // A backend of a busy machine may take longer than the default of a second. The page would then lack its part.
    private static SampleProcess Start(params string[] arguments)
        => SampleProcess.Start("FanOut", Path.GetTempPath(), ["--urls", "http://127.0.0.1:0", "--timeout", "50", .. arguments]);

    private static async Task<HttpClient> ConnectAsync(SampleProcess service)
    {
        string line = await service.ReadUntilAsync(line => line.StartsWith("listening ", StringComparison.Ordinal));
        return new() { BaseAddress = new(line.Split(' ')[1]) };
    }

    private static async Task<JsonElement> GetAsync(HttpClient http, string path)
        => JsonDocument.Parse(await http.GetStringAsync(path, Cancellation)).RootElement;

    private static IEnumerable<string> Names(JsonElement page) => page.EnumerateObject().Select(property => property.Name);

    private static string Text(JsonElement page)
        => string.Join(' ', page.EnumerateObject().OrderBy(property => property.Name, StringComparer.Ordinal)
        .Select(property => $"{property.Name}={property.Value}"));
}
