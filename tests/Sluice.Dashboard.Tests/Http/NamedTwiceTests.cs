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
        await using Consecutor<int> works = Make("first"), waits = Make("the & second");
        await works.StartAsync(Cancellation);
        await using DashboardProgram program = await DashboardProgram.StartAsync(new() { Consecutors = [works, waits] });
        using Viewer viewer = program.NewViewer();
        string overview = (await viewer.GetAsync("")).Text;
        Assert.Equal(1, Count(overview, "Was not started: what is sent waits."));
        Assert.Equal(1, Count(overview, "Has nothing to do."));

        // Each has a page of its own; an address that names none leads to the first.
        foreach ((string member, string state) in new[] { ("first", "Has nothing to do."), ("the%20%26%20second", "Was not started") })
        {
            string address = $"/consecutors/numbers?member={member}";
            Assert.Contains($"href=\"/sluice{address}\"", overview, StringComparison.Ordinal);
            string page = (await viewer.GetAsync(address)).Text;
            Assert.Contains(state, page, StringComparison.Ordinal);
            Assert.Contains($"numbers ({WebUtility.HtmlEncode(Uri.UnescapeDataString(member))})", page, StringComparison.Ordinal);
            foreach (string below in (string[])["dead", "state", "nodes/Keep"])
            {
                Assert.Contains($"href=\"/sluice/consecutors/numbers/{below}?member={member}\"", page, StringComparison.Ordinal);
                Assert.Contains($"href=\"/sluice{address}\"", (await viewer.GetAsync($"/consecutors/numbers/{below}?member={member}")).Text,
                    StringComparison.Ordinal);
            }
        }
        Answer resumed = await viewer.PostAsync("/consecutors/numbers/resume?member=first", "/consecutors/numbers?member=first");
        Assert.Equal("/sluice/consecutors/numbers?member=first", resumed.Headers["Location"]);
        Assert.Contains("Has nothing to do.", (await viewer.GetAsync("/consecutors/numbers")).Text, StringComparison.Ordinal);
        Answer missing = await viewer.GetAsync("/consecutors/numbers?member=third");
        Assert.Equal(HttpStatusCode.NotFound, missing.Status);
        Assert.Contains("numbers has no member &#x27;third&#x27; in this program.", missing.Text, StringComparison.Ordinal);
        Assert.Contains("name=\"member\" value=\"first\"", (await viewer.GetAsync("/consecutors/numbers/dead?member=first")).Text,
            StringComparison.Ordinal);

        Consecutor<int> Make(string instance) => new("numbers", static source => source | Keep,
            new() { Store = store, InstanceId = instance });

        static void Keep(int number) => Assert.True(number >= 0);
    }

    [Fact]
    public async Task AMemberThatIsAloneNeedsNoNameAndHasIt()
    {
        await using Consecutor<int> alone = new("numbers", static source => source | (static _ => { }),
            new() { Store = store, InstanceId = "first" });
        await using DashboardProgram program = await DashboardProgram.StartAsync(new() { Consecutors = [alone] });
        using Viewer viewer = program.NewViewer();
        Assert.DoesNotContain("member=", (await viewer.GetAsync("")).Text, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, (await viewer.GetAsync("/consecutors/numbers?member=first")).Status);
    }

    public ValueTask DisposeAsync() => store.DisposeAsync();

    private static int Count(string text, string part) => text.Split(part).Length - 1;
}
