using System.Text.RegularExpressions;
using Sluice.Dashboard.Pages;
using Sluice.Diagnostics;
using Sluice.Flows;

namespace Sluice.Dashboard.Tests.Http;

/// <summary>The page of a run of a flow: over time, its streams and their values.</summary>
public sealed partial class FlowTests : IAsyncDisposable
{
    private readonly MemoryStreamStore store = new();

    [Fact]
    public async Task ThePageShowsWhatEachProcessorDidWhereAndWhoReadsWhat()
    {
        await using var flow = new Doubling(store);
        await flow.RunAsync("good", keepsInput: true, "a", "b");
        await flow.RunAsync("bad", keepsInput: true, "a", "poison");
        await using DashboardProgram program = await DashboardProgram.StartAsync(Options());
        using Viewer viewer = program.NewViewer();
        string good = (await viewer.GetAsync("/flows/good")).Text, bad = (await viewer.GetAsync("/flows/bad")).Text;
        Assert.Contains("<title>ran at shop-1, completed</title>", good, StringComparison.Ordinal);
        Assert.Contains("class=\"bar working\"", good, StringComparison.Ordinal);
        Assert.Contains("class=\"bar failing\"", bad, StringComparison.Ordinal);
        Assert.Contains("ran at shop-1, failed: FormatException: poison &lt;b&gt;", bad, StringComparison.Ordinal);
        Assert.Contains("<td>result</td><td class=\"figures\">2</td>", good, StringComparison.Ordinal);
        Assert.Equal(["a", "b", "aa", "bb"], [.. Values((await viewer.GetAsync("/flows/good?stream=x")).Text),
            .. Values(good)]);
    }

    [Fact]
    public async Task ValuesArePagedEscapedShortenedAndMasked()
    {
        await using var flow = new Doubling(store);
        await flow.RunAsync("r", keepsInput: true, [.. Enumerable.Range(0, 120).Select(static i => $"<script>{i}-"),
            new string('x', 100_000)]);
        await using DashboardProgram program = await DashboardProgram.StartAsync(Options());
        using Viewer viewer = program.NewViewer();
        string first = (await viewer.GetAsync("/flows/r")).Text;
        Assert.Equal(50, Values(first).Count);
        Assert.Equal("<script>7-<script>7-", Values(first)[7]);
        Assert.DoesNotContain("<script>7", first, StringComparison.Ordinal);
        Assert.Contains("stream=y&amp;from=51#values", first, StringComparison.Ordinal);
        string last = (await viewer.GetAsync("/flows/r?stream=y&from=101")).Text;
        List<string> values = Values(last);
        Assert.Equal((21, 2001), (values.Count, values[^1].Length));
        Assert.DoesNotContain("Next values", last, StringComparison.Ordinal);
        foreach (string odd in (string[])["&from=122", "&from=999999999999", "&from=0"])
            Assert.Equal(HttpStatusCode.OK, (await viewer.GetAsync("/flows/r?stream=y" + odd)).Status);
        foreach (string none in (string[])["&from=-1", "&from=x"])
        {
            Answer refused = await viewer.GetAsync("/flows/r?stream=y" + none);
            Assert.Equal(HttpStatusCode.BadRequest, refused.Status);
            Assert.Contains("is no number of this page: write from=1, or leave it out.", refused.Text, StringComparison.Ordinal);
        }
        Assert.Contains("no stream of the name '&lt;b&gt;'", (await viewer.GetAsync("/flows/r?stream=%3Cb%3E")).Text,
            StringComparison.Ordinal);

        await using DashboardProgram masked = await DashboardProgram.StartAsync(Options() with
        {
            MaskPayload = static (stream, text) => $"{stream} has {text.Length}"
        });
        using Viewer other = masked.NewViewer();
        Assert.Equal("y has 20", Values((await other.GetAsync("/flows/r?stream=y")).Text)[0]);
    }

    [Fact]
    public async Task ValuesThatAllHaveReadAreNotThereAndThePageSaysSo()
    {
        await using var flow = new Doubling(store);
        await flow.RunAsync("r", keepsInput: false, "a", "b", "c");
        await flow.ReleasedAsync("r");
        await using DashboardProgram program = await DashboardProgram.StartAsync(Options());
        using Viewer viewer = program.NewViewer();
        string page = (await viewer.GetAsync("/flows/r?stream=x")).Text;
        Assert.Empty(Values(page));
        Assert.Contains("3 values have left the store", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ARunOfManyStreamsHasAPageThatIsNotLonger()
    {
        await using Supervisor service = Supervisor.Attach(store, new() { Name = "many" });
        var one = new Processor("one") { Inputs = ["x"], Outputs = [.. Enumerable.Range(0, 250).Select(static i => $"y{i}")] };
        await using FlowRun run = await service.StartAsync(Flow.From(one).Resolve(), [IOVal.Of("x", 1)], run: "r",
            cancellation: Cancellation);
        await using DashboardProgram program = await DashboardProgram.StartAsync(Options());
        using Viewer viewer = program.NewViewer();
        Answer page = await viewer.GetAsync("/flows/r");
        Assert.Equal(HttpStatusCode.OK, page.Status);
        Assert.Contains("The first 200 of 251 streams.", page.Text, StringComparison.Ordinal);
        Assert.Contains("The first 5 of 250 results.", page.Text, StringComparison.Ordinal);
        Assert.InRange(page.Text.Length, 1, 250_000);
    }

    [Fact]
    public async Task GraphsOfRunsThatAreAlikeAreLaidOutOnce()
    {
        await using var flow = new Doubling(store);
        await flow.RunAsync("one", keepsInput: true, "a");
        await flow.RunAsync("two", keepsInput: true, "b");
        List<GraphPicture> pictures = [];
        foreach (string run in (string[])["one", "one", "two"])
            pictures.Add(GraphPicture.Find((await FlowInspector.FindAsync(store, run, Cancellation))!.Topology!));
        Assert.Same(pictures[0], pictures[1]);
        Assert.Same(pictures[0], pictures[2]);
        Assert.NotSame(pictures[0], GraphPicture.Find(Flow.From(new Processor("doubles") { Inputs = ["x"], Outputs = ["z"] }).Resolve()
            .Topology));
    }

    public ValueTask DisposeAsync() => store.DisposeAsync();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private static List<string> Values(string page) => [.. Value().Matches(page)
        .Select(static one => WebUtility.HtmlDecode(one.Groups[1].Value))];

    private DashboardOptions Options() => new() { Stores = new Dictionary<string, IStreamStore> { ["main"] = store } };

    [GeneratedRegex("<pre tabindex=\"0\">([^<]*)</pre>")]
    private static partial Regex Value();
}
