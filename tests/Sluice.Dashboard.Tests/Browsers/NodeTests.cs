using System.Text.RegularExpressions;
using Microsoft.Playwright;

namespace Sluice.Dashboard.Tests.Browsers;

/// <summary>A node of a graph, by a click, by the keyboard, and without script.</summary>
public sealed class NodeTests(Browser browser)
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AClickOnANodeLeadsToItsFiguresAndItsDeadLetters(bool hasScript)
    {
        await using Scene scene = await Scene.StartAsync();
        await using Window window = await browser.OpenAsync(scene.Program, new() { JavaScriptEnabled = hasScript });
        await window.GoAsync("/consecutors/orders");
        await window.Page.Locator("#graph svg a", new() { HasText = "Check" }).ClickAsync();
        await window.HasTextAsync("h1", "Node Check");
        Assert.Equal(scene.Program.Root + "/consecutors/orders/nodes/Check?store=store", window.Page.Url);
        await Assertions.Expect(window.Page.Locator("#errors tbody tr")).ToHaveCountAsync(2);
        await window.Page.GetByRole(AriaRole.Link, new() { Name = "All dead letters of this node" }).ClickAsync();
        await Assertions.Expect(window.Page.GetByLabel("Node", new() { Exact = true })).ToHaveValueAsync("Check");
        await Assertions.Expect(window.Page.Locator("#letters tbody tr")).ToHaveCountAsync(2);
        Assert.Empty(window.Problems);
    }

    [Fact]
    public async Task TheKeyboardAloneOpensANodeWhileTheGraphIsUpdated()
    {
        await using Scene scene = await Scene.StartAsync();
        await using Window window = await browser.OpenAsync(scene.Program);
        await window.GoAsync("/runs/numbers");
        await window.HasTextAsync("#connection", "live");
        ILocator node = window.Page.Locator("#graph svg a").Last;
        await node.FocusAsync();
        string figures = await node.TextContentAsync() ?? "";
        await window.Page.WaitForFunctionAsync("before => [...document.querySelectorAll('#graph svg a')].at(-1).textContent !== before",
            figures);
        await window.Page.Keyboard.PressAsync("Enter");                 // the focus stays when figures change
        await window.HasTextAsync("h1", "Node ");
        await window.HasTextAsync("#figures", "Waits before it");
        Assert.Empty(window.Problems);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AProcessorLeadsToItsRowAndAnInputToItsValues(bool hasScript)
    {
        await using Scene scene = await Scene.StartAsync();
        await using Window window = await browser.OpenAsync(scene.Program, new() { JavaScriptEnabled = hasScript });
        await window.GoAsync("/flows/run-1?store=store-2");
        await window.Page.Locator("#graph svg a", new() { HasText = "waits" }).ClickAsync();
        await window.HasAddressAsync("/flows/run-1?store=store-2#processor-1");
        await window.HasTextAsync("tr:has(:target)", "waits");
        await window.Page.Locator("#graph svg a", new() { HasText = "sum" }).ClickAsync();
        await window.HasTextAsync("#values", "sum");
        await Assertions.Expect(window.Page).ToHaveURLAsync(new Regex("stream=sum&store=store-2"));
        await window.GoAsync("/graphs/shop?resolve=2");
        await window.Page.Locator("#graph svg a", new() { HasText = "badge" }).ClickAsync();
        await window.HasTextAsync("tr:has(:target)", "badge");
        Assert.Empty(window.Problems);
    }
}
