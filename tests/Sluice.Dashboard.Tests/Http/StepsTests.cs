using Sluice.Graphs;
using Sluice.Testing;

namespace Sluice.Dashboard.Tests.Http;

/// <summary>The scopes of steps that have ended, on the first page and on pages of their own.</summary>
/// <remarks>
/// These tests run alone: each dashboard records the scopes of all of the process, so those of other tests would take their places, and the
/// first pages of other tests would tell of theirs.
/// </remarks>
[CollectionDefinition(nameof(StepsTests), DisableParallelization = true)]
[Collection(nameof(StepsTests))]
public sealed class StepsTests
{
    private const string Hostile = "<b>etl</b>";

    private readonly TestClock clock = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AScopeThatHasEndedIsShownCallByCall()
    {
        await using DashboardProgram program = await DashboardProgram.StartAsync(new() { Time = clock });
        await RunAsync(Hostile, fails: false);
        await RunAsync(Hostile, fails: true);
        using Viewer viewer = program.NewViewer();
        string first = (await viewer.GetAsync("")).Text;
        Assert.Contains("&lt;b&gt;etl&lt;/b&gt;", first, StringComparison.Ordinal);
        Assert.DoesNotContain(Hostile, first, StringComparison.Ordinal);
        string page = (await viewer.GetAsync("/steps/%3Cb%3Eetl%3C~1b%3E")).Text;
        Assert.Contains("Calls failed in 1 of the last 2 scopes: Save failed 1 of 1 time", page, StringComparison.Ordinal);
        Assert.Contains("scope=2\">scope 2</a>", page, StringComparison.Ordinal);
        Assert.Contains("<td>Fetch(1)</td>", page, StringComparison.Ordinal);
        Assert.Contains("★ critical", page, StringComparison.Ordinal);
        Assert.Contains("<td class=\"figures\">20 ms</td>", page, StringComparison.Ordinal);
        Assert.Contains("<tr><td>Fetch</td><td class=\"figures\">4</td>", page, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.NotFound, (await viewer.GetAsync("/steps/none")).Status);
        string other = (await viewer.GetAsync("/steps/%3Cb%3Eetl%3C~1b%3E?scope=77")).Text;
        Assert.Contains("is not kept any more", other, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ScopesOfAFullSecondAreCountedAndLaterOnesRecordedAgain()
    {
        await using DashboardProgram program = await DashboardProgram.StartAsync(new() { Time = clock });
        for (int i = 0; i < 300; i++) await StepScope.Begin(options: new() { Name = "busy", Time = clock }).DisposeAsync();
        clock.Advance(TimeSpan.FromSeconds(5));
        await RunAsync("busy", fails: false);
        using Viewer viewer = program.NewViewer();
        string page = (await viewer.GetAsync("/steps/busy")).Text;
        Assert.Contains("scope=301\"", page, StringComparison.Ordinal);
        Assert.Contains("scope=100\"", page, StringComparison.Ordinal);
        Assert.DoesNotContain("scope=101\"", page, StringComparison.Ordinal);
        Assert.Contains("<td class=\"figures\">301</td>", (await viewer.GetAsync("")).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task NamesAndCallsAreBoundedAndScopesCanBeLeftOut()
    {
        await using DashboardProgram program = await DashboardProgram.StartAsync(new() { Time = clock });
        await using DashboardProgram without = await DashboardProgram.StartAsync(new() { Time = clock, RecordsSteps = false });
        for (int i = 0; i < 150; i++) await RunAsync($"scope-{i}", fails: false);
        await using (StepScope large = StepScope.Begin(options: new() { Name = "scope-0" }))
        {
            var one = Step.Of((int value) => value);
            for (int i = 0; i < 1_500; i++) _ = one(i);
            await large.Completion;
        }
        using Viewer viewer = program.NewViewer(), other = without.NewViewer();
        string first = (await viewer.GetAsync("")).Text;
        Assert.Contains("(other names)", first, StringComparison.Ordinal);
        Assert.DoesNotContain("scope-149", first, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, (await viewer.GetAsync("/steps/scope-0")).Status);
        Assert.DoesNotContain("scope-0", (await other.GetAsync("")).Text, StringComparison.Ordinal);
    }

    // Two calls of Fetch take 20 ms each, one after the other; then one of Save.
    private async Task RunAsync(string name, bool fails)
    {
        await using StepScope scope = StepScope.Begin(options: new() { Name = name, Time = clock });
        var fetch = Step.Of((int value) => Take(value)).Named("Fetch");
        var save = Step.Of((int a, int b) => fails ? throw new FormatException("no good") : a + b).Named("Save");
        Future<int> first = fetch(1);
        await first;
        Future<int> second = fetch(2);
        try
        {
            await save(first, second);
        }
        catch (FormatException)
        {
            // It is what the test wants.
        }
        await scope.Completion;
    }

    private int Take(int value)
    {
        Cancellation.ThrowIfCancellationRequested();
        clock.Advance(TimeSpan.FromMilliseconds(20));
        return value;
    }
}
