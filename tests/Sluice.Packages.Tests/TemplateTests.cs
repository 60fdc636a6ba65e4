using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;

namespace Sluice.Packages.Tests;

/// <summary>The templates, from the packed package: installed, generated, built, tested and run.</summary>
public class TemplateTests(Packed packed)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task TheWorkerKeepsWhatItHasAcceptedAndGoesOnAfterARestart()
    {
        using CleanDirectory clean = await InstallAsync();
        await NewAsync(clean, "sluice", "shop");
        await clean.RunAsync("test", "shop/tests", "-v", "quiet", "--nologo");
        await clean.RunAsync("publish", "shop/shop.csproj", "-c", "Release", "-o", "out", "-v", "quiet", "--nologo");
        string url = $"http://127.0.0.1:{Collector.FreePort()}";
        using var client = new HttpClient { BaseAddress = new(url) };

        for (int life = 1; life <= 2; life++)
        {
            await using var collector = new Collector();
            using SampleProcess worker = clean.Start(life == 1 ? [] : collector.Variables, "out/shop.dll", "--urls", url);
            await worker.ReadUntilAsync(static line => line.Contains("Application started", StringComparison.Ordinal));
            await IsAsync(client, "/health/live", "Healthy");
            await IsAsync(client, "/health/ready", "Healthy");
            Assert.Single(Directory.GetFiles(Path.Combine(clean.Path, "out"), "*.db"));

            string item = $$"""{"id": "{{life}}", "text": "hello"}""";
            using HttpResponseMessage good = await client.PostAsync("/items", Json(item), Cancellation);
            Assert.Equal(HttpStatusCode.Accepted, good.StatusCode);
            await worker.ReadUntilAsync(line => line.Contains($"Handled the item {life}", StringComparison.Ordinal));
            string[] wrong = ["""{"id": "1"}""", """{"id": 1, "text": "hello"}""", """{"id": null, "text": "hello"}""", "[", "",
                """{"id": "1", "text": "hello", "more": 1}"""];
            foreach (string body in wrong) await IsRefusedAsync(client, body);

            await worker.SignalAsync("TERM");
            Ended ended = await worker.EndAsync();
            Assert.True(ended.ExitCode == 0, $"{ended.ExitCode}\n{ended.Output}\n{ended.Errors}");
            Assert.DoesNotContain("fail:", ended.Output, StringComparison.Ordinal);
            Assert.Equal(life == 1 ? [] : ["/v1/metrics", "/v1/traces"], await collector.PathsAsync());
        }
    }

    [Fact]
    public async Task ThePipelineRuns()
    {
        using CleanDirectory clean = await InstallAsync();
        await NewAsync(clean, "sluice-pipeline", "orders");
        string output = await clean.RunAsync("run", "--project", "orders");
        Assert.StartsWith("ann buys 3\nbob buys 4\nann buys 5\ndead letter: ", output, StringComparison.Ordinal);
        Assert.Contains("a line is NAME,AMOUNT", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task TwoServicesWorkOnOneFlow()
    {
        using CleanDirectory clean = await InstallAsync();
        await NewAsync(clean, "sluice-flow", "words");
        await clean.RunAsync("build", "words", "-c", "Release", "-v", "quiet", "--nologo");
        await using RedisServer redis = await RedisServer.StartAsync();
        string[] urls = [$"http://127.0.0.1:{Collector.FreePort()}", $"http://127.0.0.1:{Collector.FreePort()}"];
        string store = $"Sluice:Store=redis:{redis.Address}";
        using SampleProcess splitter = clean.Start([], "words/Splitter/bin/Release/net10.0/Splitter.dll", "--urls", urls[0], store);
        using SampleProcess counter = clean.Start([], "words/Counter/bin/Release/net10.0/Counter.dll", "--urls", urls[1], store);
        foreach (SampleProcess service in new[] { splitter, counter })
            await service.ReadUntilAsync(static line => line.Contains("Application started", StringComparison.Ordinal));
        using var client = new HttpClient { BaseAddress = new(urls[1]), Timeout = TimeSpan.FromMinutes(1) };
        await IsAsync(client, "/health/ready", "Healthy");
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
        await clean.RunAsync("new", "install", Path.Combine(packed.Source, $"Sluice.Templates.{packed.Version}.nupkg"),
            "--debug:custom-hive", Path.Combine(clean.Path, "hive"));
        return clean;
    }

    private static Task<string> NewAsync(CleanDirectory clean, string template, string name)
        => clean.RunAsync("new", template, "-o", name, "--no-update-check", "--debug:custom-hive", Path.Combine(clean.Path, "hive"));

    private static async Task IsAsync(HttpClient client, string path, string expected)
    {
        using HttpResponseMessage response = await client.GetAsync(new Uri(path, UriKind.Relative), Cancellation);
        Assert.Equal((HttpStatusCode.OK, expected), (response.StatusCode, await response.Content.ReadAsStringAsync(Cancellation)));
    }

    private static async Task IsRefusedAsync(HttpClient client, string body)
    {
        using HttpResponseMessage response = await client.PostAsync("/items", Json(body), Cancellation);
        Assert.True(response.StatusCode == HttpStatusCode.BadRequest, $"{body}: {response.StatusCode}");
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        JsonElement problem = await response.Content.ReadFromJsonAsync<JsonElement>(Cancellation);
        Assert.Equal(400, problem.GetProperty("status").GetInt32());
        Assert.NotEmpty(problem.GetProperty("detail").GetString()!);
    }

    private static StringContent Json(string body) => new(body, Encoding.UTF8, "application/json");
}
