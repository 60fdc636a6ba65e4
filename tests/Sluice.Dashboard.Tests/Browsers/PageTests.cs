using Deque.AxeCore.Commons;
using Deque.AxeCore.Playwright;
using Microsoft.Playwright;

namespace Sluice.Dashboard.Tests.Browsers;

/// <summary>Pages in a browser: what every page must be.</summary>
public sealed class PageTests(Browser browser)
{
    // Violations only: otherwise axe describes each element that passes, too.
    private static readonly AxeRunOptions AllRules = new() { ResultTypes = [ResultType.Violations] };

    private static readonly AxeRunOptions RulesOfColours = new()
    {
        ResultTypes = [ResultType.Violations],
        RunOnly = RunOnlyOptions.Rules("color-contrast", "link-in-text-block"),
    };

    /// <summary>A dark window differs in its colours only: no script asks for the scheme.</summary>
    [Fact]
    public async Task EveryPageLoadsQuietlyAndIsAccessible()
    {
        await using Scene scene = await Scene.StartAsync();
        await using Window window = await browser.OpenAsync(scene.Program);
        List<string> found = [];
        foreach ((int number, string page) in Scene.Pages.Index())
        {
            bool isThere = !page.EndsWith("none", StringComparison.Ordinal);
            IResponse answer = (await window.Page.GotoAsync(scene.Program.Root + page))!;
            Assert.Equal(isThere ? 200 : 404, answer.Status);
            if (isThere && await window.Page.Locator("main[data-live]").CountAsync() > 0) await window.HasTextAsync("#connection", "live");
            await window.Page.EmulateMediaAsync(new() { ColorScheme = ColorScheme.Light });
            await CheckAsync(AllRules, page);
            if (number % Repetitions.Of(4, all: 1) != 0) continue;       // all pages have one style sheet
            await window.Page.EmulateMediaAsync(new() { ColorScheme = ColorScheme.Dark });
            await CheckAsync(RulesOfColours, $"{page} in a dark window");
        }
        Assert.Empty(found);
        Assert.All(window.Problems, static one => Assert.Contains("none says error: Failed to load resource", one,
            StringComparison.Ordinal));

        async Task CheckAsync(AxeRunOptions rules, string where)
        {
            AxeResult result = await window.Page.RunAxe(rules);
            found.AddRange(result.Violations.Where(static one => one.Impact is "serious" or "critical")
                .Select(one => $"{where}: {one.Id}: {one.Help}: {string.Join("; ", one.Nodes.Take(3).Select(static node => node.Html))}"));
        }
    }

    [Theory]
    [InlineData(400)]
    [InlineData(2000, Traits = ["Length", "long"])]
    public async Task NoPageIsWiderThanItsWindow(int width)
    {
        await using Scene scene = await Scene.StartAsync();
        await using Window window = await browser.OpenAsync(scene.Program, new() { ViewportSize = new() { Width = width, Height = 900 } });
        foreach (string page in Scene.Pages.Where(static page => !page.EndsWith("none", StringComparison.Ordinal)))
        {
            await window.GoAsync(page);
            Assert.False(await window.IsTooWideAsync(), $"{page} is wider than {width} pixels.");
        }
    }

    [Fact]
    public async Task PagesAreReadAndFormsAreSentWithoutScript()
    {
        await using Scene scene = await Scene.StartAsync();
        await using Window window = await browser.OpenAsync(scene.Program, new() { JavaScriptEnabled = false });
        await window.GoAsync("");
        await window.HasTextAsync("#consecutors", "orders");
        await window.GoAsync("/consecutors/orders");
        await window.HasTextAsync("#nodes", "Check");
        await window.GoAsync("/consecutors/orders/dead/1");
        await window.HasTextAsync("#payload", "poison");
        scene.Orders.IsMended = true;
        await window.Page.GetByRole(AriaRole.Button, new() { Name = "Redrive" }).ClickAsync();
        await window.HasTextAsync("#count", "1 letter redriven");
        await window.HasTextAsync("#count", "1 dead letter.");
    }

    [Fact]
    public async Task TheGraphMovesAsItemsMove()
    {
        await using Scene scene = await Scene.StartAsync();
        await using Window window = await browser.OpenAsync(scene.Program);
        await window.GoAsync("/consecutors/orders");
        ILocator figures = window.Page.Locator("#graph svg text").Filter(new() { HasText = "/s" }).First;
        await Assertions.Expect(figures).ToContainTextAsync("0/s");
        await using PipelineRun feed = Feed(scene);
        await window.Page.WaitForFunctionAsync(
            "() => [...document.querySelectorAll('#graph svg text.rate')].some(rate => /^[1-9]/.test(rate.textContent))");
        await Assertions.Expect(window.Page.Locator("#graph .working").First).ToBeVisibleAsync();
        Assert.Empty(window.Problems);
    }

    [Fact]
    public async Task FivePagesAreKeptAsPictures()
    {
        await using Scene scene = await Scene.StartAsync();
        await using Window window = await browser.OpenAsync(scene.Program, new() { ViewportSize = new() { Width = 1400, Height = 900 } });
        string folder = Path.Combine(AppContext.BaseDirectory, "..", "..", "..", "dashboard");
        Directory.CreateDirectory(folder);
        await using PipelineRun feed = Feed(scene);
        foreach ((string name, string page, string awaited) in ((string, string, string)[])
        [
            ("dead-letters", "/consecutors/orders/dead", "#letters"), ("by-error", "/consecutors/orders/dead?by=error", "#letters"),
            ("dead-letter", "/consecutors/orders/dead/1", "#payload"), ("flow", "/flows/run-1?store=store-2", "#graph svg"),
            ("state", "/consecutors/counts/state?key=", "#rows"), ("run", "/runs/numbers", "#graph .working"), ("audit", "/audit",
                "#lines"),
            ("graph", "/graphs/shop?resolve=2", "#resolve .strip"), ("waiting", "/consecutors/shipments", "#waiting"),
            ("consecutor", "/consecutors/orders", "#graph .working"), ("overview", "", "#consecutors td:has-text('/s')"),
        ])
        {
            await window.GoAsync(page);
            await window.Page.Locator(awaited).First.WaitForAsync();
            if (await window.Page.Locator("main[data-live]").CountAsync() > 0) await window.HasTextAsync("#connection", "live");
            await KeepAsync(window, folder, name);
        }
        // For a person to look at, too: by night, on a phone.
        await window.Page.EmulateMediaAsync(new() { ColorScheme = ColorScheme.Dark });
        await window.GoAsync("/consecutors/orders");
        await KeepAsync(window, folder, "consecutor-dark");
        await window.Page.SetViewportSizeAsync(400, 900);
        await window.GoAsync("");
        await KeepAsync(window, folder, "overview-narrow");
    }

    private static async Task KeepAsync(Window window, string folder, string name)
    {
        byte[] picture = await window.Page.ScreenshotAsync(new()
        {
            Path = Path.Combine(folder, name + ".png"),
            FullPage = name == "overview",
        });
        Assert.True(picture.Length > 10_000, $"The picture of {name} is empty.");
    }

    // Two hundred orders in a second.
    private static PipelineRun Feed(Scene scene) => (Source.Interval(TimeSpan.FromMilliseconds(5))
        | (async (long n, CancellationToken cancellation) =>
        {
            await scene.Orders.Consecutor.SendAsync(new($"live-{n}", "fine"), cancellation);
        })).Start();
}
