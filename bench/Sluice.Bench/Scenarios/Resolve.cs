using Microsoft.AspNetCore.Builder;
using Sluice.Dashboard;
using Sluice.Graphs;

namespace Sluice.Bench;

/// <summary>Resolves small graphs again and again, against the same work written by hand.</summary>
internal static class Resolve
{
    private const int AtATime = 10_000;
    private static readonly TimeSpan Backend = TimeSpan.FromMilliseconds(1);

    public static Scenario Diamond { get; } = new("diamond", "four nodes, from a ready graph",
    [
        CompareDiamonds("diamond", yields: true),
        CompareDiamonds("diamond-sync", yields: false),
    ]);

    public static Scenario FanOut { get; } = new("resolve", $"{AtATime:N0} resolves at a time of 7 nodes with backends of 1 ms",
    [
        new Comparison("resolve", 30_000, 10_000, static count => 21.0 * count,
        [
            Variant.OfTask(Variant.Ours, PagesOf(NewFanOut())),
            Variant.OfTask("hand-written", count => AtATimeAsync(count, ByHandAsync)),
        ]) { WarmCount = 2_000 },
    ]);

    /// <summary>The same graphs while a dashboard without viewers records their resolves, against graphs without a dashboard.</summary>
    public static Scenario Recorded { get; } = new("recorded",
        "the cost of a dashboard without viewers for resolves of graphs and scopes of steps",
    [
        new("diamond-recorded", 200_000, 50_000, static count => (count * (count - 1.0)) + (6.0 * count),
        [
            Variant.OfTask(Variant.Ours, DiamondContextsOf(Record(NewDiamond(yields: true)))),
            Variant.OfTask("off", DiamondContextsOf(NewDiamond(yields: true))),
        ]),
        new("resolve-recorded", 30_000, 10_000, static count => 21.0 * count,
        [
            Variant.OfTask(Variant.Ours, PageContextsOf(Record(NewFanOut()))),
            Variant.OfTask("off", PageContextsOf(NewFanOut())),
        ]) { WarmCount = 2_000 },
        RecordedSteps.Comparison,
    ]);

    // The dashboard records graphs of its options as soon as it is mapped.
    private static (Graph<long> Graph, GraphNode<long> Last) Record((Graph<long> Graph, GraphNode<long> Last) made)
    {
        WebApplication.CreateSlimBuilder().Build().MapSluice("/sluice",
            new DashboardOptions { Graphs = [made.Graph], RecordsSteps = false });
        return made;
    }

    private static Comparison CompareDiamonds(string name, bool yields)
    {
        return new(name, 200_000, 50_000, static count => (count * (count - 1.0)) + (6.0 * count),
        [
            Variant.OfTask(Variant.Ours, DiamondsOf(NewDiamond(yields))),
            Variant.OfTask("hand-written", async count =>
            {
                double sum = 0;
                for (long i = 0; i < count; i++) sum += await DiamondByHandAsync(i, yields);
                return sum;
            }),
        ]);
    }

    private static (Graph<long> Graph, GraphNode<long> Last) NewDiamond(bool yields)
    {
        GraphBuilder<long> builder = Graph.For<long>();
        GraphNode<long> top = builder.Add("top", request => NodeAsync(request, yields));
        GraphNode<long> left = builder.Add("left", top, value => NodeAsync(value, yields)),
            right = builder.Add("right", top, value => NodeAsync(value + 1, yields));
        GraphNode<long> bottom = builder.Add("bottom", left, right, (a, b) => NodeAsync(a + b, yields));
        return (builder.Build(), bottom);
    }

    private static Func<long, Task<double>> DiamondsOf((Graph<long> Graph, GraphNode<long> Last) made) => async count =>
    {
        double sum = 0;
        for (long i = 0; i < count; i++) sum += await made.Graph.ResolveAsync(i, made.Last);
        return sum;
    };

    private static Func<long, Task<double>> DiamondContextsOf((Graph<long> Graph, GraphNode<long> Last) made) => async count =>
    {
        double sum = 0;
        for (long i = 0; i < count; i++) sum += (await made.Graph.ResolveAsync(i)).Get(made.Last);
        return sum;
    };

    private static async Task<long> DiamondByHandAsync(long request, bool yields)
    {
        long top = await NodeAsync(request, yields);
        Task<long> left = NodeAsync(top, yields), right = NodeAsync(top + 1, yields);
        return await NodeAsync(await left + await right, yields);
    }

    private static async Task<long> NodeAsync(long value, bool yields)
    {
        if (yields) await Task.Yield();
        return value + 1;
    }

    private static (Graph<long> Graph, GraphNode<long> Last) NewFanOut()
    {
        GraphBuilder<long> builder = Graph.For<long>();
        GraphNode<long> product = builder.Add("product", _ => BackendAsync(1));
        GraphNode<long> price = builder.Add("price", product, value => BackendAsync(value + 1));
        GraphNode<long> stock = builder.Add("stock", product, value => BackendAsync(value + 2));
        GraphNode<long> reviews = builder.Add("reviews", product, value => BackendAsync(value + 3));
        GraphNode<long> images = builder.Add("images", product, value => BackendAsync(value + 4));
        GraphNode<long> offers = builder.Add("offers", price, stock, (a, b) => a + b + 2);
        GraphNode<long> page = builder.Add("page", offers, reviews, images, (a, b, c) => a + b + c + 5);
        return (builder.Build(), page);
    }

    private static Func<long, Task<double>> PagesOf((Graph<long> Graph, GraphNode<long> Last) made)
        => count => AtATimeAsync(count, request => made.Graph.ResolveAsync(request, made.Last).AsTask());

    private static Func<long, Task<double>> PageContextsOf((Graph<long> Graph, GraphNode<long> Last) made)
        => count => AtATimeAsync(count, async request => (await made.Graph.ResolveAsync(request)).Get(made.Last));

    // Neither side can be cancelled, so neither pays for tokens.
    private static async Task<long> ByHandAsync(long request)
    {
        long product = await BackendAsync(1);
        Task<long> price = BackendAsync(product + 1), stock = BackendAsync(product + 2);
        Task<long> reviews = BackendAsync(product + 3), images = BackendAsync(product + 4);
        long offers = await price + await stock + 2;
        return offers + await reviews + await images + 5;
    }

    private static async Task<long> BackendAsync(long value)
    {
        await Task.Delay(Backend);
        return value;
    }

    private static async Task<double> AtATimeAsync(long count, Func<long, Task<long>> resolveAsync)
    {
        double sum = 0;
        for (long at = 0; at < count; at += AtATime)
        {
            long[] pages = await Task.WhenAll(Enumerable.Range(0, (int)Math.Min(AtATime, count - at)).Select(i => resolveAsync(at + i)));
            sum += pages.Sum();
        }
        return sum;
    }
}
