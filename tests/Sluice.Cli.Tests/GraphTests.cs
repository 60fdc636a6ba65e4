using System.Text.Json;
using Sluice.Flows;
using Sluice.Samples.Tests;
using Sluice.Sqlite;

namespace Sluice.Cli.Tests;

/// <summary>Graphs of flows in a store, and of members of an assembly.</summary>
public sealed class GraphTests : CliTestBase
{
    private const string Store = "sqlite:orders.db";

    private static string Programs => Path.Combine(SampleProcess.DirectoryOf("Sluice.Programs"), "Sluice.Programs.dll");

    private string Trace => Path.Combine(Folder, "code-has-run.txt");

    [Fact]
    public async Task AStoreHasTheFlowsThatWereRun()
    {
        await using SqliteStreamStore store = await SqliteStreamStore.OpenAsync(StorePath, Durability.Process, null, Cancellation);
        Assert.StartsWith("no flows: ", (await RunAsync("graph", Store)).Succeeded().Output, StringComparison.Ordinal);
        await using Supervisor supervisor = Supervisor.Attach(store, new() { Name = "shop", OnWarning = static _ => { } });
        await RunFlowAsync(supervisor, "a", "run-1", "run-2");
        string drawn = (await RunAsync("graph", Store)).Succeeded().Output;
        Assert.Equal("flow of 2 runs, the last is run-2:\na\n└─ valueA: print-a\n", drawn);
        Assert.StartsWith("digraph", (await RunAsync("graph", Store, "--format", "dot")).Succeeded().Output, StringComparison.Ordinal);

        await RunFlowAsync(supervisor, "b", "run-3");
        Assert.Contains("flow of 1 run, the last is run-3:", (await RunAsync("graph", Store)).Succeeded().Output, StringComparison.Ordinal);
        Assert.Contains("--run run-2, --run run-3", (await MistakeAsync(2, "graph", Store, "--format", "svg")), StringComparison.Ordinal);
        Assert.StartsWith("<svg", (await RunAsync("graph", Store, "--format", "svg", "--run", "run-3")).Succeeded().Output,
            StringComparison.Ordinal);
        Assert.Contains("no run 'run-9'", await MistakeAsync(1, "graph", Store, "--run", "run-9"), StringComparison.Ordinal);
        JsonElement flows = await RunJsonAsync("graph", Store);
        Assert.Equal(["run-2", "run-3"], flows.EnumerateArray().Select(static flow => flow.GetProperty("run").GetString()));
        Assert.Equal(("a", "print-a", "valueA"), (flows[0].GetProperty("edges")[0].GetProperty("from").GetString(),
            flows[0].GetProperty("edges")[0].GetProperty("to").GetString(),
            flows[0].GetProperty("edges")[0].GetProperty("port").GetString()));
    }

    private static async Task RunFlowAsync(Supervisor supervisor, string name, params string[] runs)
    {
        string stream = name == "a" ? "valueA" : "valueB";
        var first = new Processor(name) { Outputs = [stream] };
        var last = new Processor($"print-{name}") { Inputs = [stream] };
        supervisor.Register(first, () => Task.FromResult("hello"));
        if (name == "a") supervisor.Register(last, static async (IO<string> valueA) =>
        {
            await valueA.FirstAsync();
        });
        else supervisor.Register(last, static async (IO<string> valueB) =>
        {
            await valueB.FirstAsync();
        });
        foreach (string id in runs)
        {
            await using FlowRun run = await supervisor.StartAsync(Flow.From(first, last).Resolve(), [], run: id,
                cancellation: Cancellation);
            await run.Completion.WaitAsync(Cancellation);
        }
    }

    [Fact]
    public async Task AnAssemblyIsListedWithoutRunningItsCode()
    {
        string listed = (await RunAsync("graph", Programs)).Succeeded().Output;
        Assert.Contains("Sluice.Programs.GraphMembers.Numbers", listed, StringComparison.Ordinal);
        Assert.Contains("Sluice.Programs.GraphMembers.Flows.Hello", listed, StringComparison.Ordinal);
        Assert.Contains("Sluice.Programs.GraphMembers.Fails", listed, StringComparison.Ordinal);
        Assert.DoesNotContain("GraphMembers.Needs", listed, StringComparison.Ordinal);
        Assert.DoesNotContain("BackingField", listed, StringComparison.Ordinal);
        Assert.Contains((await RunJsonAsync("graph", Programs)).EnumerateArray(), static one
            => one.GetProperty("name").GetString() == "Sluice.Programs.GraphMembers.Numbers"
            && one.GetProperty("type").GetString() == "Sluice.Pipeline");
        Assert.False(File.Exists(Trace));
    }

    [Fact]
    public async Task AMemberThatTheUserNamesIsDrawn()
    {
        string drawn = (await RunAsync("graph", Programs, "--member", "GraphMembers.Numbers")).Succeeded().Output;
        Assert.Contains("Twice", drawn, StringComparison.Ordinal);
        Assert.True(File.Exists(Trace));
        Assert.Equal("hello\n└─ greeting: print\n", (await RunAsync("graph", Programs, "--member", "Hello")).Succeeded().Output);
        Assert.StartsWith("flowchart", (await RunAsync("graph", Programs, "--member", "Hello", "--format", "mermaid")).Succeeded().Output,
            StringComparison.Ordinal);
        JsonElement nodes = (await RunJsonAsync("graph", Programs, "--member", "Numbers")).GetProperty("nodes");
        Assert.Equal("int -> int", nodes[1].GetProperty("signature").GetString());
    }

    [Fact]
    public async Task WhatAMemberPrintsIsNoPartOfThePicture()
    {
        Ended drawn = await RunAsync("graph", Programs, "--member", "Printed");
        Assert.Equal((0, "the numbers are made\n"), (drawn.ExitCode, drawn.Errors));
        Assert.StartsWith("source-1", drawn.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AMemberOfAWebServiceIsDrawn()
    {
        string service = Path.Combine(SampleProcess.DirectoryOf("Sluice.WebProgram"), "Sluice.WebProgram.dll");
        string drawn = (await RunAsync("graph", service, "--member", "WebPictures.Requests")).Succeeded().Output;
        Assert.Equal("source-1 | Path | sink-1\n", drawn);
    }

    [Theory]
    [InlineData(1, "GraphMembers.Fails", "has failed: no numbers today (InvalidOperationException)")]
    [InlineData(1, "GraphMembers.Missing", "is null")]
    [InlineData(1, "GraphMembers.Other", "has no graph 'GraphMembers.Other'")]
    public async Task AMemberThatHasNoGraphIsOneLine(int exitCode, string member, string part)
        => Assert.Contains(part, await MistakeAsync(exitCode, "graph", Programs, "--member", member), StringComparison.Ordinal);

    [Theory]
    [InlineData("missing.dll", "", "cannot be read as an assembly")]
    [InlineData("notes.dll", "", "cannot be read as an assembly")]
    [InlineData("notes.dll", "--run 1", "--run is for stores")]
    [InlineData(Store, "--member Numbers", "--member is for assemblies")]
    [InlineData(Store, "--format png", "--format is text, mermaid, dot or svg")]
    public async Task AWrongCommandLineIsOneLine(string given, string options, string part)
    {
        await File.WriteAllTextAsync(Path.Combine(Folder, "notes.dll"), new string('x', 5000), Cancellation);
        string[] arguments = ["graph", given, .. options.Split(' ', StringSplitOptions.RemoveEmptyEntries)];
        Assert.Contains(part, await MistakeAsync(2, arguments), StringComparison.Ordinal);
    }
}
