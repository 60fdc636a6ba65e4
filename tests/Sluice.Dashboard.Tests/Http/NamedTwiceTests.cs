namespace Sluice.Dashboard.Tests.Http;

/// <summary>What the options name twice is shown once; two members of one consecutor are two.</summary>
public sealed class NamedTwiceTests : IAsyncDisposable
{
    private readonly MemoryStreamStore store = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AStoreAndARunThatHaveTwoNamesAreShownOnceUnderTheFirst()
    {
        await new Letters(store).AddAsync("one");
        await using PipelineRun run = (Source.Manual<int>() | (static _ => { })).Start();
        await using DashboardProgram program = await DashboardProgram.StartAsync(new()
        {
            Stores = new Dictionary<string, IStreamStore> { ["first"] = store, ["second"] = store },
            Runs = new Dictionary<string, PipelineRun> { ["import"] = run, ["load"] = run },
        });
        using Viewer viewer = program.NewViewer();
        string overview = (await viewer.GetAsync("")).Text;
        Assert.Contains("1 consecutor should be looked at.", overview, StringComparison.Ordinal);
        Assert.Equal(1, Count(overview, "Has 1 dead letter"));
        Assert.Contains("href=\"/sluice/consecutors/orders\"", overview, StringComparison.Ordinal);      // there is one store
        Assert.Equal((1, 0), (Count(overview, ">import</a>"), Count(overview, ">load</a>")));
    }

    [Fact]
    public async Task TwoMembersInAProcessHaveEachTheirOwnState()
    {
        await using Consecutor<int> works = Make("first"), waits = Make("second");
        await works.StartAsync(Cancellation);
        await using DashboardProgram program = await DashboardProgram.StartAsync(new() { Consecutors = [works, waits] });
        using Viewer viewer = program.NewViewer();
        string overview = (await viewer.GetAsync("")).Text;
        Assert.Equal(1, Count(overview, "Was not started: what is sent waits."));
        Assert.Equal(1, Count(overview, "Has nothing to do."));

        Consecutor<int> Make(string instance) => new("numbers", static source => source | (static _ => { }),
            new() { Store = store, InstanceId = instance });
    }

    public ValueTask DisposeAsync() => store.DisposeAsync();

    private static int Count(string text, string part) => text.Split(part).Length - 1;
}
