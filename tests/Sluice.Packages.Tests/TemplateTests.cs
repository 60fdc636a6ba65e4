using System.Net;
using System.Net.Http.Json;

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
    public async Task ANameWithACharacterOfXmlMakesAWorkerThatBuilds()
    {
        using CleanDirectory clean = await InstallAsync();
        await Templates.NewAsync(clean, "sluice", "R&D");
        string tests = Path.Combine(clean.Path, "R&D/tests/R&D.Tests.csproj");
        Assert.Contains("<ProjectReference Include=\"../R&amp;D.csproj\" />", await File.ReadAllTextAsync(tests, Cancellation),
            StringComparison.Ordinal);
        if (Repetitions.AreAll) await clean.RunAsync("build", tests, "-v", "quiet", "--nologo", "-warnaserror");
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
        using (HttpResponseMessage refused = await client.GetAsync("/longest?text=the+quick+elephant", Cancellation))
            Assert.Equal(HttpStatusCode.MethodNotAllowed, refused.StatusCode);           // a request leaves a run in the store
        using (HttpResponseMessage answer = await client.PostAsJsonAsync("/longest", new { text = "the quick elephant" }, Cancellation))
            Assert.Equal((HttpStatusCode.OK, "elephant"), (answer.StatusCode, await answer.Content.ReadAsStringAsync(Cancellation)));
        using (HttpResponseMessage empty = await client.PostAsJsonAsync("/longest", new { }, Cancellation))
            Assert.Equal(HttpStatusCode.BadRequest, empty.StatusCode);
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
}
