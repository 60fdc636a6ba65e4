using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Sluice.Redis.Tests;

namespace Sluice.Samples.Tests.Files;

/// <summary>The processors in three processes, on a server of the test's own.</summary>
public sealed class ServiceTests : IDisposable
{
    private readonly FilesRun run = new();

    public void Dispose() => run.Dispose();

    [Fact]
    public async Task NothingIsLostAndNothingCountedTwiceHoweverOftenServicesAreKilled()
    {
        const int Files = 400;
        await using RedisServer server = await RedisServer.StartAsync("--appendonly", "no");
        JsonElement table = await run.TableAsync("--files", $"{Files}", "--seed", "3", "--store", $"redis:{server.Address}", "--kill", "--out", "words.csv");
        Assert.Equal((Files, Files, 0, 0, 0), FilesRun.Books(table));
        Assert.InRange(FilesRun.Number(table, "kills"), 5, 40);
        Assert.InRange(FilesRun.Number(table, "restarts"), 3, FilesRun.Number(table, "kills"));
        List<(string File, string Words)> rows = FilesRun.Rows(run.PathOf("words.csv"));
        Assert.Equal(Files, rows.Select(row => row.File).Distinct().Count());

        // The same files, counted without services, and without trouble.
        await run.TableAsync("--files", $"{Files}", "--seed", "3", "--out", "again.csv");
        Assert.Equal(FilesRun.Rows(run.PathOf("again.csv")), rows);
        Assert.Equal(rows.Sum(row => long.Parse(row.Words, CultureInfo.InvariantCulture)), table.GetProperty("words").GetInt64());
    }

    [Fact]
    public async Task ThreeServicesShareTheWorkAndLeaveNothingOfTheRunBehind()
    {
        await using RedisServer server = await RedisServer.StartAsync("--appendonly", "no");
        JsonElement table = await run.TableAsync("--files", "100", "--store", $"redis:{server.Address}");
        Assert.Equal((100, 100, 0, 0, 0), FilesRun.Books(table));
        Assert.Equal(["driver", "reader", "extractor", "indexer"], table.GetProperty("peakMemory").EnumerateObject().Select(process => process.Name));
        Assert.All(table.GetProperty("peakMemory").EnumerateObject(), process => Assert.InRange(process.Value.GetInt64(), 10 << 20, 1 << 30));
        Assert.Equal((0, 0), (FilesRun.Number(table, "kills"), FilesRun.Number(table, "restarts")));
        string keys = await AskAsync(server.Port, "--scan");
        Assert.Contains("work%2Fextract", keys, StringComparison.Ordinal);
        Assert.DoesNotContain("flow", keys, StringComparison.Ordinal);
    }

    private static async Task<string> AskAsync(int port, string question)
    {
        using var client = Process.Start(new ProcessStartInfo("redis-cli", ["-p", $"{port}", question]) { RedirectStandardOutput = true })!;
        string answer = await client.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await client.WaitForExitAsync(TestContext.Current.CancellationToken);
        return answer;
    }
}
