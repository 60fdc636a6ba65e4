using System.Text.RegularExpressions;
using Microsoft.Extensions.DependencyInjection;
using Sluice.Graphs;
using Sluice.Hosting;
using Sluice.Testing;

namespace Sluice.Dashboard.Tests.Http;

/// <summary>Graphs on the overview and on pages of their own.</summary>
public sealed partial class GraphTests
{
    private const string Script = "&lt;script&gt;alert(&#x27;reviews&#x27;)&lt;/script&gt;";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task TheLastResolveIsShownNodeByNodeWithItsCriticalPath()
    {
        var shop = new Shop();
        await using DashboardProgram program = await DashboardProgram.StartAsync(Options(shop));
        using Viewer viewer = program.NewViewer();
        Assert.Contains("Was not resolved since the dashboard began to watch.", (await viewer.GetAsync("/graphs/shop")).Text,
            StringComparison.Ordinal);
        await shop.ResolveAsync();
        shop.Clock.Advance(TimeSpan.FromSeconds(2));
        string page = (await viewer.GetAsync("/graphs/shop")).Text;
        Assert.Contains("Its last resolve succeeded.", page, StringComparison.Ordinal);
        Assert.Contains("<td>5 succeeded</td>", page, StringComparison.Ordinal);
        Assert.Equal(["product", "succeeded", "★ critical", "0", "10 ms"], CellsOf(page, "product")[..5]);
        Assert.Equal(["price", "succeeded", "", "10 ms", "5.0 ms"], CellsOf(page, "price")[..5]);
        Assert.Equal([Script, "succeeded", "★ critical", "15 ms", "20 ms"], CellsOf(page, Script)[..5]);
        Assert.Equal(["badge", "succeeded", "★ critical", "35 ms", "1.0 ms"], CellsOf(page, "badge")[..5]);
        Assert.Contains("data-node=\"0\"", page, StringComparison.Ordinal);
        Assert.DoesNotContain("style=", page, StringComparison.Ordinal);
        Assert.DoesNotContain("<script>", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task WhatIsOptionalFailsWithAWarningAndItsChildrenAreSkipped()
    {
        var shop = new Shop();
        await using DashboardProgram program = await DashboardProgram.StartAsync(Options(shop));
        using Viewer viewer = program.NewViewer();
        await shop.ResolveAsync("no reviews");
        string page = (await viewer.GetAsync("/graphs/shop")).Text, overview = (await viewer.GetAsync("")).Text;
        Assert.Contains($"{Script} fails, and the resolves go on without it: FormatException: &lt;img", overview, StringComparison.Ordinal);
        Assert.Contains("1 graph should be looked at.", overview, StringComparison.Ordinal);
        Assert.Contains("<td>idle</td>", overview, StringComparison.Ordinal);
        Assert.Contains("title=\"No resolve is in flight.\"", overview, StringComparison.Ordinal);
        Assert.Contains("3 succeeded, 1 failed, 1 skipped", page, StringComparison.Ordinal);
        Assert.Contains($"{Script} produced nothing", page, StringComparison.Ordinal);
        Assert.Contains("FormatException: &lt;img src=x onerror=alert(1)&gt;", page, StringComparison.Ordinal);
        Assert.DoesNotContain("<img", page + overview, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AGraphThatFailsEachTimeDoesNotWorkAndOneThatWasCancelledDoes()
    {
        Shop shop = new(), other = new("other", shop.Clock);
        await using DashboardProgram program = await DashboardProgram.StartAsync(Options(shop, other));
        using Viewer viewer = program.NewViewer();
        for (int i = 0; i < 25; i++) await shop.FailAsync();
        await other.ResolveAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await other.Graph.ResolveAsync("", new(canceled: true)));
        string overview = (await viewer.GetAsync("")).Text, page = (await viewer.GetAsync("/graphs/shop")).Text;
        Assert.Contains("1 graph does not work.", overview, StringComparison.Ordinal);
        Assert.Contains("All of its last 20 resolves have failed: The node badge of the graph &#x27;shop&#x27; failed: "
            + "&lt;b&gt;no badge&lt;/b&gt;", overview, StringComparison.Ordinal);
        Assert.Contains("1 of its last 2 resolves was cancelled by the caller", overview, StringComparison.Ordinal);
        Assert.Equal(20, Resolve().Count(page));
        Assert.Contains("resolve 25</a>", page, StringComparison.Ordinal);
        Assert.Contains("<td class=\"figures\">25</td><td class=\"figures\">25</td>", page, StringComparison.Ordinal);
        Assert.DoesNotContain("<b>no", page + overview, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ThePictureHasTheStatesOfTheResolveThatIsShown()
    {
        var shop = new Shop();
        await using DashboardProgram program = await DashboardProgram.StartAsync(Options(shop));
        using Viewer viewer = program.NewViewer();
        await shop.FailAsync();
        await shop.ResolveAsync();
        const string failing = "class=\"node[a-z ]* failing\"";
        Assert.Matches(failing, (await viewer.GetAsync("/graphs/shop?resolve=1")).Text);
        Assert.DoesNotMatch(failing, (await viewer.GetAsync("/graphs/shop")).Text);
    }

    [Fact]
    public async Task AResolveHasAnAddressAsLongAsItIsKept()
    {
        var shop = new Shop();
        await using DashboardProgram program = await DashboardProgram.StartAsync(Options(shop));
        using Viewer viewer = program.NewViewer();
        for (int i = 0; i < 21; i++) await shop.ResolveAsync();
        Assert.Contains("<h2>Resolve 2</h2>", (await viewer.GetAsync("/graphs/shop?resolve=2")).Text, StringComparison.Ordinal);
        foreach (string gone in (string[])["1", "22", "-1", "x", "99999999999999999999"])
        {
            string page = (await viewer.GetAsync($"/graphs/shop?resolve={gone}")).Text;
            Assert.Contains($"Resolve {(gone.Length > 19 ? gone[..20] : gone)} is not among the last 20", page, StringComparison.Ordinal);
            Assert.Contains("<h2>Resolve 21</h2>", page, StringComparison.Ordinal);
        }
        Assert.DoesNotContain("<script>", (await viewer.GetAsync("/graphs/shop?resolve=%3Cscript%3E")).Text, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.NotFound, (await viewer.GetAsync("/graphs/none")).Status);
    }

    [Fact]
    public async Task GraphsOfOneNameHavePagesOfTheirOwn()
    {
        IGraph[] graphs =
        [
            OneNode<Here.Order>(), OneNode<There.Order>(), new Shop("<i>/one").Graph, new Shop("<i>/one").Graph,
        ];
        await using DashboardProgram program = await DashboardProgram.StartAsync(new() { Graphs = [.. graphs, graphs[0]] });
        using Viewer viewer = program.NewViewer();
        string[] addresses = [.. Address().Matches((await viewer.GetAsync("")).Text).Select(static one => one.Groups[1].Value)];
        Assert.Equal(4, addresses.Distinct().Count());
        List<string> titles = [];
        foreach (string address in addresses)
        {
            Answer answer = await viewer.GetAsync(address);
            Assert.Equal(HttpStatusCode.OK, answer.Status);
            titles.Add(WebUtility.HtmlDecode(Title().Match(answer.Text).Groups[1].Value));
        }
        Assert.Equal(["<i>/one (System.String)", "<i>/one (System.String) (2)", $"{typeof(Here.Order)}", $"{typeof(There.Order)}"],
            titles.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task GraphsOfTheHostAreRecordedFromItsStartUntilItStops()
    {
        var shop = new Shop();
        await shop.ResolveAsync();
        int made = 0;
        DashboardProgram program = await DashboardProgram.StartAsync(new() { Time = shop.Clock }, builder => builder.Services.AddSluice()
            .AddGraph(_ =>
            {
                made++;
                return shop.Graph;
            }));
        GraphContext<string> watched = await shop.ResolveAsync();
        using Viewer viewer = program.NewViewer();
        Assert.Contains("Its last resolve succeeded.", (await viewer.GetAsync("/graphs/shop")).Text, StringComparison.Ordinal);
        await program.DisposeAsync();
        GraphContext<string> later = await shop.ResolveAsync();
        Assert.Equal((1, TimeSpan.FromMilliseconds(36), TimeSpan.Zero), (made, watched.Elapsed, later.Elapsed));
    }

    [Fact]
    public async Task AGraphThatCannotBeMadeIsAFailureThatIsToldAndTriedOnceAMinute()
    {
        var clock = new TestClock();
        int made = 0;
        await using DashboardProgram program = await DashboardProgram.StartAsync(new() { Time = clock },
            builder => builder.Services.AddSingleton<IGraph>(_
                => ++made < 3 ? throw new FormatException("<u>no backend</u>") : OneNode<int>("late")));
        using Viewer viewer = program.NewViewer();
        for (int i = 0; i < 3; i++)
        {
            string page = (await viewer.GetAsync("")).Text;
            Assert.Contains("Graphs of the host could not be made: FormatException: &lt;u&gt;no backend", page, StringComparison.Ordinal);
            Assert.Contains("1 graph does not work.", page, StringComparison.Ordinal);
            clock.Advance(TimeSpan.FromSeconds(2));
        }
        Assert.Equal(1, made);
        clock.Advance(TimeSpan.FromMinutes(1));
        await viewer.GetAsync("");
        Assert.Equal(2, made);
        clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Contains(">late</a>", (await viewer.GetAsync("")).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AGraphOfThousandsOfNodesHasTablesInsteadOfAPicture()
    {
        GraphBuilder<int> builder = Graph.For<int>("large");
        for (int i = 0; i < 2_500; i++) builder.Add($"node {i}", static request => request);
        Graph<int> graph = builder.Build();
        await using DashboardProgram program = await DashboardProgram.StartAsync(new() { Graphs = [graph] });
        using Viewer viewer = program.NewViewer();
        await graph.ResolveAsync(1, Cancellation);
        Answer answer = await viewer.GetAsync("/graphs/large");
        Assert.Contains("The graph has 2,500 nodes, which no picture shows well.", answer.Text, StringComparison.Ordinal);
        Assert.Contains("The first 200 of 2,500 nodes.", answer.Text, StringComparison.Ordinal);
        Assert.InRange(answer.Text.Length, 10_000, 300_000);
    }

    [Fact]
    public async Task PagesAreDrawnWhileResolvesEnd()
    {
        GraphBuilder<int> builder = Graph.For<int>("busy");
        GraphNode<int> first = builder.Add("first", static async (int request, CancellationToken _) =>
        {
            await Task.Yield();
            return request;
        });
        builder.Add("second", first, static value => value % 3 == 0 ? throw new FormatException("a third fails") : value);
        Graph<int> graph = builder.Build();
        await using DashboardProgram program = await DashboardProgram.StartAsync(new()
        {
            Graphs = [graph],
            RefreshInterval = TimeSpan.FromMilliseconds(100),
        });
        using Viewer viewer = program.NewViewer();
        long resolved = 0;
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        Task[] resolving = [.. Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            for (int i = 0; !ends.IsCancellationRequested; i++)
            {
                await graph.ResolveAsync(i, Cancellation).AsTask().ContinueWith(static _ => { }, TaskScheduler.Default);
                Interlocked.Increment(ref resolved);
            }
        }, Cancellation))];
        for (int i = 0; i < 30; i++)
        {
            Assert.Equal(HttpStatusCode.OK, (await viewer.GetAsync("")).Status);
            Assert.Equal(HttpStatusCode.OK, (await viewer.GetAsync("/graphs/busy")).Status);
        }
        await Rounds.UntilAsync(() => Interlocked.Read(ref resolved) >= 20, "Twenty resolves do not end.");     // so that some have failed
        await ends.CancelAsync();
        await Task.WhenAll(resolving);
        string total = resolved.ToString("N0", System.Globalization.CultureInfo.InvariantCulture);
        string page;
        do page = (await viewer.GetAsync("/graphs/busy")).Text;                 // the look may be as old as the interval
        while (!page.Contains($"<dd>{total}</dd>", StringComparison.Ordinal) && !Cancellation.IsCancellationRequested);
        Assert.Contains("resolves failed: The node second of the graph &#x27;busy&#x27; failed: a third fails", page,
            StringComparison.Ordinal);
    }

    private static Graph<TRequest> OneNode<TRequest>(string? name = null)
    {
        GraphBuilder<TRequest> builder = Graph.For<TRequest>(name);
        builder.Add("one", static request => request);
        return builder.Build();
    }

    /// <summary>The cells of the row of a node in the table of one resolve.</summary>
    private static string[] CellsOf(string page, string node)
        => [.. Regex.Match(page, $"<tr><td><a id=\"node-[0-9]+\"></a>{Regex.Escape(node)}</td>.*?</tr>", RegexOptions.Singleline).Value
            .Split("</td>").Select(static cell => Tag().Replace(cell, ""))];

    private static DashboardOptions Options(params Shop[] shops)
        => new() { Graphs = [.. shops.Select(static shop => shop.Graph)], Time = shops[0].Clock };

    [GeneratedRegex("<[^>]*>")]
    private static partial Regex Tag();

    [GeneratedRegex(">resolve [0-9]+</a>")]
    private static partial Regex Resolve();

    [GeneratedRegex("href=\"/sluice(/graphs/[^\"]*)\"")]
    private static partial Regex Address();

    [GeneratedRegex("<h1>([^<]*)</h1>")]
    private static partial Regex Title();

    private static class Here
    {
        public sealed record Order;
    }

    private static class There
    {
        public sealed record Order;
    }
}
