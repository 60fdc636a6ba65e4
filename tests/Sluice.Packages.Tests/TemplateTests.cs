using System.Net;

namespace Sluice.Packages.Tests;

/// <summary>The templates, from the packed package: installed, generated, built, tested and run.</summary>
public class TemplateTests(Packed packed)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ThePipelineRuns()
    {
        using CleanDirectory clean = await InstallAsync();
        await Templates.NewAsync(clean, "sluice-pipeline", "orders");
        string output = await clean.RunAsync("run", "--project", "orders");
        Assert.StartsWith("ann buys 3\nbob buys 4\nann buys 5\ndead letter: ", output, StringComparison.Ordinal);
        Assert.Contains("a line is NAME,AMOUNT", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task TwoServicesWorkOnOneFlow()
    {
        using CleanDirectory clean = await InstallAsync();
        await Templates.NewAsync(clean, "sluice-flow", "words");
        await clean.RunAsync("build", "words", "-c", "Release", "-v", "quiet", "--nologo");
        await using RedisServer redis = await RedisServer.StartAsync();
        string[] urls = [$"http://127.0.0.1:{FreePort.Next()}", $"http://127.0.0.1:{FreePort.Next()}"];
        string store = $"Sluice:Store=redis:{redis.Address}";
        using SampleProcess splitter = clean.Start([], "words/Splitter/bin/Release/net10.0/Splitter.dll", "--urls", urls[0], store);
        using SampleProcess counter = clean.Start([], "words/Counter/bin/Release/net10.0/Counter.dll", "--urls", urls[1], store);
        foreach (SampleProcess service in new[] { splitter, counter })
            await service.ReadUntilAsync(static line => line.Contains("Application started", StringComparison.Ordinal));
        using var client = new HttpClient { BaseAddress = new(urls[1]), Timeout = TimeSpan.FromMinutes(1) };
        using (HttpResponseMessage ready = await client.GetAsync("/health/ready", Cancellation)) ready.EnsureSuccessStatusCode();
        await IsAsync(client, "/longest?text=the+quick+elephant", "elephant");
        foreach (SampleProcess service in new[] { splitter, counter })
        {
            await service.SignalAsync("TERM");
            Assert.Equal(0, (await service.EndAsync()).ExitCode);
        }
    }

    private async Task<CleanDirectory> InstallAsync()
    {
        var clean = new CleanDirectory(packed);
        await Templates.InstallAsync(clean, packed);
        return clean;
    }

    private static async Task IsAsync(HttpClient client, string path, string expected)
    {
        using HttpResponseMessage response = await client.GetAsync(new Uri(path, UriKind.Relative), Cancellation);
        Assert.Equal((HttpStatusCode.OK, expected), (response.StatusCode, await response.Content.ReadAsStringAsync(Cancellation)));
    }
}
