using System.Runtime.CompilerServices;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Sluice.Dashboard.Html;
using Sluice.Dashboard.Sampling;
using Sluice.Dashboard.Serving;
using Sluice.Testing;

namespace Sluice.Dashboard.Tests.Load;

/// <summary>What viewers of live pages share, and for how long it is kept.</summary>
public sealed class LivePagesTests
{
    [Fact]
    public async Task WhatWasSeenIsForgottenWithTheLastViewerOfAPage()
    {
        var live = new LivePages(new() { Time = new TestClock() }, CancellationToken.None);
        WeakReference seen = await LookAsync(live, new());
        while (seen.IsAlive && !TestContext.Current.CancellationToken.IsCancellationRequested)
        {
            GC.Collect();                            // the thread that has drawn the page may not have left yet
            await Task.Yield();
        }
        Assert.False(seen.IsAlive, "The look of a page that nobody sees is kept.");
        GC.KeepAlive(live);
    }

    [Fact]
    public async Task AnOpenPageSaysThatWhatItShowsIsGone()
    {
        var written = new StringBuilder();
        await LookAsync(new(new() { Time = new TestClock() }, CancellationToken.None), written,
            static _ => throw new MissingException("There is no run 'r' in main."));
        Assert.Contains("data: silence\ndata: <p>There is no run 'r' in main.</p>", written.ToString().Replace(
            "&#x27;", "'", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    /// <summary>The store of a page that is drawn slowly is slow already. A drawing that began before a change is not shown to those who
    /// have seen the change.</summary>
    [Fact]
    public async Task AViewerWhoHasANewerLookWaitsForTheNextDrawing()
    {
        var live = new LivePages(new() { Time = new TestClock() }, CancellationToken.None);
        var mayEnd = new TaskCompletionSource();
        int drawings = 0, present = 0, most = 0;
        StringBuilder[] written = [new(), new(), new()];
        Task[] viewers = [.. written.Select(one => LookAsync(live, one, DrawAsync))];
        mayEnd.SetResult();
        await Task.WhenAll(viewers);
        Assert.Equal((2, 1), (drawings, most));
        Assert.Equal([1, 2, 2], written.Select(static one => one.ToString().Contains("drawing 1", StringComparison.Ordinal) ? 1
            : one.ToString().Contains("drawing 2", StringComparison.Ordinal) ? 2 : 0));

        async ValueTask<Page> DrawAsync(PageRequest request)
        {
            int number = Interlocked.Increment(ref drawings);
            most = Math.Max(most, Interlocked.Increment(ref present));
            await mayEnd.Task;
            Interlocked.Decrement(ref present);
            return new("page", [new("part", Markup.Of($"drawing {number}"))]);
        }
    }

    // Of its own, so that no local of the test keeps the look.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static async Task<WeakReference> LookAsync(LivePages live, StringBuilder written,
        Func<PageRequest, ValueTask<Page>>? draw = null)
    {
        using var left = new CancellationTokenSource();
        await using ServiceProvider services = new ServiceCollection().BuildServiceProvider();
        var context = new DefaultHttpContext { RequestServices = services, RequestAborted = left.Token };
        context.Response.Body = new LastDrawing(written, left);
        var seen = new Sample([], [], [], []);
        await live.StreamAsync(context, Ask, draw ?? (static _ => new(new Page("page", []))), "page", "token");
        return new(seen);

        Task<PageRequest> Ask() => Task.FromResult(new PageRequest(context, "/sluice", seen, null!, new(), MayChange: false));
    }

    /// <summary>The viewer leaves when the first drawing was written.</summary>
    private sealed class LastDrawing(StringBuilder written, CancellationTokenSource left) : MemoryStream
    {
        public override Task FlushAsync(CancellationToken cancellationToken)
        {
            if (Length == 0) return Task.CompletedTask;              // the start of the answer
            written.Append(Encoding.UTF8.GetString(ToArray()));
            return left.CancelAsync();
        }
    }
}
