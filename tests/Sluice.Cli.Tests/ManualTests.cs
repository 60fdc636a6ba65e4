using System.Text;
using System.Text.RegularExpressions;
using Sluice.Flows;
using Sluice.Redis;
using Sluice.Redis.Tests;
using Sluice.Samples.Tests;
using Sluice.Sqlite;
using Sluice.Storage;
using Sluice.Terminal.Tests;

namespace Sluice.Cli.Tests;

/// <summary>
/// The commands in docs/command-line.md print what the page shows, except for times, ids and sizes. <c>SLUICE_APPROVE=1</c> writes the
/// outputs into the page.
/// </summary>
public sealed partial class ManualTests : CliTestBase
{
    private const string Prompt = "$ sluice ";

    private static readonly string Page = Path.Combine(Root(), "docs/command-line.md");

    [Fact]
    public async Task TheManualShowsWhatTheCommandsPrint()
    {
        string[] page = await File.ReadAllLinesAsync(Page, Cancellation);
        string[] commands = [.. page.Where(static line => line.StartsWith(Prompt, StringComparison.Ordinal)).Distinct()];
        Assert.True(commands.Length > 10, $"only {commands.Length} commands were found");
        Dictionary<string, string> outputs = [];
        await using (RedisServer server = await RedisServer.StartAsync())
        await using (RedisStreamStore redis = await RedisStreamStore.ConnectAsync(server.Address, null, Cancellation))
        await using (Consecutor<string> shared = Orders(redis))
        await using (SqliteStreamStore store = await SqliteStreamStore.OpenAsync(StorePath, Durability.Process, null, Cancellation))
        {
            await shared.StartAsync(Cancellation);
            await shared.SendAsync("1", Cancellation);
            await FillStoreAsync(store);
            await using Consecutor<string> orders = Orders(store);
            await orders.StartAsync(Cancellation);
            await orders.WaitForIdleAsync(Cancellation);
            foreach (string command in commands.Where(static command => !NeedsFreeStore(command)))
                outputs[command] = await OutputAsync(command, server.Address);
        }
        foreach (string command in commands.Where(NeedsFreeStore)) outputs[command] = await OutputAsync(command, "");

        string[] actual = Write(page, outputs);
        if (Environment.GetEnvironmentVariable("SLUICE_APPROVE") == "1") await File.WriteAllLinesAsync(Page, actual, Cancellation);
        else Assert.Equal(Normal(page), Normal(actual));
    }

    private static bool NeedsFreeStore(string command)
        => command.StartsWith($"{Prompt}redrive", StringComparison.Ordinal) && !command.EndsWith("--all", StringComparison.Ordinal);

    private async Task<string> OutputAsync(string command, string server)
    {
        string line = command[Prompt.Length..].Replace("localhost:6379", server, StringComparison.Ordinal);
        Ended ended = await RunAsync(line.Split(' '));
        string output = (ended.Output + ended.Errors).Replace(Folder, "/data", StringComparison.Ordinal).TrimEnd('\n');
        // The manual leaves the calls of a stack out: they name files of this machine. A store on which a supervisor was at work for long
        // has a stream for its sweeps, too.
        return string.Join('\n', output.Split('\n').Where(static line => !line.StartsWith("call ", StringComparison.Ordinal)
            && !line.StartsWith("flow-sweep ", StringComparison.Ordinal)));
    }

    private static async Task FillStoreAsync(SqliteStreamStore store)
    {
        await FillAsync(store, "12", "twelve");
        await store.OpenStreamAsync("prices", new() { Partitions = 4 }, Cancellation);
        using var batch = new EntryBatch();
        foreach ((string key, string text) in (ReadOnlySpan<(string, string)>)[("EUR", "1.10"), ("USD", "1.00"), ("EUR", "1.20")])
            batch.Add(Encoding.UTF8.GetBytes(text), EntryKey.Of(key));
        await store.AppendAsync(new("prices", "sender", 0, 1, batch), Cancellation);
        await using Supervisor supervisor = Supervisor.Attach(store, new() { Name = "shop-1", OnWarning = static _ => { } });
        await using FlowRun run = await GreetingFlow.StartAsync(supervisor, Cancellation);
        await run.Completion.WaitAsync(Cancellation);
    }

    private static string[] Write(string[] page, Dictionary<string, string> outputs)
    {
        List<string> written = [];
        bool isInOutput = false;
        foreach (string line in page)
        {
            if (line.StartsWith("```", StringComparison.Ordinal)) isInOutput = false;
            if (line.StartsWith(Prompt, StringComparison.Ordinal))
            {
                written.Add(line);
                written.AddRange(outputs[line].Split('\n'));
                isInOutput = true;
            }
            else if (!isInOutput)
            {
                written.Add(line);
            }
        }
        return [.. written];
    }

    private static IEnumerable<string> Normal(string[] page)
        => page.Select(static line => Spaces().Replace(Varying().Replace(line, "?"), " "));

    // Times, ids, sizes, and lines under headers, whose length varies with them.
    [GeneratedRegex(@"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}Z|/\d/\d+@\d|\d+ k?B\b")]
    private static partial Regex Varying();

    [GeneratedRegex(@" +")]
    private static partial Regex Spaces();
}
