using Sluice.Diagnostics;
using Sluice.Flows;
using Sluice.Testing;

namespace Sluice.Dashboard.Tests.Http;

/// <summary>The first page: pipelines and flows with figures and a sentence.</summary>
public sealed class OverviewTests : IAsyncDisposable
{
    private readonly MemoryStreamStore store = new();
    private readonly TestClock clock = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task RunsThatFailedLatelyAndRunsWithoutAHostAreShownWithWhatToDo()
    {
        await using var timed = new MemoryStreamStore(clock);
        await using var flow = new Doubling(timed);
        await flow.RunAsync("good", keepsInput: true, "a");
        await flow.RunAsync("bad", keepsInput: true, "poison");
        await using FlowRun waits = await flow.Service.StartAsync(
            Flow.From(new Processor("nobody") { Inputs = ["a"], Outputs = ["b"] }).Resolve(), [IOVal.Of("a", 1)], run: "waits",
            cancellation: Cancellation);
        await using DashboardProgram program = await StartAsync(timed);
        using Viewer viewer = program.NewViewer();
        string page = await FlowsAsync(viewer);
        Assert.Contains("Has failed: FormatException: poison &lt;b&gt;", page, StringComparison.Ordinal);
        Assert.DoesNotContain(">good</a>", page, StringComparison.Ordinal);
        Assert.Contains("All runs: 3", page, StringComparison.Ordinal);

        clock.Advance(TimeSpan.FromSeconds(11));
        page = await FlowsAsync(viewer);
        Assert.Contains("<b>nobody</b> has values to read, and no service has begun it", page, StringComparison.Ordinal);
        Assert.Contains("0 of 1", page, StringComparison.Ordinal);
        // rate, backlog, and the age of the oldest value
        Assert.Contains("<td class=\"figures nil\">0/s</td><td class=\"figures\">1</td><td class=\"figures\">15 s</td>", page,
            StringComparison.Ordinal);
        Assert.Contains("title=\"The run has ended.\">–</span>", page, StringComparison.Ordinal);
        Assert.Contains("2 runs should be looked at.", (await viewer.GetAsync("")).Text, StringComparison.Ordinal);

        GroupId hosts = new("work/nobody", "hosts");
        await timed.AddGroupAsync(hosts, cancellation: Cancellation);
        await timed.PauseGroupAsync(hosts, true, Cancellation);
        clock.Advance(TimeSpan.FromSeconds(11));
        page = await FlowsAsync(viewer);
        Assert.Contains("The starts of <b>nobody</b> are paused since ", page, StringComparison.Ordinal);
        Assert.Contains("<b>sluice resume STORE work/nobody:hosts</b>", page, StringComparison.Ordinal);
        await timed.PauseGroupAsync(hosts, false, Cancellation);

        clock.Advance(TimeSpan.FromHours(25));
        page = await FlowsAsync(viewer);
        Assert.DoesNotContain(">bad</a>", page, StringComparison.Ordinal);
        Assert.Contains(">waits</a>", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AProcessorWhoseServiceHasEndedIsNamed()
    {
        await using var timed = new MemoryStreamStore(clock);
        var priced = new Processor("priced") { Inputs = ["a"], Outputs = ["b"] };
        var begun = new TaskCompletionSource();
        await using (Supervisor ends = Supervisor.Attach(timed, new() { Name = "pricing-1", OnWarning = static _ => { } }))
        {
            ends.Register(priced, async (IO<int> a, IOWriter<int> b, CancellationToken cancellation) =>
            {
                begun.TrySetResult();
                await Task.Delay(Timeout.Infinite, cancellation);
            });
            await using FlowRun run = await ends.StartAsync(Flow.From(priced).Resolve(), [IOVal.Of("a", 1)], run: "r",
                cancellation: Cancellation);
            await begun.Task.WaitAsync(TimeSpan.FromMinutes(1), Cancellation);
        }
        await using DashboardProgram program = await StartAsync(timed);
        using Viewer viewer = program.NewViewer();
        await FlowsAsync(viewer);
        clock.Advance(TimeSpan.FromSeconds(11));
        foreach (string page in (string[])[await FlowsAsync(viewer), (await viewer.GetAsync("/flows/r")).Text])
            Assert.Contains("<b>priced</b> has no living service: <b>pricing-1</b> has ended or died.", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AProcessorThatFailsAndIsTriedAgainIsNamed()
    {
        var again = new TaskCompletionSource();
        await using Supervisor service = Supervisor.Attach(store, new() { Name = "here", OnWarning = static _ => { } });
        var flaky = new Processor("flaky") { Inputs = ["a"], Outputs = ["b"], Retry = new(5) };
        int attempts = 0;
        service.Register(flaky, async (IO<int> a, IOWriter<int> b, CancellationToken cancellation) =>
        {
            if (Interlocked.Increment(ref attempts) == 1) throw new FormatException("not yet");
            again.TrySetResult();
            await Task.Delay(Timeout.Infinite, cancellation);
        });
        await using FlowRun run = await service.StartAsync(Flow.From(flaky).Resolve(), [IOVal.Of("a", 1)], run: "r",
            cancellation: Cancellation);
        await again.Task.WaitAsync(TimeSpan.FromMinutes(1), Cancellation);
        await using DashboardProgram program = await StartAsync(store);
        using Viewer viewer = program.NewViewer();
        string page = await FlowsAsync(viewer);
        Assert.Contains("<b>flaky</b> has failed once, and is tried again. The last failure: FormatException: not yet", page,
            StringComparison.Ordinal);
        Assert.Contains("<b>flaky</b> has failed once", (await viewer.GetAsync("/flows/r")).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task OfManyRunsTheFirstAreShownAndAStoreWithoutFlowsIsNotAskedForThem()
    {
        var watched = new WatchedStore(store);
        await using DashboardProgram program = await StartAsync(watched);
        using Viewer viewer = program.NewViewer();
        Assert.DoesNotContain("<h2>Flows</h2>", (await viewer.GetAsync("")).Text, StringComparison.Ordinal);
        int before = watched.CallsOf("GetTimeAsync");
        clock.Advance(TimeSpan.FromSeconds(2));
        await viewer.GetAsync("");
        Assert.Equal(before, watched.CallsOf("GetTimeAsync"));

        await using Supervisor service = Supervisor.Attach(store, new() { Name = "here", OnWarning = static _ => { } });
        for (int i = 0; i < 25; i++)
            await (await service.StartAsync(Flow.From(new Processor("nobody") { Inputs = ["a"], Outputs = ["b"] }).Resolve(),
                [IOVal.Of("a", 1)], run: $"run-{i}", cancellation: Cancellation)).DisposeAsync();
        clock.Advance(TimeSpan.FromMinutes(1));
        string page = await FlowsAsync(viewer);
        Assert.Equal(20, page.Split("<tr>").Length - 2);
        Assert.Contains("5 more of them.", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task APipelineHasItsRateWaitingItemsAndFailures()
    {
        ManualSource<int> items = Source.Manual<int>();
        var isDone = new TaskCompletionSource();
        await using PipelineRun run = (items | (static int (int n) => n < 0 ? throw new FormatException("no") : n)
            | Stage.Named("check") | Stage.OnError(ErrorPolicy.DeadLetter) | (n =>
            {
                if (n == 7) isDone.SetResult();
            })).Start();
        var isInside = new TaskCompletionSource();
        await using PipelineRun stuck = (Source.From([1]) | (async (int _, CancellationToken cancellation) =>
            {
                isInside.SetResult();
                await Task.Delay(Timeout.Infinite, cancellation);
                return 1;
            }) | (static _ => { })).Start(new RunOptions { Time = clock });
        await isInside.Task.WaitAsync(Cancellation);
        await using DashboardProgram program = await DashboardProgram.StartAsync(new()
        {
            Runs = new Dictionary<string, PipelineRun> { ["import"] = run, ["stuck"] = stuck },
            Time = clock,
        });
        using Viewer viewer = program.NewViewer();
        await viewer.GetAsync("");
        foreach (int n in (int[])[1, -1, 2, -1, 7]) await items.SendAsync(n, Cancellation);
        await isDone.Task.WaitAsync(TimeSpan.FromMinutes(1), Cancellation);
        while (run.Snapshot().Nodes.Any(static node => node.BusyLanes > 0 || node.Activity is NodeActivity.Running or NodeActivity.Blocked))
        {
            Cancellation.ThrowIfCancellationRequested();
            await Task.Yield();                      // until the function of the last item has returned
        }
        clock.Advance(TimeSpan.FromSeconds(5));
        string page = (await viewer.GetAsync("")).Text.Split("id=\"runs\"")[1];
        Assert.Contains("<td>running</td><td class=\"figures\">1/s</td>", page, StringComparison.Ordinal);
        Assert.Contains("<span class=\"bad\">2</span></td><td class=\"figures\">5</td>", page, StringComparison.Ordinal);
        Assert.Contains(">over 5.0 s</span>", page, StringComparison.Ordinal);
        Assert.Contains("title=\"Its nodes wait for items.\"", page, StringComparison.Ordinal);
        clock.Advance(TimeSpan.FromSeconds(25));
        Assert.Contains("<b>stuck</b> stands still: no item has moved for 30 s.", (await viewer.GetAsync("")).Text,
            StringComparison.Ordinal);
    }

    public ValueTask DisposeAsync() => store.DisposeAsync();

    private Task<DashboardProgram> StartAsync(IStreamStore shown) => DashboardProgram.StartAsync(new()
    {
        Stores = new Dictionary<string, IStreamStore> { ["main"] = shown },
        Time = clock,
    });

    // A look at runs that takes longer than the page waits is shown by the next one.
    private async Task<string> FlowsAsync(Viewer viewer)
    {
        clock.Advance(TimeSpan.FromSeconds(2));
        return (await viewer.GetAsync("")).Text.Split("<h2>Flows</h2>")[1].Split("</section>")[0];
    }
}
