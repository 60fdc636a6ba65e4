using Sluice.Flows;

namespace Sluice.Dashboard.Tests.Http;

/// <summary>Runs of flows with many processors, and searches for runs of which some cannot be read.</summary>
public sealed class LargeRunTests : IAsyncDisposable
{
    private readonly MemoryStreamStore store = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ARunThatCannotBeReadDoesNotEndASearch()
    {
        for (int i = 0; i < 101; i++) await store.OpenStreamAsync($"flow/run-{i:000}", new() { Partitions = 1 }, Cancellation);
        await using var flow = new Doubling(store);
        await flow.RunAsync("run-200", keepsInput: false, "a");
        await using DashboardProgram program = await StartAsync();
        using Viewer viewer = program.NewViewer();
        string first = (await viewer.GetAsync("/flows?id=run-")).Text;
        Assert.Contains("&amp;id=run-&amp;after=run-099\">Next page</a>", first, StringComparison.Ordinal);
        string second = (await viewer.GetAsync("/flows?id=run-&after=run-099")).Text;
        Assert.Contains(">run-200</a>", second, StringComparison.Ordinal);
        Assert.DoesNotContain("Next page", second, StringComparison.Ordinal);
    }

    [Fact]
    public async Task OfManyProcessorsTheFirstAreShown()
    {
        await using Supervisor service = Supervisor.Attach(store, new() { Name = "here" });
        Processor[] many = [.. Enumerable.Range(0, 201).Select(static i => new Processor($"p{i}")
        {
            Inputs = [$"s{i}"],
            Outputs = [$"s{i + 1}"],
        })];
        await using FlowRun run = await service.StartAsync(Flow.From(many).Resolve(), [IOVal.Of("s0", 1)], run: "r",
            cancellation: Cancellation);
        await using DashboardProgram program = await StartAsync();
        using Viewer viewer = program.NewViewer();
        string page = (await viewer.GetAsync("/flows/r")).Text;
        Assert.Equal(200, page.Split("id=\"processor-").Length - 1);
        IEnumerable<string> rows = Parts("id=\"processor-"), links = Parts("href=\"#processor-");
        Assert.Equal(rows.Order(), links.Order());       // the node of the processor that has no row leads nowhere
        Assert.Contains("200 of 201 processors: those that have failed, then those that run.", page, StringComparison.Ordinal);

        IEnumerable<string> Parts(string begin) => page.Split(begin).Skip(1).Select(static part => part.Split('"')[0]);
    }

    public ValueTask DisposeAsync() => store.DisposeAsync();

    private Task<DashboardProgram> StartAsync() => DashboardProgram.StartAsync(new()
    {
        Stores = new Dictionary<string, IStreamStore> { ["main"] = store },
    });
}
