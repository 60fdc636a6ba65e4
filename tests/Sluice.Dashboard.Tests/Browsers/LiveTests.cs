using Microsoft.Playwright;

namespace Sluice.Dashboard.Tests.Browsers;

/// <summary>What the script does with the events of a page.</summary>
public sealed class LiveTests(Browser browser)
{
    private const string CountStreams = """
        window.opened = 0;
        window.EventSource = class extends EventSource { constructor(address) { super(address); window.opened++; } };
        Object.defineProperty(document, "hidden", { value: true, configurable: true });
        """;

    private const string NoteResume = """
        window.EventSource = class extends EventSource {
          constructor(address) {
            super(address);
            this.addEventListener("message", (event) => window.hasCome ||= /^actions\n[^]*Resume/.test(event.data));
          }
        };
        """;

    private const string ShowPage = """
        () => {
          Object.defineProperty(document, "hidden", { value: false, configurable: true });
          document.dispatchEvent(new Event("visibilitychange"));
        }
        """;

    private const string KeepSource = """
        window.EventSource = class extends EventSource { constructor(address) { super(address); window.source = this; } };
        """;

    private const string StopTime = """Object.defineProperty(performance, "now", { value: () => 0 });""";

    private const string AnswerOfASilentStore = """
        () => {
          document.querySelector("main").setAttribute("data-silent", "");
          source.onmessage({ data: "silence\n" });
        }
        """;

    /// <summary>Its own search may be what has kept the store: to load it again and again would begin that search for ever.</summary>
    [Fact]
    public async Task APageOfASilentStoreIsLoadedAgainAtOnceWithMoreTimeAndThenOnceInAMinute()
    {
        await using Scene scene = await Scene.StartAsync();
        await using Window window = await browser.OpenAsync(scene.Program);
        await window.Page.AddInitScriptAsync(KeepSource);
        await window.Page.AddInitScriptAsync(StopTime);          // the minute is never over
        await window.GoAsync("/consecutors/orders/dead?text=a");
        await window.HasTextAsync("#connection", "live");
        await window.Page.EvaluateAsync(AnswerOfASilentStore);
        await window.HasAddressAsync("/consecutors/orders/dead?text=a&wait=30");
        await window.HasTextAsync("#connection", "live");
        await window.Page.EvaluateAsync(AnswerOfASilentStore);
        await window.HasTextAsync("#connection", "The store answers again. This page is loaded again in a moment.");
        Assert.Empty(window.Problems);
    }

    /// <summary>Browsers open six connections to a server at most: six such pages would block it.</summary>
    [Fact]
    public async Task APageThatIsLoadedInTheBackgroundHasNoConnectionUntilItIsShown()
    {
        await using Scene scene = await Scene.StartAsync();
        await using Window window = await browser.OpenAsync(scene.Program);
        await window.Page.AddInitScriptAsync(CountStreams);
        await window.GoAsync("/consecutors/orders");
        Assert.Equal(0, await window.Page.EvaluateAsync<int>("opened"));
        await window.Page.EvaluateAsync(ShowPage);
        await window.HasTextAsync("#connection", "live");
        await window.Page.EvaluateAsync(ShowPage);
        Assert.Equal(1, await window.Page.EvaluateAsync<int>("opened"));
        Assert.Empty(window.Problems);
    }

    [Fact]
    public async Task WhatComesWhileThePageIsOpenAppears()
    {
        await using var store = new MemoryStreamStore();
        await using var flow = new Doubling(store);
        await using DashboardProgram program = await DashboardProgram.StartAsync(new()
        {
            Stores = new Dictionary<string, IStreamStore> { ["main"] = store },
            RefreshInterval = TimeSpan.FromMilliseconds(200),
        });
        await using Window window = await browser.OpenAsync(program);
        await window.GoAsync("");
        await window.HasTextAsync("#connection", "live");
        await flow.RunAsync("later", keepsInput: false, "poison");
        await window.HasTextAsync("#flows", "later");
        Assert.Empty(window.Problems);
    }

    [Fact]
    public async Task WhatChangesWhileItsTextIsSelectedIsShownAfterwards()
    {
        await using Scene scene = await Scene.StartAsync();
        await using Window window = await browser.OpenAsync(scene.Program);
        await window.Page.AddInitScriptAsync(NoteResume);
        await window.GoAsync("/consecutors/orders");
        await window.HasTextAsync("#connection", "live");
        await window.Page.EvaluateAsync("() => getSelection().selectAllChildren(document.querySelector('#actions'))");
        await scene.Orders.Consecutor.PauseAsync(TestContext.Current.CancellationToken);
        await window.Page.WaitForFunctionAsync("() => window.hasCome");
        Assert.DoesNotContain("Resume", await window.Page.InnerTextAsync("#actions"), StringComparison.Ordinal);
        await window.Page.EvaluateAsync("() => getSelection().removeAllRanges()");
        await window.HasTextAsync("#actions", "Resume");
        Assert.Empty(window.Problems);
    }

    /// <summary>Signs that cannot be seen are parts of words and of pictures.</summary>
    [Theory]
    [InlineData("\u0645\u06CC\u200C\u062E\u0648\u0627\u0647\u0645")]
    [InlineData("\U0001F468\u200D\U0001F469\u200D\U0001F467")]
    [InlineData("co\u00ADoperate\uFEFF")]
    public async Task AFilterWithInvisibleSignsMeansTheSameForItsActions(string text)
    {
        await using var store = new MemoryStreamStore();
        await new Letters(store).AddAsync([new Letter($"of {text}", Node: $"Node {text}"), new Letter("another")]);
        await using DashboardProgram program = await DashboardProgram.StartAsync(new()
        {
            Stores = new Dictionary<string, IStreamStore> { ["main"] = store },
        });
        await using Window window = await browser.OpenAsync(program);
        await window.GoAsync($"/consecutors/orders/dead?node={Uri.EscapeDataString($"Node {text}")}&text={Uri.EscapeDataString(text)}");
        Assert.Equal(text, await window.Page.GetByLabel("Payload contains").InputValueAsync());
        await window.Page.GetByRole(AriaRole.Button, new() { Name = "Filter", Exact = true }).ClickAsync();
        await Assertions.Expect(window.Page.Locator("#letters tbody tr")).ToHaveCountAsync(1);
        await window.Page.GetByRole(AriaRole.Button, new() { Name = "Discard those of the filter" }).ClickAsync();
        await window.HasTextAsync("h1", "Discard 1 dead letter?");
        await window.Page.GetByRole(AriaRole.Button, new() { Name = "Discard 1" }).ClickAsync();
        await window.HasTextAsync("#count", "1 letter discarded.");
        Assert.Empty(window.Problems);
    }
}
