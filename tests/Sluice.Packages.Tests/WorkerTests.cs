using System.Collections.Concurrent;
using System.Net;

namespace Sluice.Packages.Tests;

/// <summary>What scripts rely on: the addresses, the answers, the store and the signals of the template <c>sluice</c>.</summary>
/// <remarks>docs/packages.md lists it. The worker is a real process, from the packed packages.</remarks>
public class WorkerTests(PublishedWorker published) : IClassFixture<PublishedWorker>
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task TheGeneratedTestsPass() => await published.RunAsync("test", "shop/tests", "-v", "quiet", "--nologo", "-warnaserror");

    [Long("TheGeneratedTestsPass")]
    [Fact]
    public async Task AChangedNumberOfAttemptsFailsTheGeneratedTestsAtOnce()
    {
        const string Pipeline = "shop/ItemPipeline.cs";
        string before = await published.ReadAsync(Pipeline);
        published.Write(Pipeline, before.Replace("Replay(3,", "Replay(2,", StringComparison.Ordinal));
        try
        {
            Ended ended = await published.EndAsync("test", "shop/tests", "-v", "quiet", "--nologo", "--logger",
                "console;verbosity=normal");
            Assert.NotEqual(0, ended.ExitCode);
            Assert.True((ended.Output + ended.Errors).Contains("The item is a dead letter after 3 attempts", StringComparison.Ordinal),
                ended.Output + ended.Errors);
        }
        finally
        {
            published.Write(Pipeline, before);
        }
    }

    [Fact]
    public async Task TheWorkerAnswersStoresBesideItselfAndGoesOnAfterARestart()
    {
        using WorkerProgram program = published.Program("as-it-is");
        for (int life = 1; life <= 2; life++)
        {
            await using var collector = new Collector();
            using SampleProcess worker = await program.StartAsync(life == 1 ? [] : collector.Variables);
            Assert.Equal((HttpStatusCode.OK, "Healthy"), await program.HealthAsync("live"));
            Assert.Equal((HttpStatusCode.OK, "Healthy"), await program.HealthAsync("ready"));
            Assert.Equal("items.db", Path.GetFileName(Assert.Single(Directory.GetFiles(program.Folder, "*.db"))));

            Assert.Equal(HttpStatusCode.Accepted, await program.PostAsync($$"""{"id": "{{life}}", "text": "hello"}"""));
            await worker.ReadUntilAsync(line => line.Contains($"Handled the item {life}", StringComparison.Ordinal));

            await worker.SignalAsync("TERM");
            Ended ended = await worker.EndAsync();
            Assert.True(ended.ExitCode == 0, $"{ended.ExitCode}\n{ended.Output}\n{ended.Errors}");
            Assert.DoesNotContain("fail:", ended.Output, StringComparison.Ordinal);
            Assert.Equal(life == 1 ? [] : ["/v1/metrics", "/v1/traces"], await collector.PathsAsync());
        }
    }

    [Fact]
    public async Task EveryPairOfStringsIsAnItemAndNothingElseIs()
    {
        using WorkerProgram program = published.Program("as-it-is");
        using SampleProcess worker = await program.StartAsync();
        (string Id, string Text)[] items = [("", ""), ("a b/c\n\0", "text"), ("ü 😀", "ß"), (new('x', 10_000), new('y', 100_000))];
        foreach ((string id, string text) in items) Assert.Equal(HttpStatusCode.Accepted, await program.PostAsync(id, text));
        Assert.Equal(HttpStatusCode.Accepted, await program.PostAsync("""{"text": "the other order", "id": "1"}"""));
        string[] wrong = ["", "[", "null", "1", "[]", """{"id": "1"}""", """{"text": "a"}""", """{"id": 1, "text": "a"}""",
            """{"id": null, "text": "a"}""", """{"id": "1", "text": null}""", """{"id": "1", "text": "a", "more": 1}""",
            """{"id": "1", "text": "a"} {"id": "2", "text": "a"}""", """{"id": "\ud800", "text": "a"}"""];
        foreach (string body in wrong) await program.IsRefusedAsync(body);
        Assert.Contains("Members are missing: 'id' (a text).", await program.IsRefusedAsync("""{"text": "a"}"""), StringComparison.Ordinal);
        Assert.Contains("'Text' must not be null", await program.IsRefusedAsync("""{"id": "1", "Text": null}"""), StringComparison.Ordinal);
        Assert.Contains("no member 'txt' here: expected 'id', 'text'.", await program.IsRefusedAsync("""{"id": "1", "txt": ""}"""),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task NothingThatWasAcceptedIsLostWhenTheWorkerIsKilled()
    {
        using WorkerProgram program = published.Program("slow");
        ConcurrentBag<string> accepted = [];
        Ended killed;
        // Slower than the clients of any machine, so that items are left.
        using (SampleProcess first = await program.StartAsync("DELAY=1000", "Sluice__Consecutors__items__MaxInFlight=4"))
        {
            Task[] clients = [.. Enumerable.Range(0, 8).Select(SendAsync)];
            await first.ReadUntilAsync(IsHandled);
            while (accepted.Count < 300) await Task.Yield();
            first.Kill();
            await Task.WhenAll(clients);
            killed = await first.EndAsync();
        }
        HashSet<string> handled = [.. killed.Output.Split('\n').Where(IsHandled).Select(IdOf)];
        HashSet<string> left = [.. accepted.Except(handled)];
        Assert.NotEmpty(left);
        using SampleProcess second = program.Begin("DELAY=0");             // it may handle items before it says that it has started
        while (left.Count > 0) left.Remove(IdOf(await second.ReadUntilAsync(IsHandled)));
        await second.SignalAsync("TERM");
        Assert.Equal(0, (await second.EndAsync()).ExitCode);

        async Task SendAsync(int client)
        {
            try
            {
                for (int i = 0; ; i++)
                {
                    Assert.Equal(HttpStatusCode.Accepted, await program.PostAsync($"{client}-{i}", "hello"));
                    accepted.Add($"{client}-{i}");
                }
            }
            catch (HttpRequestException)
            {
                // The worker was killed; this item may or may not be accepted.
            }
        }
    }

    [Fact]
    public async Task TheSignalTermLetsItemsInFlightEndAndKeepsTheOthers()
    {
        using WorkerProgram program = published.Program("slow");
        using (SampleProcess first = await program.StartAsync("DELAY=-8000", "Sluice__Consecutors__items__MaxInFlight=1"))
        {
            foreach (string id in new[] { "one", "two" }) Assert.Equal(HttpStatusCode.Accepted, await program.PostAsync(id, "hello"));
            string begun = await first.ReadUntilAsync(static line => line.Contains("Begins the item", StringComparison.Ordinal));
            await first.SignalAsync("TERM");
            Ended ended = await first.EndAsync();
            Assert.Equal(0, ended.ExitCode);
            Assert.Contains($"Handled the item {IdOf(begun)}", ended.Output, StringComparison.Ordinal);
            string other = IdOf(begun) == "one" ? "two" : "one";
            Assert.DoesNotContain($"the item {other}", ended.Output, StringComparison.Ordinal);
            await Assert.ThrowsAsync<HttpRequestException>(() => program.HealthAsync("live"));

            using SampleProcess second = program.Begin("DELAY=0");         // it may handle the item before it says that it has started
            string handled = await second.ReadUntilAsync(IsHandled);
            Assert.Equal(other, IdOf(handled));
        }
    }

    [Theory]
    [InlineData("Sluice__Consecutors__items__MaxInFlight=many", null, 2,
        "Sluice:Consecutors:items:MaxInFlight is 'many'; it must be a whole number.")]
    [InlineData("Sluice__Stor=memory", null, 2, "Sluice:Stor: there is no such setting; there are Consecutors, ")]
    [InlineData("Sluice__Store=sqlite:/no/such/items.db", null, 3, "Sluice:Store cannot be used. The store /no/such/items.db cannot be ")]
    [InlineData(null, """{"Sluice": {"OnFailure": "Crash"}}""", 2, "Sluice:OnFailure is 'Crash'; it must be one of StopHost, Degrade.")]
    [InlineData(null, """{"Sluice": {"OnFailure": "StopHost",}""", 2, "Failed to load configuration from file '")]
    [InlineData("ASPNETCORE_URLS=5080", null, 3, "The web server cannot listen at 5080: Invalid url: '5080'. ")]
    public async Task AMistakeEndsTheStartWithOneLineAndAnExitCode(string? variable, string? settings, int exitCode, string start)
    {
        using WorkerProgram program = published.Program("as-it-is");
        if (settings is not null)
            await File.WriteAllTextAsync(Path.Combine(program.Folder, "appsettings.json"), settings, Cancellation);
        string[] variables = variable is null ? [] : [variable];
        using SampleProcess worker = variable?.StartsWith("ASPNETCORE_URLS", StringComparison.Ordinal) == true
            ? program.BeginWithoutUrls(variables) : program.Begin(variables);
        Ended ended = await worker.EndAsync();
        EndedWithOneLine(ended, exitCode, start);
        if (settings is null) Assert.DoesNotContain("Hosting failed to start", ended.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ASecondWorkerOnTheSameStoreDoesNotStart()
    {
        using WorkerProgram program = published.Program("as-it-is");
        using SampleProcess first = await program.StartAsync();
        using SampleProcess second = program.Begin();
        string line = EndedWithOneLine(await second.EndAsync(), 3, "The store ");
        Assert.Contains("is open already, in another process", line, StringComparison.Ordinal);
        Assert.Equal((HttpStatusCode.OK, "Healthy"), await program.HealthAsync("ready"));
    }

    [Fact]
    public async Task ASecondWorkerAtTheSamePortDoesNotStart()
    {
        using WorkerProgram program = published.Program("as-it-is");
        using SampleProcess first = await program.StartAsync();
        using SampleProcess second = program.Begin("Sluice__Store=memory");
        EndedWithOneLine(await second.EndAsync(), 3, $"The web server cannot listen at {program.Url}: the address is in use. Choose another ");
        Assert.Equal((HttpStatusCode.OK, "Healthy"), await program.HealthAsync("ready"));
    }

    private static string EndedWithOneLine(Ended ended, int exitCode, string start)
    {
        Assert.True(ended.ExitCode == exitCode, $"{ended.ExitCode}\n{ended.Output}\n{ended.Errors}");
        string line = Assert.Single(ended.Errors.TrimEnd('\n').Split('\n'));
        Assert.StartsWith(start, line, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", ended.Output, StringComparison.Ordinal);
        return line;
    }

    private static bool IsHandled(string line) => line.Contains("Handled the item ", StringComparison.Ordinal);

    private static string IdOf(string line) => line.Split(' ')[^1].Trim();
}
