namespace Sluice.Dashboard.Serving;

/// <summary>How long a page waits for its store.</summary>
/// <remarks>
/// A page may search many letters, and a store may be slow. So a page that takes longer than a second asks its store for one stream: if
/// the store answers, the page goes on. If it does not, nobody waits for it, unless they ask for that.
/// </remarks>
internal static class PageDeadline
{
    /// <summary>
    /// The name in the query, and the value, that ask for a longer wait. The script asks for the updates of a page that is whole with the
    /// last value: such a page may be open for days, and says soon that its store is silent. The search of one that is not may keep the
    /// store.
    /// </summary>
    public const string Longer = "wait", LongerValue = "30", LongerOpen = "open";

    private static readonly TimeSpan ForAnAnswer = TimeSpan.FromSeconds(0.5),
        Max = TimeSpan.FromSeconds(10), MaxLonger = TimeSpan.FromSeconds(30);

    /// <exception cref="SilentStoreException">The store is silent.</exception>
    /// <exception cref="SlowPageException">The store answers, and the page takes too long.</exception>
    public static async Task<Page> WaitAsync(Task<Page> drawing, PageRequest request, TimeSpan? patience)
    {
        (TimeProvider time, TimeSpan soon) = (request.Options.Time, request.Options.LookTimeout);
        long began = time.GetTimestamp();
        bool asksLate = request.Query(Longer) == LongerValue, isLonger = asksLate || request.Query(Longer) == LongerOpen, isSlow = false;
        using var asking = CancellationTokenSource.CreateLinkedTokenSource(request.Aborted);
        try
        {
            if (patience is { } given) return await drawing.WaitAsync(given, time, request.Aborted).ConfigureAwait(false);
            StoreSample[] stores = [.. StoresOf(request)];
            // One that has not answered the look either is asked at once.
            if (asksLate || !Array.Exists(stores, static one => one.IsSilent))
                await ((Task)drawing).WaitAsync(asksLate ? MaxLonger : soon, time, request.Aborted)
                    .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (drawing.IsCompleted || request.Aborted.IsCancellationRequested)
                return await drawing.WaitAsync(request.Aborted).ConfigureAwait(false);
            Task answers = Task.WhenAll(stores.Select(one => AnswerAsync(one, asking.Token)));
            await Task.WhenAny(drawing, answers).WaitAsync(ForAnAnswer, time, request.Aborted).ConfigureAwait(false);
            isSlow = true;
            TimeSpan rest = asksLate ? TimeSpan.Zero : isLonger && soon < MaxLonger ? MaxLonger - soon : Max;
            return await drawing.WaitAsync(rest, time, request.Aborted).ConfigureAwait(false);
        }
        catch (TimeoutException late)
        {
            if (drawing.IsCompleted) return await drawing.ConfigureAwait(false);             // in this moment
            string waited = Shown.Span(time.GetElapsedTime(began));
            throw isSlow ? new SlowPageException($"The store answers, and has not given all of this page for {waited}.", late)
                : new SilentStoreException($"The store has not answered for {waited}: is its server up, and its disk?", late);
        }
        finally
        {
            // A silent store would collect a question for each drawing of each page.
            await asking.CancelAsync().ConfigureAwait(false);
        }
    }

    /// <summary>The stores that a page reads: the one of its consecutor or of its query, or else all.</summary>
    public static IEnumerable<StoreSample> StoresOf(PageRequest request)
    {
        string? name = request.StoreName
            ?? (request.Name.Length > 0 ? request.Sample.Find(request.Name, null)?.Store.Name : null);
        return request.Sample.Stores.Where(one => name is null || one.Store.Name == name);
    }

    // A store that answers with a failure is not silent: the page says what it says.
    private static async Task AnswerAsync(StoreSample store, CancellationToken cancellation)
    {
        Task answer = store.Store.Store.FindStreamAsync(StoreSource.AuditStream, cancellation).AsTask();
        await answer.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }
}

/// <summary>The store does not answer. The page is loaded again when it does.</summary>
internal sealed class SilentStoreException(string message, Exception? inner = null) : TimeoutException(message, inner);

/// <summary>A page takes too long although its store answers. It is not loaded again by itself: that would begin its search anew.</summary>
internal sealed class SlowPageException(string message, Exception inner) : TimeoutException(message, inner);
