using System.Text;
using Sluice.Dashboard.Access;
using Sluice.Dashboard.Pages;

namespace Sluice.Dashboard.Serving;

/// <summary>Answers requests for pages: once, or as a stream of changes.</summary>
/// <remarks>Thread-safe: a request keeps its state to itself.</remarks>
internal sealed class PageEndpoint(DashboardOptions options, Sampler sampler, AccessGuard guard, FormTokens tokens, LivePages live)
{
    /// <summary>The policy of the pages: everything from this program, no script and no style in the page.</summary>
    private const string Policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        + "form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

    public async Task AnswerAsync(HttpContext context, string root, Func<PageRequest, ValueTask<Page>> draw)
    {
        // Routes ignore case, and the path of the cookie for forms does not.
        PathString path = context.Request.Path;
        if (path.StartsWithSegments(root, StringComparison.OrdinalIgnoreCase, out PathString rest)
            && !path.StartsWithSegments(root, StringComparison.Ordinal))
        {
            context.Response.StatusCode = StatusCodes.Status307TemporaryRedirect;
            context.Response.Headers.Location
                = $"{context.Request.PathBase.Add(root)}{SentPath.Of(context, rest)}{context.Request.QueryString}";
            return;
        }
        bool mayChange = await guard.MayChangeAsync(context).ConfigureAwait(false);
        string address = context.Request.PathBase.Add(root);
        if (context.Request.Headers.Accept.ToString().StartsWith("text/event-stream", StringComparison.Ordinal))
        {
            await live.StreamAsync(context, Ask, draw, $"{mayChange}{address}{context.Request.Path}{context.Request.QueryString}",
                tokens.Issue(context, address)).ConfigureAwait(false);
            return;
        }
        Page page = await DrawAsync(await Ask().ConfigureAwait(false), draw).ConfigureAwait(false);
        await WriteAsync(context, page, address).ConfigureAwait(false);

        async Task<PageRequest> Ask()
            => new(context, address, await sampler.LookAsync().ConfigureAwait(false), sampler, options, mayChange);
    }

    /// <summary>Answers a request for something that is no page, such as an export.</summary>
    public async Task AnswerRawAsync(HttpContext context, string root, Func<PageRequest, Task> write)
    {
        string address = context.Request.PathBase.Add(root);
        var request = new PageRequest(context, address, await sampler.LookAsync().ConfigureAwait(false), sampler, options,
            MayChange: false);
        Page problem = await DrawAsync(request, async page =>
        {
            await write(page).ConfigureAwait(false);
            return new("", []);
        }, Timeout.InfiniteTimeSpan).ConfigureAwait(false);
        if (problem.StatusCode == StatusCodes.Status200OK) return;
        if (context.Response.HasStarted)
        {
            context.Abort();                         // an answer that ends early must not look like a whole one
            return;
        }
        context.Response.Headers.ContentDisposition = default;
        await WriteAsync(context, problem, address).ConfigureAwait(false);
    }

    /// <summary>Writes a page.</summary>
    public async Task WriteAsync(HttpContext context, Page page, string address)
    {
        string text = PageLayout.Draw(page, address, AssetFiles.Version,
            options.ReadOnly ? "This dashboard changes nothing (ReadOnly)." : "");
        text = text.Replace(FormTokens.Placeholder, tokens.Issue(context, address), StringComparison.Ordinal);
        context.Response.StatusCode = page.StatusCode;
        context.Response.ContentType = "text/html; charset=utf-8";
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        context.Response.ContentLength = bytes.Length;
        if (!HttpMethods.IsHead(context.Request.Method))
            await context.Response.Body.WriteAsync(bytes, context.RequestAborted).ConfigureAwait(false);
    }

    /// <summary>Refuses a request with a sentence.</summary>
    public static Task RefuseAsync(HttpContext context, string why, int status = StatusCodes.Status403Forbidden)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "text/plain; charset=utf-8";
        return context.Response.WriteAsync(why + "\n", context.RequestAborted);
    }

    /// <summary>Draws a page, or the page that says why it cannot be drawn.</summary>
    /// <param name="request">The request.</param>
    /// <param name="draw">Draws it.</param>
    /// <param name="patience">How long it may take; null for the usual time.</param>
    public static async Task<Page> DrawAsync(PageRequest request, Func<PageRequest, ValueTask<Page>> draw, TimeSpan? patience = null)
    {
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(request.Aborted);
        Task<Page>? drawing = null;
        try
        {
            drawing = draw(request with { Aborted = ends.Token }).AsTask();
            return await PageDeadline.WaitAsync(drawing, request, patience).ConfigureAwait(false);
        }
        // The type tells that the wait was given up: a store throws timeouts, too, and the drawing may have ended since. Other answers
        // than pages have no address at which they could be loaded again.
        catch (TimeoutException late) when (patience is null && (late is SilentStoreException or SlowPageException))
        {
            return SilencePage.Draw(request, late.Message, isSilent: late is SilentStoreException);
        }
        catch (MissingException missing)
        {
            bool isMissing = missing.StatusCode == StatusCodes.Status404NotFound;
            return new(isMissing ? "Not found" : "Not possible",
                [new(Page.ProblemId, Markup.Of($"<p>{missing.Message}</p>"), IsLive: false)])
            {
                StatusCode = missing.StatusCode
            };
        }
        catch (Exception e) when (e is SluiceException or TimeoutException or ObjectDisposedException)
        {
            return Away("This has failed", e is ObjectDisposedException ? "The store was disposed." : e.Message);
        }
        finally
        {
            if (drawing is { IsCompletedSuccessfully: false })
            {
                // No caller waits for the drawing any more. If the viewer has left, the drawing may not know it: the
                // token that links the two ends with this method.
                await ends.CancelAsync().ConfigureAwait(false);
                _ = drawing.ContinueWith(static late => _ = late.Exception, TaskScheduler.Default);      // an action notes its own
            }
        }
    }

    private static Page Away(string title, string why)
        => new(title, [new(Page.ProblemId, Markup.Of($"<p class=\"failing\">{why}</p>"), IsLive: false)])
        {
            StatusCode = StatusCodes.Status503ServiceUnavailable
        };

    /// <summary>Sets the headers that every answer has.</summary>
    public static void Protect(HttpContext context)
    {
        IHeaderDictionary headers = context.Response.Headers;
        headers.ContentSecurityPolicy = Policy;
        headers.XContentTypeOptions = "nosniff";
        headers.XFrameOptions = "DENY";
        headers["Referrer-Policy"] = "same-origin";
        headers.CacheControl = "no-store";
    }
}

/// <summary>What a page is about does not exist, or cannot be shown. The message is a sentence for the user.</summary>
internal sealed class MissingException(string message, int statusCode = StatusCodes.Status404NotFound) : Exception(message)
{
    /// <summary>The status of the answer.</summary>
    public int StatusCode => statusCode;
}
