using Microsoft.Playwright;

namespace Sluice.Dashboard.Tests.Browsers;

/// <summary>Pages on paper: without buttons, with all of their content, dark on white.</summary>
public sealed class PrintTests(Browser browser)
{
    [Fact]
    public async Task PrintedPagesHaveNoControlsAndAreDarkOnWhiteAlsoInADarkWindow()
    {
        await using Scene scene = await Scene.StartAsync();
        await using Window window = await browser.OpenAsync(scene.Program, new() { ColorScheme = ColorScheme.Dark });
        foreach ((int number, string page) in Scene.Pages.Index())
        {
            if (page.EndsWith("none", StringComparison.Ordinal) || number % Repetitions.Of(3, all: 1) != 0) continue;
            await window.Page.EmulateMediaAsync(new() { Media = Media.Screen });
            await window.GoAsync(page);
            Assert.Equal("rgb(18, 24, 30)", await ColourAsync(window, "backgroundColor"));
            await window.Page.EmulateMediaAsync(new() { Media = Media.Print });
            Assert.Equal((page, "rgb(255, 255, 255)", "rgb(27, 37, 48)"), (page, await ColourAsync(window, "backgroundColor"),
                await ColourAsync(window, "color")));
            Assert.True(await window.Page.Locator("h1").IsVisibleAsync(), $"{page} has no heading on paper.");
            Assert.Equal((page, 0), (page, await window.Page.Locator("button:visible, input:visible, textarea:visible, nav:visible")
                .CountAsync()));
        }
    }

    [Fact]
    public async Task NothingIsCutOffOnPaper()
    {
        await using var store = new MemoryStreamStore();
        await new Letters(store).AddAsync(string.Join('\n', Enumerable.Range(0, 300).Select(static i => $"line {i}"))
            + new string('x', 3000));
        await using DashboardProgram program = await DashboardProgram.StartAsync(new()
        {
            Stores = new Dictionary<string, IStreamStore> { ["main"] = store }
        });
        await using Window window = await browser.OpenAsync(program, new() { ViewportSize = new() { Width = 800, Height = 1000 } });
        await window.GoAsync("/consecutors/orders/dead/1");
        const string isCut = "() => [...document.querySelectorAll('pre, .wide')].some("
            + "part => part.scrollHeight > part.clientHeight + 1 || part.scrollWidth > part.clientWidth + 1)";
        Assert.True(await window.Page.EvaluateAsync<bool>(isCut), "On the screen, the payload has a part that scrolls.");
        await window.Page.EmulateMediaAsync(new() { Media = Media.Print });
        Assert.False(await window.Page.EvaluateAsync<bool>(isCut), "On paper, something is cut off.");
        Assert.False(await window.IsTooWideAsync(), "The page is wider than the paper.");
        byte[] paper = await window.Page.PdfAsync();
        Assert.Equal("%PDF"u8, paper.AsSpan(0, 4));
    }

    private static Task<string> ColourAsync(Window window, string of)
        => window.Page.EvaluateAsync<string>("of => getComputedStyle(document.body)[of]", of);
}
