using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Sluice.Redis.Tests;

namespace Sluice.Samples.Tests.Files;

/// <summary>The processors run in three processes. Each test has its own server.</summary>
public sealed class ServiceTests : IDisposable
{
    private readonly FilesRun run = new();

    public void Dispose() => run.Dispose();

    [Fact]
    public async Task EveryFileIsCountedOnceDespiteKilledServices()
    {
        const int Files = 200;
        await using RedisServer server = await RedisServer.StartAsync("--appendonly", "no");
        JsonElement table = await run.TableAsync("--files", $"{Files}", "--seed", "3", "--store", $"redis:{server.Address}", "--kill",
            "--out", "words.csv");
        Assert.Equal((Files, Files, 0, 0, 0), FilesRun.Books(table));
        Assert.InRange(FilesRun.Number(table, "kills"), 5, 40);
        Assert.InRange(FilesRun.Number(table, "restarts"), 3, FilesRun.Number(table, "kills"));
        List<(string File, string Words)> rows = FilesRun.Rows(run.PathOf("words.csv"));
        Assert.Equal(Files, rows.Select(row => row.File).Distinct().Count());

        // The same files, counted in one process without kills.
        await run.TableAsync("--files", $"{Files}", "--seed", "3", "--out", "again.csv");
        Assert.Equal(FilesRun.Rows(run.PathOf("again.csv")), rows);
        Assert.Equal(rows.Sum(row => long.Parse(row.Words, CultureInfo.InvariantCulture)), table.GetProperty("words").GetInt64());
    }

    [Fact]
    public async Task ThreeServicesShareTheWorkAndCleanUpTheRun()
    {
        await using RedisServer server = await RedisServer.StartAsync("--appendonly", "no");
        JsonElement table = await run.TableAsync("--files", "100", "--store", $"redis:{server.Address}");
        Assert.Equal((100, 100, 0, 0, 0), FilesRun.Books(table));
        Assert.Equal(["driver", "reader", "extractor", "indexer"],
            table.GetProperty("peakMemory").EnumerateObject().Select(process => process.Name));
        Assert.All(table.GetProperty("peakMemory").EnumerateObject(),
            process => Assert.InRange(process.Value.GetInt64(), 10 << 20, 1 << 30));
        Assert.Equal((0, 0), (FilesRun.Number(table, "kills"), FilesRun.Number(table, "restarts")));
        string keys = await AskAsync(server.Port, "--scan");
        Assert.Contains("work%2Fextract", keys, StringComparison.Ordinal);
        HasNoRun(keys);
    }

    // On a slow machine the sweeper has had its turn during the run, and that stays in the store.
    private static void HasNoRun(string keys)
        => Assert.DoesNotContain(keys.Split('\n'), static key => key.Contains("flow", StringComparison.Ordinal)
            && !key.Contains("flow-sweep", StringComparison.Ordinal));

    [Long("EveryFileIsCountedOnceDespiteKilledServices; OutageWarningTests")]
    [Fact]
    public async Task ASilentServerIsReportedAndTheRunContinuesWhenItAnswers()
    {
        await using RedisServer server = await RedisServer.StartAsync("--appendonly", "no");
        using SampleProcess process = SampleProcess.Start("Files", run.Directory, "--files", "1000", "--store", $"redis:{server.Address}",
            "--json");
        await process.ReadUntilAsync(line => line.StartsWith("discover ", StringComparison.Ordinal));
        await server.PauseAsync();
        string said = await process.ReadErrorAsync("has not answered");
        Assert.Matches(
            $"^files: the Redis server at {server.Address} has not answered for [0-9]+ s; the flow stands still, and goes on when it does "
                + $"\\(Ctrl\\+C ends it\\)$", said);
        await server.ResumeAsync();
        await process.ReadErrorAsync($"files: the Redis server at {server.Address} answers again, after ");
        Ended ended = await process.EndAsync();
        Assert.Equal(0, ended.ExitCode);
        Assert.Equal((1000, 1000, 0, 0, 0), FilesRun.Books(FilesRun.Table(ended)));
    }

    [Fact]
    public async Task AnInterruptEndsTheRunEvenIfTheServerIsSilent()
    {
        await using RedisServer server = await RedisServer.StartAsync("--appendonly", "no");
        using SampleProcess process = SampleProcess.Start("Files", run.Directory, "--files", "3000", "--store", $"redis:{server.Address}");
        string directory = (await process.ReadUntilAsync(line => line.Contains(" files in ", StringComparison.Ordinal))).Split(
            " files in ")[1].Split(" (--seed")[0];
        await process.ReadUntilAsync(line => line.StartsWith("discover ", StringComparison.Ordinal));
        await server.PauseAsync();
        await process.SignalAsync("INT");
        string said = await process.ReadErrorAsync("interrupted");
        Assert.Equal(
            $"files: interrupted: cancels the run, stops the services and waits for the Redis server at {server.Address}, for 10 s at "
                + $"most; Ctrl+C again ends it at once", said);
        Ended ended = await process.EndAsync();
        Assert.Equal(130, ended.ExitCode);
        Assert.Matches(
            $"files: interrupted; the run files-[0-9a-f]+ could not be cancelled: does the Redis server at {server.Address} answer\\? The "
                + $"services were killed; what is left of the run in the store stays there for a day\n$", ended.Errors);
        Assert.False(Directory.Exists(directory));
    }

    [Fact]
    public async Task AnInterruptLeavesNothingOfTheRunBehind()
    {
        await using RedisServer server = await RedisServer.StartAsync("--appendonly", "no");
        using SampleProcess process = SampleProcess.Start("Files", run.Directory, "--files", "3000", "--store", $"redis:{server.Address}");
        await process.ReadUntilAsync(line => line.StartsWith("discover ", StringComparison.Ordinal));
        await process.SignalAsync("INT");
        Ended ended = await process.EndAsync();
        Assert.Equal(130, ended.ExitCode);
        Assert.EndsWith("files: interrupted\n", ended.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("what is left", ended.Errors, StringComparison.Ordinal);
        HasNoRun(await AskAsync(server.Port, "--scan"));
    }

    private static async Task<string> AskAsync(int port, string question)
    {
        using var client = Process.Start(new ProcessStartInfo("redis-cli", ["-p", $"{port}", question]) { RedirectStandardOutput = true })!;
        string answer = await client.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await client.WaitForExitAsync(TestContext.Current.CancellationToken);
        return answer;
    }
}
