using System.Runtime.CompilerServices;
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
        WeakReference seen = await LookAsync(live);
        while (seen.IsAlive && !TestContext.Current.CancellationToken.IsCancellationRequested)
        {
            GC.Collect();                            // the thread that has drawn the page may not have left yet
            await Task.Yield();
        }
        Assert.False(seen.IsAlive, "The look of a page that nobody sees is kept.");
        GC.KeepAlive(live);
    }

    // Of its own, so that no local of the test keeps the look.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static async Task<WeakReference> LookAsync(LivePages live)
    {
        using var left = new CancellationTokenSource();
        await using ServiceProvider services = new ServiceCollection().BuildServiceProvider();
        var context = new DefaultHttpContext { RequestServices = services, RequestAborted = left.Token };
        context.Response.Body = new LastDrawing(left);
        var seen = new Sample([], [], [], []);
        await live.StreamAsync(context, Ask, static _ => new(new Page("page", [])), "page", "token");
        return new(seen);

        Task<PageRequest> Ask() => Task.FromResult(new PageRequest(context, "/sluice", seen, null!, new(), MayChange: false));
    }

    /// <summary>The viewer leaves when the first drawing was written.</summary>
    private sealed class LastDrawing(CancellationTokenSource left) : MemoryStream
    {
        public override Task FlushAsync(CancellationToken cancellationToken) => left.CancelAsync();
    }
}
