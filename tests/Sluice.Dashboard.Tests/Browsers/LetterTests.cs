using Microsoft.Playwright;

namespace Sluice.Dashboard.Tests.Browsers;

/// <summary>Dead letters in a browser: by mouse, by keyboard, and with contents that attack the page.</summary>
public sealed class LetterTests(Browser browser)
{
    private const string Attack = "</textarea></pre></title><script>alert(1)</script><img src=x onerror=alert(2)>"
        + "\"'onfocus=alert(3) autofocus ";

    [Fact]
    public async Task ALetterIsRedrivenByClicksAndVanishesAndItsItemIsProcessed()
    {
        await using Scene scene = await Scene.StartAsync();
        await using Window window = await browser.OpenAsync(scene.Program);
        await window.GoAsync("");
        await window.Page.Locator("#consecutors").GetByRole(AriaRole.Link, new() { Name = "2", Exact = true }).ClickAsync();
        await window.Page.Locator("#letters").GetByRole(AriaRole.Link, new() { Name = "1", Exact = true }).ClickAsync();
        scene.Orders.IsMended = true;
        await PressAndWaitAsync(scene, window, "Redrive", "1 letter redriven.", new("2", "poison"));
        await window.GoAsync("/audit");
        await window.HasTextAsync("#lines", "Redrive the dead letter 1 of orders");
        Assert.Empty(window.Problems);
    }

    [Fact]
    public async Task AnEditedLetterIsProcessedWithItsNewPayload()
    {
        await using Scene scene = await Scene.StartAsync();
        await using Window window = await browser.OpenAsync(scene.Program);
        await window.GoAsync("/consecutors/orders/dead/2");
        await window.Page.GetByText("Edit the payload").ClickAsync();
        ILocator text = window.Page.GetByRole(AriaRole.Textbox);
        Assert.Contains("poison and so on", await text.InputValueAsync(), StringComparison.Ordinal);
        await text.FillAsync((await text.InputValueAsync()).Replace("poison and so on", "good < again", StringComparison.Ordinal));
        await PressAndWaitAsync(scene, window, "Send again", "The edited letter was sent again.", new("3", "good < again"));
        Assert.Empty(window.Problems);
    }

    /// <summary>Somebody types a filter, looks at another tab, and comes back: the page is live again, the text is still there.</summary>
    [Fact]
    public async Task WhatIsTypedStaysWhenTheTabIsShownAgain()
    {
        await using Scene scene = await Scene.StartAsync();
        await using Window window = await browser.OpenAsync(scene.Program);
        await window.GoAsync("/consecutors/orders/dead");
        ILocator text = window.Page.GetByLabel("Payload contains");
        await text.FillAsync("half a filt");
        await window.HasTextAsync("#connection", "live");
        await window.Page.EvaluateAsync("() => { document.querySelector('#connection').textContent = 'left'; }");
        foreach (string isHidden in (string[])["true", "false"])
            await window.Page.EvaluateAsync($$"""
                () => {
                  Object.defineProperty(document, "hidden", { value: {{isHidden}}, configurable: true });
                  document.dispatchEvent(new Event("visibilitychange"));
                }
                """);
        await window.HasTextAsync("#connection", "live");
        Assert.Equal("half a filt", await text.InputValueAsync());
        Assert.Empty(window.Problems);
    }

    [Fact]
    public async Task TheKeyboardAloneRedrivesALetter()
    {
        await using Scene scene = await Scene.StartAsync();
        await using Window window = await browser.OpenAsync(scene.Program);
        await window.GoAsync("");
        await PressAsync(window, "#consecutors", "2");
        await PressAsync(window, "#letters", "1");
        scene.Orders.Processed.Clear();
        scene.Orders.IsMended = true;
        await PressAsync(window, "#change", "Redrive");
        await window.HasTextAsync("#count", "1 letter redriven.");
        await WaitForAsync(scene.Orders, new("2", "poison"));
    }

    [Fact]
    public async Task ByFilterTheCountIsShownFirst()
    {
        await using Scene scene = await Scene.StartAsync();
        await using Window window = await browser.OpenAsync(scene.Program);
        await window.GoAsync("/consecutors/orders/dead");
        await window.Page.GetByLabel("Payload contains").FillAsync("and so on");
        await window.Page.GetByRole(AriaRole.Button, new() { Name = "Filter" }).ClickAsync();
        await Assertions.Expect(window.Page.Locator("#letters tbody tr")).ToHaveCountAsync(1);
        await window.Page.GetByRole(AriaRole.Button, new() { Name = "Discard those of the filter" }).ClickAsync();
        await window.HasTextAsync("h1", "Discard 1 dead letter?");
        await window.Page.GetByRole(AriaRole.Button, new() { Name = "Discard 1" }).ClickAsync();
        await window.HasTextAsync("#count", "1 letter discarded.");
        await Assertions.Expect(window.Page.Locator("#letters tbody tr")).ToHaveCountAsync(1);
        Assert.Empty(window.Problems);
    }

    [Fact]
    public async Task LettersOfOneErrorAreRedrivenTogether()
    {
        await using Scene scene = await Scene.StartAsync();
        await using Window window = await browser.OpenAsync(scene.Program);
        await window.GoAsync("/consecutors/orders/dead?store=store");
        await window.Page.GetByRole(AriaRole.Link, new() { Name = "By error" }).ClickAsync();
        await window.HasTextAsync("#letters tbody tr", "The note of 2 is no good.");
        await window.Page.GetByRole(AriaRole.Link, new() { Name = "Show letters like these" }).ClickAsync();
        await Assertions.Expect(window.Page.Locator("#letters tbody tr")).ToHaveCountAsync(2);
        scene.Orders.IsMended = true;
        await window.Page.GetByRole(AriaRole.Button, new() { Name = "Redrive those of the filter" }).ClickAsync();
        await window.HasTextAsync("h1", "Redrive 2 dead letters?");
        await window.Page.GetByRole(AriaRole.Button, new() { Name = "Redrive 2" }).ClickAsync();
        await window.HasTextAsync("#count", "2 letters redriven.");
        await WaitForAsync(scene.Orders, new("3", "poison and so on"));
        Assert.Empty(window.Problems);
    }

    [Fact]
    public async Task TextsThatAttackThePageAreShownAsText()
    {
        string name = Attack + "\u202Eevil\u200B";
        await using var store = new MemoryStreamStore();
        string payload = $"{{\"note\":\"{Attack.Replace("\"", "\\\"", StringComparison.Ordinal)}\u202Egnp.exe\",\"half\":\"\\ud800\"}}";
        await new Letters(store, name).AddAsync([new Letter(payload, "Node" + Attack, "Error" + Attack + "\u202E", "key" + Attack),
            new Letter(Attack)]);
        await using var consecutor = new Consecutor<string>("local " + Attack, static source => source
            | (static text => text + "!") | Stage.Named("Stage" + Attack) | (static _ => throw new FormatException("Failure" + Attack)),
            new() { Store = store, Delivery = DeliveryGuarantee.Replay(0) });
        await consecutor.StartAsync(TestContext.Current.CancellationToken);
        await consecutor.SendAsync(Attack, TestContext.Current.CancellationToken);
        await consecutor.WaitForIdleAsync(TestContext.Current.CancellationToken);
        await using DashboardProgram program = await DashboardProgram.StartAsync(new()
        {
            Stores = new Dictionary<string, IStreamStore> { ["main"] = store },
            Consecutors = [consecutor],
            RefreshInterval = TimeSpan.FromMilliseconds(200),
        });
        await using Window window = await browser.OpenAsync(program);
        string[] addresses = [.. new[] { name, consecutor.Name }.Select(static one => "/consecutors/" + Serving.PathName.Encode(one))];
        foreach (string page in (string[])["", .. addresses, .. addresses.Select(static one => one + "/dead"),
            .. addresses.Select(static one => one + "/dead?by=error"),
            .. addresses.Select(static one => one + "/dead/1"), .. addresses.Select(static one => one + "/state?key="
                + Uri.EscapeDataString(Attack)),
            addresses[0] + "/dead?" + string.Join('&', "node error key text".Split(' ').Select(static field
                => $"{field}={Uri.EscapeDataString(Attack)}")),
            "/streams", "/streams?after=" + Uri.EscapeDataString(Attack), "/runs/" + Uri.EscapeDataString(Attack.Replace('/', '.'))])
        {
            await window.Page.GotoAsync(program.Root + page);
            bool isLive = await window.Page.Locator("main[data-live]").CountAsync() > 0;
            if (isLive) await window.HasTextAsync("#connection", "live");
            Assert.Equal(1, await window.Page.Locator("script").CountAsync());
            Assert.Equal(0, await window.Page.Locator("img, [onerror], [onfocus], [autofocus]").CountAsync());
            Assert.DoesNotContain('\u202E', await window.Page.ContentAsync());
        }
        await window.Page.GotoAsync(program.Root + addresses[0] + "/dead/1");
        await window.HasTextAsync("#payload pre", "<script>alert(1)</script>");
        await window.HasTextAsync("#payload pre", "\\u202egnp.exe");
        await window.HasTextAsync("#error pre", "Error" + Attack.Trim());
        await window.Page.GotoAsync(program.Root + addresses[0] + "/dead/2");
        await window.Page.GetByText("Edit the payload").ClickAsync();
        Assert.Contains("</textarea></pre>", await window.Page.GetByRole(AriaRole.Textbox).InputValueAsync(), StringComparison.Ordinal);
        Assert.All(window.Problems, static one => Assert.Contains("status of 404", one, StringComparison.Ordinal));
    }

    // Moves the focus by Tab until it is on what has this text within a part, presses it, and waits for the next page: the page before
    // may have such a part, too.
    private static async Task PressAsync(Window window, string part, string text)
    {
        await window.Page.Locator(part).WaitForAsync();
        string before = window.Page.Url;
        for (int i = 0; i < 100; i++)
        {
            await window.Page.Keyboard.PressAsync("Tab");
            if (await window.Page.EvaluateAsync<bool>(
                "([part, text]) => document.activeElement?.closest(part) != null && document.activeElement.textContent.trim() === text",
                new[] { part, text }))
            {
                await window.Page.Keyboard.PressAsync("Enter");
                await window.LeavesAsync(before);
                return;
            }
        }
        throw new InvalidOperationException($"After 100 times Tab, the focus was never on '{text}' in {part} of {window.Page.Url}.");
    }

    // Presses a button, and waits for what the page says then, and for the item.
    private static async Task PressAndWaitAsync(Scene scene, Window window, string button, string outcome, Order awaited)
    {
        scene.Orders.Processed.Clear();
        await window.Page.GetByRole(AriaRole.Button, new() { Name = button }).ClickAsync();
        await window.HasTextAsync("#count", outcome);
        await Assertions.Expect(window.Page.Locator("#letters tbody tr")).ToHaveCountAsync(1);
        await WaitForAsync(scene.Orders, awaited);
    }

    private static async Task WaitForAsync(Orders orders, Order awaited)
    {
        while (await orders.NextAsync() is { } next)
            if (next == awaited) return;
    }
}
