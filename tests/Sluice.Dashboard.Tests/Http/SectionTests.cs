namespace Sluice.Dashboard.Tests.Http;

/// <summary>An open page can show later what is not there when it is loaded: its place is there from the start.</summary>
public sealed class SectionTests : IAsyncDisposable
{
    private readonly MemoryStreamStore store = new();

    public ValueTask DisposeAsync() => store.DisposeAsync();

    [Theory]
    [InlineData("", "summary consecutors runs flows graphs steps stores")]
    [InlineData("/consecutors/orders", "verdict actions figures graph nodes waiting members")]
    [InlineData("/consecutors/orders/nodes/Check", "figures place slowest errors waiting")]
    [InlineData("/runs/numbers", "verdict state graph nodes")]
    [InlineData("/runs/numbers/nodes/Work", "figures place slowest errors")]
    public async Task APageHasAPlaceForAllThatMayCome(string page, string places)
    {
        await new Letters(store).AddAsync("one");
        await using PipelineRun run = (Source.From([1]) | (static (int n) => n) | Stage.Named("Work") | (static (int _) => { })).Start();
        await run.Completion;
        await using DashboardProgram program = await DashboardProgram.StartAsync(new()
        {
            Stores = new Dictionary<string, IStreamStore> { ["main"] = store },
            Runs = page.StartsWith("/runs", StringComparison.Ordinal) ? new Dictionary<string, PipelineRun> { ["numbers"] = run } : [],
        });
        using Viewer viewer = program.NewViewer();
        string text = (await viewer.GetAsync(page)).Text;
        Assert.Equal(places, string.Join(' ', text.Split("<section id=\"").Skip(2).Select(static part => part.Split('"')[0])));
    }
}
