namespace Sluice.Dashboard.Tests.Http;

/// <summary>The dashboard pauses consecutors that other processes run: by their group in the store.</summary>
public sealed class PauseTests : IAsyncDisposable
{
    private const string Page = "/consecutors/orders";

    private static readonly GroupId Orders = new("orders", "orders");

    private readonly MemoryStreamStore store = new();

    public ValueTask DisposeAsync() => store.DisposeAsync();

    [Fact]
    public async Task AConsecutorThatRunsElsewhereIsPausedAndResumed()
    {
        await new Letters(store).AddAsync([new Letter("1")]);
        await using DashboardProgram program = await StartAsync();
        using Viewer viewer = program.NewViewer();
        Assert.Contains(">Pause</button>", (await viewer.GetAsync(Page)).Text, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.SeeOther, (await viewer.PostAsync(Page + "/pause", Page)).Status);
        Assert.True((await store.FindGroupAsync(Orders))!.IsPaused);
        string page = (await viewer.GetAsync(Page)).Text;
        Assert.Contains("Is paused since", page, StringComparison.Ordinal);
        Assert.Contains("Nothing is in flight: its processes can be stopped.", page, StringComparison.Ordinal);
        Assert.Contains(">Resume</button>", page, StringComparison.Ordinal);
        Assert.DoesNotContain(">Pause</button>", page, StringComparison.Ordinal);
        Assert.Contains(">Drain</button>", page, StringComparison.Ordinal);
        string overview = (await viewer.GetAsync("")).Text;
        Assert.Contains("Is paused since", overview, StringComparison.Ordinal);
        Assert.Contains("1 consecutor is held. Everything else works.", overview, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.SeeOther, (await viewer.PostAsync(Page + "/pause", Page)).Status);
        Assert.Equal(HttpStatusCode.SeeOther, (await viewer.PostAsync(Page + "/resume", Page)).Status);
        Assert.False((await store.FindGroupAsync(Orders))!.IsPaused);
        string audit = (await viewer.GetAsync("/audit")).Text;
        foreach (string line in (string[])["Pause the consecutor orders", "Resume the consecutor orders", "it was paused already",
            ">paused<", ">resumed<", "somebody at"])
            Assert.Contains(line, audit, StringComparison.Ordinal);
    }

    [Fact]
    public async Task APausedConsecutorThatStillHasItemsInFlightSaysSo()
    {
        await new Letters(store).AddAsync("dead");
        using var batch = new EntryBatch();
        batch.Add("{}"u8);
        await store.AppendAsync(new("orders", "another", 0, 1, batch), TestContext.Current.CancellationToken);
        Ownership owner = (await store.AcquireAsync(Orders, 0, new("second"))).Ownership;
        await store.LeaseAsync(new([owner]), TestContext.Current.CancellationToken);
        await store.PauseGroupAsync(Orders, isPaused: true, TestContext.Current.CancellationToken);
        await using DashboardProgram program = await StartAsync();
        using Viewer viewer = program.NewViewer();
        Assert.Contains("At most 1 item is in flight.", (await viewer.GetAsync(Page)).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AConsecutorThatNobodyRunsIsDrainedAndThePageSaysSo()
    {
        await new Letters(store).AddAsync([new Letter("1")]);
        await using DashboardProgram program = await StartAsync();
        using Viewer viewer = program.NewViewer();
        Assert.Equal(HttpStatusCode.SeeOther, (await viewer.PostAsync(Page + "/drain", Page)).Status);
        Assert.True((await store.FindGroupAsync(Orders))!.IsDraining);
        Assert.Equal(HttpStatusCode.SeeOther, (await viewer.PostAsync(Page + "/drain", Page)).Status);
        Assert.Equal(HttpStatusCode.SeeOther, (await viewer.PostAsync(Page + "/pause", Page)).Status);
        string audit = (await viewer.GetAsync("/audit")).Text;
        foreach (string line in (string[])["Drain the consecutor orders", ">draining, and no process runs it<",
            ">it was draining already<"])
            Assert.Contains(line, audit, StringComparison.Ordinal);
        Assert.Contains("Resume it to go on.", (await viewer.GetAsync("")).Text, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.SeeOther, (await viewer.PostAsync(Page + "/resume", Page)).Status);
        Assert.False((await store.FindGroupAsync(Orders))!.IsPaused);
        Assert.Contains(">resumed: the drain is undone<", (await viewer.GetAsync("/audit")).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task OnlyAFormOfThisPageAndAnOperatorPauses()
    {
        await new Letters(store).AddAsync([new Letter("1")]);
        await using (DashboardProgram program = await StartAsync())
        {
            using Viewer viewer = program.NewViewer();
            Assert.NotEqual(HttpStatusCode.SeeOther, (await viewer.PostRawAsync(Page + "/pause", [])).Status);
            Assert.Equal(HttpStatusCode.NotFound, (await viewer.PostAsync("/consecutors/nothing/pause", Page)).Status);
        }
        await using DashboardProgram readOnly = await StartAsync(isReadOnly: true);
        using Viewer reader = readOnly.NewViewer();
        Assert.DoesNotContain("<button", (await reader.GetAsync(Page)).Text, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.Forbidden, (await reader.PostRawAsync(Page + "/pause", [])).Status);
        Assert.False((await store.FindGroupAsync(Orders))!.IsPaused);
    }

    /// <summary>A look takes a thousand consecutors of other processes, those with the most to do; others have working pages,
    /// too.</summary>
    [Fact]
    public async Task AConsecutorThatIsNotInTheLookIsPaused()
    {
        using var batch = new EntryBatch();
        batch.Add("{}"u8);
        for (int i = 0; i < 1_000; i++)
        {
            string name = $"busy-{i:000}";
            await store.OpenStreamAsync(name, new() { Partitions = 1 }, TestContext.Current.CancellationToken);
            await store.AddGroupAsync(new(name, name), StreamStart.First, TestContext.Current.CancellationToken);
            await store.AppendAsync(new(name, "test", 0, 1, batch), TestContext.Current.CancellationToken);
        }
        await store.OpenStreamAsync("orders", new() { Partitions = 1 }, TestContext.Current.CancellationToken);
        await store.AddGroupAsync(Orders, StreamStart.First, TestContext.Current.CancellationToken);         // it has nothing to do
        await using DashboardProgram program = await StartAsync();
        using Viewer viewer = program.NewViewer();
        Assert.Equal(HttpStatusCode.SeeOther, (await viewer.PostAsync(Page + "/pause", Page)).Status);
        Assert.True((await store.FindGroupAsync(Orders))!.IsPaused);
    }

    private Task<DashboardProgram> StartAsync(bool isReadOnly = false) => DashboardProgram.StartAsync(new()
    {
        Stores = new Dictionary<string, IStreamStore> { ["orders"] = store },
        ReadOnly = isReadOnly,
    });
}
