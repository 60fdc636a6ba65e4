using Sluice.Dashboard.Serving;

namespace Sluice.Dashboard.Tests.Http;

/// <summary>Each node of a graph has a page with its figures, its errors, and the items that wait for it.</summary>
public sealed class NodeTests : IAsyncDisposable
{
    private readonly MemoryStreamStore store = new();

    [Fact]
    public async Task TheGraphAndTheTableLeadToThePageOfANodeAndThatToItsDeadLetters()
    {
        await using Orders orders = await Orders.StartAsync(store);
        await orders.SendAsync(("1", "fine"), ("2", "poison"), ("3", "poison"));
        await using DashboardProgram program = await DashboardProgram.StartAsync(Options(orders.Consecutor));
        using Viewer viewer = program.NewViewer();
        string home = (await viewer.GetAsync("/consecutors/orders")).Text;
        Assert.Contains("<a href=\"/sluice/consecutors/orders/nodes/Check\"><g class=\"node ", home, StringComparison.Ordinal);
        Assert.Contains("role=\"group\"", home, StringComparison.Ordinal);
        Assert.Contains("<td><a href=\"/sluice/consecutors/orders/nodes/Store\">Store</a></td>", home, StringComparison.Ordinal);
        string node = (await viewer.GetAsync("/consecutors/orders/nodes/Check")).Text;
        Assert.Contains("<dt>In</dt><dd>3</dd>", node, StringComparison.Ordinal);
        Assert.Contains("<dt>Failed</dt><dd>2</dd>", node, StringComparison.Ordinal);
        Assert.Contains("href=\"/sluice/consecutors/orders/nodes/Store\"", node, StringComparison.Ordinal);
        Assert.Contains("RunOptions.RecordTimings", node, StringComparison.Ordinal);
        Assert.Contains("The note of 2 is no good.", node, StringComparison.Ordinal);
        Assert.Contains("href=\"/sluice/consecutors/orders/dead?node=Check\"", node, StringComparison.Ordinal);
        Assert.DoesNotContain("The note of 2", (await viewer.GetAsync("/consecutors/orders/nodes/Store")).Text, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.NotFound, (await viewer.GetAsync("/consecutors/orders/nodes/check")).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await viewer.GetAsync("/consecutors/none/nodes/Check")).Status);
    }

    [Fact]
    public async Task AnyNameOfANodeHasAnAddress()
    {
        string[] names = ["a/b", "..", "~1", "?x=1#y", "%2F", "'\"<>&", "\u202Ename", "\uD800", "é ü", "\\", new('x', 200)];
        var letters = new Letters(store);
        await letters.AddAsync(names.Select(static name => new Letter($"of {name}", Node: name)));
        await using DashboardProgram program = await DashboardProgram.StartAsync(Options());
        using Viewer viewer = program.NewViewer();
        foreach ((string name, int number) in names.Select(static (name, at) => (name, at + 1)))
        {
            Answer page = await viewer.GetAsync("/consecutors/orders/nodes/" + PathName.Encode(name));
            Assert.True(page.Status == HttpStatusCode.OK, $"{number}: {page.Status}");
            Assert.Contains($"/consecutors/orders/dead/{number}\"", page.Text, StringComparison.Ordinal);
            Assert.Contains("does not run in this process", page.Text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task ANodeThatTheCodeHasNotAnyMoreShowsItsDeadLetters()
    {
        await using Orders orders = await Orders.StartAsync(store);
        await orders.SendAsync(("1", "poison"));
        await using var later = new Consecutor<Order>("orders", static source => source | (static order => order.Note)
            | Stage.Named("Renamed") | (static _ => { }), new() { Store = store, InstanceId = "later" });
        await using DashboardProgram program = await DashboardProgram.StartAsync(Options(later));
        using Viewer viewer = program.NewViewer();
        string old = (await viewer.GetAsync("/consecutors/orders/nodes/Check")).Text;
        Assert.Contains("The code in this process has no node of this name.", old, StringComparison.Ordinal);
        Assert.Contains("The note of 1 is no good.", old, StringComparison.Ordinal);
        string idle = (await viewer.GetAsync("/consecutors/orders/nodes/Renamed")).Text;
        Assert.Contains("It is not running.", idle, StringComparison.Ordinal);
        Assert.DoesNotContain("The note of 1", idle, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ANodeWithManyDeadLettersShowsTheOldestAndTheWayToAll()
    {
        await new Letters(store).AddAsync(Enumerable.Range(0, 500).Select(static i => new Letter($"{i}", Node: i % 2 == 0 ? "A" : "B")));
        var watched = new WatchedStore(store);
        await using DashboardProgram program = await DashboardProgram.StartAsync(new()
        {
            Stores = new Dictionary<string, IStreamStore> { ["main"] = watched }
        });
        using Viewer viewer = program.NewViewer();
        string page = (await viewer.GetAsync("/consecutors/orders/nodes/B")).Text;
        Assert.Contains("These are the 20 oldest.", page, StringComparison.Ordinal);
        Assert.Equal(20, page.Split("/consecutors/orders/dead/").Length - 1);
        Assert.Equal(1, watched.CallsOf("ListDeadAsync"));
    }

    [Fact]
    public async Task ItemsThatWaitAreShownAtTheirNodeOnly()
    {
        await using var orders = new Consecutor<Order>("orders", static source => source | Fail | Stage.Named("Fails") | (static _ => { })
            | Stage.Named("Ends"), new()
            {
                Store = store,
                Delivery = DeliveryGuarantee.Replay(3, Backoff.Exponential(TimeSpan.FromHours(1))),
                Stream = new() { Partitions = 1 }
            });
        await orders.StartAsync(Cancellation);
        await orders.SendAsync(new("1", "poison"), Cancellation);
        while (true)
        {
            long seen = await store.WaitForChangeAsync("orders", -1, Cancellation);
            if (await store.ListWaitingAsync(new("orders", "orders"), 0, null, 1, Cancellation) is [{ Status: WaitingStatus.Retrying }])
                break;
            await store.WaitForChangeAsync("orders", seen, Cancellation).AsTask().WaitAsync(TimeSpan.FromMinutes(1), Cancellation);
        }
        await using DashboardProgram program = await DashboardProgram.StartAsync(Options(orders));
        using Viewer viewer = program.NewViewer();
        Assert.Contains("Failed items that are tried again", (await viewer.GetAsync("/consecutors/orders/nodes/Fails")).Text,
            StringComparison.Ordinal);
        Assert.DoesNotContain("Failed items that are tried again", (await viewer.GetAsync("/consecutors/orders/nodes/Ends")).Text,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task ANodeOfARunShowsItsFiguresAndItsDeadLetters()
    {
        await using PipelineRun run = (Source.From(new[] { "one", "two <i>" }) | Refuse | Stage.Named("a/b")
            | Stage.OnError(ErrorPolicy.DeadLetter) | (static _ => { })).Start(new RunOptions { RecordTimings = true });
        await run.Completion.WaitAsync(Cancellation);
        await using DashboardProgram program = await DashboardProgram.StartAsync(new()
        {
            Runs = new Dictionary<string, PipelineRun> { ["import"] = run }
        });
        using Viewer viewer = program.NewViewer();
        Assert.Contains("href=\"/sluice/runs/import/nodes/a~1b\"", (await viewer.GetAsync("/runs/import")).Text, StringComparison.Ordinal);
        string page = (await viewer.GetAsync("/runs/import/nodes/a~1b")).Text;
        Assert.Contains("<dt>Failed</dt><dd>1</dd>", page, StringComparison.Ordinal);
        Assert.Contains("no two &lt;b&gt;", page, StringComparison.Ordinal);
        Assert.Matches("<dt>Time in it per item</dt><dd>[0-9.]+ ms</dd>", page);
        Assert.Contains("Slowest items of the last ten minutes", page, StringComparison.Ordinal);
        Assert.Contains("<td>two &lt;i&gt;</td>", page, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.NotFound, (await viewer.GetAsync("/runs/import/nodes/none")).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await viewer.GetAsync("/runs/none/nodes/none")).Status);
    }

    public ValueTask DisposeAsync() => store.DisposeAsync();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private static Order Fail(Order order) => throw new FormatException($"no {order.Id}");

    private static string Refuse(string text)
        => text.StartsWith("two", StringComparison.Ordinal) ? throw new FormatException("no two <b>") : text;

    private DashboardOptions Options(params IConsecutor[] consecutors)
        => new() { Stores = new Dictionary<string, IStreamStore> { ["main"] = store }, Consecutors = consecutors };
}
