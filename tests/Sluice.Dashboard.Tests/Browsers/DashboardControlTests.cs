using Microsoft.Playwright;
using Sluice.Diagnostics;

namespace Sluice.Dashboard.Tests.Browsers;

/// <summary>Consecutors and runs of flows are controlled by clicks.</summary>
public sealed class DashboardControlTests(Browser browser)
{
    [Fact]
    public async Task AConsecutorIsPausedResumedAndDrained()
    {
        await using Scene scene = await Scene.StartAsync();
        await using Window window = await browser.OpenAsync(scene.Program);
        await window.GoAsync("/consecutors/orders");
        scene.Orders.Processed.Clear();

        await ClickAsync(window, "Pause");
        await window.HasTextAsync("#verdict", "Is paused");
        await HasAsync(scene, static one => one.Status == ConsecutorStatus.Paused);
        await scene.Orders.Consecutor.SendAsync(new("held", "fine"), TestContext.Current.CancellationToken);
        await window.HasTextAsync("#figures", "Backlog1");
        Assert.Empty(scene.Orders.Processed);

        await ClickAsync(window, "Resume");
        while ((await scene.Orders.NextAsync()).Id != "held") { }
        await Assertions.Expect(window.Page.Locator("#verdict")).Not.ToContainTextAsync("Is paused");

        await ClickAsync(window, "Drain");
        await window.HasTextAsync("#verdict", "Is drained");
        await window.HasTextAsync("#figures", "Statedraining");
        await Assertions.Expect(window.Page.GetByRole(AriaRole.Button, new() { Name = "Drain", Exact = true })).ToHaveCountAsync(0);
        await HasAsync(scene, static one => one is { Status: ConsecutorStatus.Paused, IsDraining: true });
        await scene.Orders.Consecutor.SendAsync(new("late", "fine"), TestContext.Current.CancellationToken);
        await window.HasTextAsync("#verdict", "1 item stays in the store.");
        await ClickAsync(window, "Resume");
        while ((await scene.Orders.NextAsync()).Id != "late") { }
        await window.GoAsync("/audit");
        foreach (string line in (string[])["Pause the consecutor orders", "Resume the consecutor orders", "Drain the consecutor orders",
            "resumed: the drain is undone"])
            await window.HasTextAsync("#lines", line);
        Assert.Empty(window.Problems);
    }

    [Fact]
    public async Task ARunOfAFlowIsCancelled()
    {
        await using Scene scene = await Scene.StartAsync();
        await using Window window = await browser.OpenAsync(scene.Program);
        await window.GoAsync("/flows");
        await window.Page.GetByRole(AriaRole.Link, new() { Name = "run-1" }).ClickAsync();
        await ClickAsync(window, "Cancel the run");
        await window.HasTextAsync("#state", "cancelled");
        await window.HasTextAsync("#periods", "on the dashboard");              // the processor has ended, too
        await window.HasTextAsync("#state", "cannot be started again");         // its input was not kept
        Assert.Empty(window.Problems);
    }

    [Fact]
    public async Task ARunThatHasEndedIsStartedAgainAndItsResultsCome()
    {
        await using var store = new MemoryStreamStore();
        await using var flow = new Doubling(store);
        await flow.RunAsync("first", keepsInput: true, "ab", "<b>");
        await using DashboardProgram program = await DashboardProgram.StartAsync(new()
        {
            Stores = new Dictionary<string, IStreamStore> { ["main"] = store },
            Supervisors = [flow.Service],
            RefreshInterval = TimeSpan.FromMilliseconds(200),
        });
        await using Window window = await browser.OpenAsync(program);
        await window.GoAsync("/flows/first");
        await ClickAsync(window, "Start again…");
        await window.HasTextAsync("#question", "x (2 values)");
        await window.Page.GetByLabel("Id of the new run").FillAsync("second");
        await ClickAsync(window, "Start");
        await window.HasTextAsync("h1", "Run second");
        await window.HasTextAsync("#state", "completed");
        await window.HasTextAsync("#values", "<b><b>");
        Assert.Equal(program.Root + "/flows/second", window.Page.Url);
        Assert.Empty(window.Problems);
    }

    // The page tells what is in the store, and the consecutor learns it a moment later.
    private static Task HasAsync(Scene scene, Func<ConsecutorSnapshot, bool> isSo)
        => Rounds.UntilAsync(() => isSo(scene.Orders.Consecutor.Snapshot()), "The consecutor does not learn of its pause.");

    private static Task ClickAsync(Window window, string button)
        => window.Page.GetByRole(AriaRole.Button, new() { Name = button, Exact = true }).ClickAsync();
}
