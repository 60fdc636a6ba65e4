namespace Sluice.Dashboard.Tests.Browsers;

/// <summary>What the script does with the events of a page.</summary>
public sealed class LiveTests(Browser browser)
{
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
}
