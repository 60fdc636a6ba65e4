using Microsoft.Playwright;

[assembly: AssemblyFixture(typeof(Sluice.Dashboard.Tests.Browsers.Browser))]

namespace Sluice.Dashboard.Tests.Browsers;

/// <summary>The Chromium of the system, without windows, for all tests. It starts with the first one that needs it.</summary>
public sealed class Browser : IAsyncDisposable
{
    private readonly SemaphoreSlim one = new(1);
    private IPlaywright? playwright;
    private IBrowser? browser;

    /// <summary>Opens a window that watches what its pages do.</summary>
    internal async Task<Window> OpenAsync(DashboardProgram program, BrowserNewContextOptions? options = null)
    {
        await one.WaitAsync();
        try
        {
            playwright ??= await Playwright.CreateAsync();
            browser ??= await playwright.Chromium.LaunchAsync(new()
            {
                ExecutablePath = "/usr/bin/chromium-headless-shell",
                Timeout = Window.PatienceMs,
                Args = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
                    "--disable-component-update", "--disable-sync"],
            });
        }
        finally
        {
            one.Release();
        }
        options ??= new();
        options.BaseURL = program.Host;
        options.TimezoneId ??= "UTC";
        options.Locale ??= "en-GB";
        return await Window.OpenAsync(await browser.NewContextAsync(options), program);
    }

    public async ValueTask DisposeAsync()
    {
        if (browser is not null) await browser.CloseAsync();
        playwright?.Dispose();
        one.Dispose();
    }
}
