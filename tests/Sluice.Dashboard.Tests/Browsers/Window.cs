using System.Collections.Concurrent;
using Microsoft.Playwright;

namespace Sluice.Dashboard.Tests.Browsers;

/// <summary>A window of a browser with a profile of its own. It notes what no page may do.</summary>
internal sealed class Window : IAsyncDisposable
{
    /// <summary>For how many milliseconds a browser is waited for.</summary>
    public const float PatienceMs = 60_000;

    private readonly IBrowserContext context;

    // What is expected of a page is otherwise waited for five seconds.
    static Window() => Assertions.SetDefaultExpectTimeout(PatienceMs);

    private Window(IBrowserContext context, IPage page, DashboardProgram program)
    {
        (this.context, Page, Program) = (context, page, program);
        page.SetDefaultTimeout(PatienceMs);
        page.Console += (_, message) =>
        {
            if (message.Type is "error" or "warning") Problems.Enqueue($"{page.Url} says {message.Type}: {message.Text}");
        };
        page.PageError += (_, error) => Problems.Enqueue($"{page.Url} throws: {error}");
        page.Dialog += (_, dialog) =>
        {
            Problems.Enqueue($"{page.Url} opens a dialog: {dialog.Message}");
            _ = dialog.DismissAsync();
        };
        context.Request += (_, request) =>
        {
            if (!request.Url.StartsWith(program.Host + "/", StringComparison.Ordinal))
                Problems.Enqueue($"{page.Url} asks for {request.Url}");
        };
    }

    public IPage Page { get; }

    public DashboardProgram Program { get; }

    /// <summary>What pages did that they may not: errors in the console, dialogs, requests to others.</summary>
    public ConcurrentQueue<string> Problems { get; } = [];

    public static async Task<Window> OpenAsync(IBrowserContext context, DashboardProgram program)
        => new(context, await context.NewPageAsync(), program);

    /// <summary>Opens a page of the dashboard.</summary>
    public async Task GoAsync(string path)
    {
        await Page.GotoAsync(Program.Root + path, new() { WaitUntil = WaitUntilState.Load });
        Assert.Empty(Problems);
    }

    /// <summary>Waits until an element has a text.</summary>
    public Task HasTextAsync(string selector, string text)
        => Assertions.Expect(Page.Locator(selector)).ToContainTextAsync(text);

    /// <summary>
    /// Waits until the window shows a page of the dashboard. Playwright's own wait misses a change that comes while it begins.
    /// </summary>
    public Task HasAddressAsync(string path)
        => Assertions.Expect(Page).ToHaveURLAsync(Program.Root + path);

    /// <summary>Waits until the window shows another page than the one of this address.</summary>
    public Task LeavesAsync(string address)
        => Assertions.Expect(Page).Not.ToHaveURLAsync(address);

    /// <summary>Whether the page is wider than the window.</summary>
    public Task<bool> IsTooWideAsync()
        => Page.EvaluateAsync<bool>("() => document.documentElement.scrollWidth > document.documentElement.clientWidth");

    public async ValueTask DisposeAsync() => await context.DisposeAsync();
}
