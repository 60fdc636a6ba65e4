using System.Text;
using Sluice.Dashboard.Access;

namespace Sluice.Dashboard.Serving;

/// <summary>Sends the parts of a page that have changed, as server-sent events, for as long as somebody looks.</summary>
/// <remarks>
/// Viewers of one page share each drawing of it, and one is made at a time. A browser that reads slowly gets fewer of them: a
/// viewer's next drawing begins when the last one was written. One that reads nothing for a time is cut off, and its browser asks
/// again. A drawing holds all that was seen of the stores, so it is forgotten with the last viewer of its page. Thread-safe.
/// </remarks>
internal sealed class LivePages(DashboardOptions options, CancellationToken stopping)
{
    private const int MaxViewers = 200;

    private static readonly TimeSpan MaxWriting = TimeSpan.FromSeconds(30);

    private readonly Lock sync = new();
    private readonly Dictionary<string, SharedPage> shared = new(StringComparer.Ordinal);        // by the key of the viewers; under sync
    private int viewers;

    /// <param name="context">The request.</param>
    /// <param name="ask">Makes the request for the next drawing.</param>
    /// <param name="draw">Draws the page.</param>
    /// <param name="key">Equal for viewers who see the same.</param>
    /// <param name="token">The token for forms of this viewer.</param>
    public async Task StreamAsync(HttpContext context, Func<Task<PageRequest>> ask, Func<PageRequest, ValueTask<Page>> draw, string key,
        string token)
    {
        if (Interlocked.Increment(ref viewers) > MaxViewers)
        {
            Interlocked.Decrement(ref viewers);
            context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            context.Response.Headers.RetryAfter = "30";
            return;
        }
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, stopping);
        SharedPage common = Enter(key);
        try
        {
            context.Response.ContentType = "text/event-stream";
            context.Response.Headers["X-Accel-Buffering"] = "no";
            Dictionary<string, string> sent = new(StringComparer.Ordinal);
            while (!ends.IsCancellationRequested)
            {
                Page page = await DrawAsync(await ask().ConfigureAwait(false), draw, common).WaitAsync(ends.Token).ConfigureAwait(false);
                using var patience = CancellationTokenSource.CreateLinkedTokenSource(ends.Token);
                patience.CancelAfter(MaxWriting);
                await context.Response.WriteAsync(Changes(page, sent, token), patience.Token).ConfigureAwait(false);
                await context.Response.Body.FlushAsync(patience.Token).ConfigureAwait(false);
                await Task.Delay(options.RefreshInterval, options.Time, ends.Token).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            // The viewer has left, or reads nothing, or the program stops.
            if (!ends.IsCancellationRequested) context.Abort();
        }
        finally
        {
            Leave(key, common);
            Interlocked.Decrement(ref viewers);
        }
    }

    private SharedPage Enter(string key)
    {
        lock (sync)
        {
            if (!shared.TryGetValue(key, out SharedPage? common)) shared.Add(key, common = new());
            common.Viewers++;
            return common;
        }
    }

    private void Leave(string key, SharedPage common)
    {
        lock (sync)
            if (--common.Viewers == 0) shared.Remove(key);
    }

    // Others wait for the drawing, so it goes on when the viewer leaves who has begun it.
    private Task<Page> DrawAsync(PageRequest request, Func<PageRequest, ValueTask<Page>> draw, SharedPage common)
    {
        lock (sync)
        {
            if (common.Last is { } last && ReferenceEquals(last.Sample, request.Sample)) return last.Page;
            PageRequest unbound = request with { Aborted = stopping, IsUpdate = true };
            // A drawing that takes long is not begun again beside itself: its store is slow already. It may show what was before a change,
            // so a viewer with a newer look waits for the next one.
            if (common.Next is null && common.Last is not { Page.IsCompleted: false }) return Begin(unbound, draw, common);
            common.Wanted = unbound;
            return common.Next ??= DrawNextAsync(common.Last!.Value.Page, draw, common);
        }
    }

    // Called under the lock.
    private static Task<Page> Begin(PageRequest request, Func<PageRequest, ValueTask<Page>> draw, SharedPage common)
    {
        Task<Page> drawing = DrawApartAsync(request, draw);
        common.Last = (request.Sample, drawing);
        return drawing;
    }

    private async Task<Page> DrawNextAsync(Task before, Func<PageRequest, ValueTask<Page>> draw, SharedPage common)
    {
        await before.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ForceYielding);   // out of the lock
        Task<Page> drawing;
        lock (sync)
        {
            common.Next = null;
            drawing = Begin(common.Wanted!, draw, common);
            common.Wanted = null;
        }
        return await drawing.ConfigureAwait(false);
    }

    private static async Task<Page> DrawApartAsync(PageRequest request, Func<PageRequest, ValueTask<Page>> draw)
    {
        await Task.Yield();                          // the caller holds a lock
        return await PageEndpoint.DrawAsync(request, draw).ConfigureAwait(false);
    }

    // An event for each part: its name in the first line, then its content. A comment shows that the connection lives.
    private static string Changes(Page page, Dictionary<string, string> sent, string token)
    {
        var text = new StringBuilder(": \n\n");
        IEnumerable<PagePart> parts = (page.Silence ?? page.Problem) is { } silence ? [new(Page.SilenceId, silence)]
            : page.Parts.Prepend(new(Page.SilenceId, Markup.None));
        foreach (PagePart part in parts)
        {
            if (!part.IsLive) continue;
            string content = part.Content.ToString();
            if (sent.TryGetValue(part.Id, out string? before) && before == content) continue;
            sent[part.Id] = content;
            text.Append("data: ").Append(part.Id).Append('\n');
            foreach (string line in content.Replace(FormTokens.Placeholder, token, StringComparison.Ordinal).Split('\n'))
                text.Append("data: ").Append(line.TrimEnd('\r')).Append('\n');
            text.Append('\n');
        }
        return text.ToString();
    }

    /// <summary>The last drawing of a page for all who look at it. Guarded by <c>sync</c>.</summary>
    private sealed class SharedPage
    {
        public int Viewers { get; set; }

        public (Sample Sample, Task<Page> Page)? Last { get; set; }

        /// <summary>The drawing that waits for the last one; null for none.</summary>
        public Task<Page>? Next { get; set; }

        /// <summary>The newest request among those that wait for the next drawing.</summary>
        public PageRequest? Wanted { get; set; }
    }
}
