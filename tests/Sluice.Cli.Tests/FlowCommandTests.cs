using System.Text.Json;
using Sluice.Flows;
using Sluice.Samples.Tests;
using Sluice.Sqlite;

namespace Sluice.Cli.Tests;

/// <summary>The commands that show runs of flows.</summary>
public sealed class FlowCommandTests : CliTestBase
{
    private const string Store = "sqlite:orders.db";

    [Fact]
    public async Task RunsAreListedAndDrawn()
    {
        await using SqliteStreamStore store = await SqliteStreamStore.OpenAsync(StorePath, Durability.Process, null, Cancellation);
        Assert.Equal("no runs of flows\n", (await RunAsync("flows", Store)).Succeeded().Output);
        await using Supervisor supervisor = Supervisor.Attach(store, new() { Name = "shop", OnWarning = static _ => { } });
        var hello = new Processor("hello") { Outputs = ["greeting"] };
        var fail = new Processor("fail") { Inputs = ["greeting"] };
        supervisor.Register(hello, () => Task.FromResult("hello"));
        supervisor.Register(fail, async (IO<string> greeting) =>
        {
            await foreach (string _ in greeting.StreamAsync()) throw new InvalidOperationException("no voice");
        });
        await using FlowRun run = await supervisor.StartAsync(Flow.From(hello, fail).Resolve(), [], run: "run-1",
            cancellation: Cancellation);
        await Assert.ThrowsAnyAsync<Exception>(() => run.Completion.WaitAsync(Cancellation));

        string[] lines = (await RunAsync("flows", Store)).Succeeded().Output.TrimEnd('\n').Split('\n');
        Assert.Equal(["run-1", "failed", "shop"], lines[1].Split(' ', StringSplitOptions.RemoveEmptyEntries)[..3]);
        string drawn = (await RunAsync("flow", Store, "run-1")).Succeeded().Output;
        Assert.Contains("completed, greeting 1", drawn, StringComparison.Ordinal);
        Assert.Contains("no voice", drawn, StringComparison.Ordinal);
        Assert.StartsWith("flowchart", (await RunAsync("flow", Store, "run-1", "--format", "mermaid")).Succeeded().Output,
            StringComparison.Ordinal);
        Assert.StartsWith("<svg", (await RunAsync("flow", Store, "run-1", "--format", "svg")).Succeeded().Output, StringComparison.Ordinal);
        JsonElement shown = await RunJsonAsync("flow", Store, "run-1"), listed = (await RunJsonAsync("flows", Store))[0];
        Assert.Equal([.. Names(listed), "streams"], Names(shown));
        JsonElement processors = shown.GetProperty("processors");
        Assert.Equal([.. Names(listed.GetProperty("processors")[0]), "waitsFor", "noHostFor"], Names(processors[0]));
        Assert.Equal(["completed", "failed"], processors.EnumerateArray().Select(one => one.GetProperty("status").GetString()));
        Assert.All(processors.EnumerateArray(), one => Assert.Equal(JsonValueKind.Null, one.GetProperty("noHostFor").ValueKind));

        var lost = new Processor("lost") { Outputs = ["note"] };
        await using FlowRun waiting = await supervisor.StartAsync(Flow.From(lost).Resolve(), [], run: "run-2", cancellation: Cancellation);
        Assert.Contains("waiting (no host), note 0", (await RunAsync("flow", Store, "run-2")).Succeeded().Output, StringComparison.Ordinal);
        processors = (await RunJsonAsync("flow", Store, "run-2")).GetProperty("processors");
        Assert.Equal(0, processors[0].GetProperty("noHostFor").GetDouble());

        var again = new Processor("again") { Retry = new(1) { Delay = TimeSpan.FromDays(1) } };
        supervisor.Register(again, static () => Task.FromException(new IOException("no paper")));
        await using FlowRun retried = await supervisor.StartAsync(Flow.From(again).Resolve(), [], run: "run-3", cancellation: Cancellation);
        while ((await retried.GetStatusAsync(Cancellation)).Processors[0].LastFailure is null) await Task.Yield();
        Assert.Contains("again: IOException: no paper", (await RunAsync("flow", Store, "run-3")).Output, StringComparison.Ordinal);
        processors = (await RunJsonAsync("flow", Store, "run-3")).GetProperty("processors");
        Assert.Equal("IOException: no paper", processors[0].GetProperty("lastFailure").GetString());

        static IEnumerable<string> Names(JsonElement form) => form.EnumerateObject().Select(static one => one.Name);
    }
}
