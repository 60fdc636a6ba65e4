using System.Text.RegularExpressions;
using Microsoft.Extensions.DependencyInjection;
using Sluice.Diagnostics;
using Sluice.Flows;
using Sluice.Hosting;

namespace Sluice.Dashboard.Tests.Http;

/// <summary>A run is cancelled, or started again, by those who may.</summary>
public sealed partial class FlowActionTests : IAsyncDisposable
{
    private readonly MemoryStreamStore store = new();

    [Fact]
    public async Task ARunThatHasEndedIsStartedAgainOnceHoweverOftenTheFormIsPosted()
    {
        await using var flow = new Doubling(store);
        await flow.RunAsync("r", keepsInput: true, "a", "b");
        await using DashboardProgram program = await DashboardProgram.StartAsync(Options(flow));
        using Viewer viewer = program.NewViewer();
        Assert.Contains("Start again…", (await viewer.GetAsync("/flows/r")).Text, StringComparison.Ordinal);
        Answer asked = await viewer.PostAsync("/flows/r/again", "/flows/r");
        Assert.Contains("x (2 values)", asked.Text, StringComparison.Ordinal);
        string id = Id().Match(asked.Text).Groups[1].Value;
        Assert.StartsWith("r-again-", id, StringComparison.Ordinal);
        Answer[] answers = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => viewer.PostAsync("/flows/r/again", "/flows/r",
            ("run", id))));
        Assert.All(answers, answer => Assert.Equal((HttpStatusCode.SeeOther, $"/sluice/flows/{id}"), (answer.Status,
            answer.Headers.GetValueOrDefault("Location"))));
        await flow.EndedAsync(id);
        Assert.Contains(">aa<", WebUtility.HtmlDecode((await viewer.GetAsync($"/flows/{id}")).Text), StringComparison.Ordinal);
        Assert.Equal(2, await FlowInspector.ListAsync(store, cancellation: Cancellation).CountAsync(Cancellation));
        Assert.Contains($"Start the run r again as {id}", (await viewer.GetAsync("/audit")).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ARunWhoseInputsAreGoneIsNotStartedAgainAndThePageSaysWhy()
    {
        await using var flow = new Doubling(store);
        await flow.RunAsync("r", keepsInput: false, "a");
        await flow.ReleasedAsync("r");
        await flow.RunAsync("other", keepsInput: true, "a");
        await using DashboardProgram program = await DashboardProgram.StartAsync(Options(flow));
        using Viewer viewer = program.NewViewer();
        string page = (await viewer.GetAsync("/flows/r")).Text;
        Assert.DoesNotContain("Start again…", page, StringComparison.Ordinal);
        Assert.Contains("has not kept all values of its\ninput x", page.ReplaceLineEndings("\n"), StringComparison.Ordinal);
        Answer refused = await viewer.PostAsync("/flows/r/again", "/flows/other", ("run", "new"));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.Status);
        Assert.Contains("has not kept all values of its input x", refused.Text, StringComparison.Ordinal);
        Assert.Null(await FlowInspector.FindAsync(store, "new", Cancellation));
        foreach ((string id, string why) in ((string, string)[])[("a b", "cannot be the id of a run"), ("other", "needs another id"),
            ("r", "There is a run r already"), (new string('x', 65), "cannot be the id of a run")])
        {
            Answer wrong = await viewer.PostAsync("/flows/other/again", "/flows/other", ("run", id));
            Assert.Equal(HttpStatusCode.NotFound, wrong.Status);
            Assert.Contains(why, wrong.Text, StringComparison.Ordinal);
            Assert.DoesNotContain("Parameter", wrong.Text, StringComparison.Ordinal);
        }
        Assert.Equal(HttpStatusCode.NotFound, (await viewer.PostAsync("/flows/none/again", "/flows/other", ("run", "new"))).Status);
    }

    [Fact]
    public async Task OnlyOperatorsStartAgainAndOnlyWithTheTokenOfTheirPage()
    {
        await using var flow = new Doubling(store);
        await flow.RunAsync("r", keepsInput: true, "a");
        await using DashboardProgram program = await DashboardProgram.StartAsync(Options(flow) with { OperatorPolicy = "operators" },
            Users.Add, Users.Use);
        using Viewer reader = program.NewViewer(("X-User", "ann"), ("X-Role", "reader")),
            operates = program.NewViewer(("X-User", "bob"), ("X-Role", "operator"));
        Assert.DoesNotContain("<button", (await reader.GetAsync("/flows/r")).Text, StringComparison.Ordinal);
        string token = await operates.TokenAsync("/flows/r");
        foreach (string path in (string[])["again", "cancel"])
        {
            Assert.Equal(HttpStatusCode.Forbidden, (await reader.PostRawAsync($"/flows/r/{path}", [("run", "new")])).Status);
            Assert.Equal(HttpStatusCode.Forbidden, (await operates.PostRawAsync($"/flows/r/{path}", [("run", "new")])).Status);
            Assert.Equal(HttpStatusCode.Forbidden, (await operates.PostRawAsync($"/flows/r/{path}", [("run", "new"), ("form-token",
                token)], ("Sec-Fetch-Site", "cross-site"))).Status);
        }
        Assert.Null(await FlowInspector.FindAsync(store, "new", Cancellation));
        Assert.Equal(HttpStatusCode.SeeOther, (await operates.PostAsync("/flows/r/again", "/flows/r", ("run", "new"))).Status);
        await using DashboardProgram closed = await DashboardProgram.StartAsync(Options(flow) with { ReadOnly = true });
        using Viewer viewer = closed.NewViewer();
        Assert.DoesNotContain("<button", (await viewer.GetAsync("/flows/r")).Text, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.Forbidden, (await viewer.PostRawAsync("/flows/r/again", [("run", "more")])).Status);
    }

    [Fact]
    public async Task OfTwoStoresWithARunOfOneIdTheOneThatIsShownIsChanged()
    {
        await using var second = new MemoryStreamStore();
        await using Supervisor one = Supervisor.Attach(store, new() { Name = "one" }), two = Supervisor.Attach(second, new()
        {
            Name = "two"
        });
        foreach (Supervisor service in (Supervisor[])[one, two])
            await (await service.StartAsync(Doubling.FlowOf(keepsInput: true), [IOVal.Of("x", "a"u8.ToArray())], run: "r",
                cancellation: Cancellation)).DisposeAsync();
        await using DashboardProgram program = await DashboardProgram.StartAsync(new()
        {
            Stores = new Dictionary<string, IStreamStore> { ["first"] = store, ["second"] = second },
            Supervisors = [one, two],
        });
        using Viewer viewer = program.NewViewer();
        Answer done = await viewer.PostAsync("/flows/r/cancel?store=second", "/flows/r?store=second");
        Assert.Equal("/sluice/flows/r?store=second", done.Headers["Location"]);
        Assert.Equal((FlowStatus.Waiting, FlowStatus.Cancelled), ((await FlowInspector.FindAsync(store, "r", Cancellation))!.Status,
            (await FlowInspector.FindAsync(second, "r", Cancellation))!.Status));
    }

    [Fact]
    public async Task TheSupervisorOfTheHostChangesRunsWithoutBeingNamed()
    {
        await using var starter = Supervisor.Attach(store, new() { Name = "starter" });
        await (await starter.StartAsync(Doubling.FlowOf(keepsInput: true), [IOVal.Of("x", "a"u8.ToArray())], run: "r",
            cancellation: Cancellation)).DisposeAsync();
        await using DashboardProgram program = await DashboardProgram.StartAsync(new(),
            builder => builder.Services.AddSluice(sluice => sluice.UseStore(_ => new(new WatchedStore(store)))));
        using Viewer viewer = program.NewViewer();
        Assert.Equal(HttpStatusCode.SeeOther, (await viewer.PostAsync("/flows/r/cancel", "/flows/r")).Status);
        Assert.Equal(FlowStatus.Cancelled, (await FlowInspector.FindAsync(store, "r", Cancellation))!.Status);
        Assert.Equal(HttpStatusCode.SeeOther, (await viewer.PostAsync("/flows/r/again", "/flows/r", ("run", "r2"))).Status);
        Assert.NotNull(await FlowInspector.FindAsync(store, "r2", Cancellation));
    }

    public ValueTask DisposeAsync() => store.DisposeAsync();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private DashboardOptions Options(Doubling flow)
        => new() { Stores = new Dictionary<string, IStreamStore> { ["main"] = store }, Supervisors = [flow.Service] };

    [GeneratedRegex("name=\"run\" value=\"([^\"]+)\"")]
    private static partial Regex Id();
}
