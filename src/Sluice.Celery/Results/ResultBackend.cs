namespace Sluice.Celery;

/// <summary>
/// Celery's result backend on Redis: a key for each task, and a message to the channel of that name when it has been written.
/// </summary>
/// <remarks>Thread-safe.</remarks>
internal sealed class ResultBackend(RedisLink link) : IAsyncDisposable
{
    private const string Prefix = "celery-task-meta-";
    private static readonly TimeSpan FirstLook = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan MaxLook = TimeSpan.FromSeconds(30);

    /// <summary>Waits for the result of a task.</summary>
    /// <param name="id">The id of the task.</param>
    /// <param name="send">Sends the task; called once results are listened for.</param>
    /// <param name="timeout">How long to wait.</param>
    /// <param name="longest">The largest result that is read, in bytes.</param>
    /// <param name="cancellation">Ends the wait.</param>
    /// <returns>The result; null if there was none in time.</returns>
    /// <exception cref="BrokerAwayException">The backend did not answer at the end of the time.</exception>
    public async Task<TaskResult?> WaitAsync(string id, Func<Task> send, TimeSpan timeout, long longest,
        CancellationToken cancellation)
    {
        string key = Prefix + id;
        using var news = new SemaphoreSlim(0);
        await using IAsyncDisposable listening = await link.ListenAsync(key, () => Wake(news), cancellation).ConfigureAwait(false);
        await send().ConfigureAwait(false);
        long began = TimeProvider.System.GetTimestamp();
        // Looks without a message, too: one that is sent while the connection is lost does not arrive.
        for (TimeSpan pause = FirstLook; ; pause = pause * 2 < MaxLook ? pause * 2 : MaxLook)
        {
            BrokerAwayException? away = null;
            try
            {
                if (await LookAsync(key, longest, cancellation).ConfigureAwait(false) is { HasEnded: true } result) return result;
            }
            catch (BrokerAwayException e)
            {
                away = e;                            // the next look may find it
            }
            TimeSpan left = timeout - TimeProvider.System.GetElapsedTime(began);
            if (left <= TimeSpan.Zero) return away is null ? null : throw away;
            await WaitAsync(news, left < pause ? left : pause, cancellation).ConfigureAwait(false);
        }
    }

    public ValueTask DisposeAsync() => link.DisposeAsync();

    private async Task<TaskResult?> LookAsync(string key, long longest, CancellationToken cancellation)
    {
        long length = (long)await link.AskAsync("STRLEN", [key], cancellation).ConfigureAwait(false);
        if (length == 0) return null;
        if (length > longest)
            throw new CeleryTaskException($"Its result has {length:N0} bytes with its state, and {longest:N0} are read "
                + $"(CeleryTaskOptions.MaxValueBytes). Return a reference, or raise the limit.");
        var bytes = (byte[]?)await link.AskAsync("GET", [key], cancellation).ConfigureAwait(false);
        return bytes is null ? null : TaskResult.Read(bytes);
    }

    private static async Task WaitAsync(SemaphoreSlim news, TimeSpan pause, CancellationToken cancellation)
    {
        using var late = new TimeLimit(pause, TimeProvider.System, cancellation);
        try
        {
            await news.WaitAsync(late.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            // Time to look.
        }
    }

    private static void Wake(SemaphoreSlim news)
    {
        try
        {
            news.Release();
        }
        catch (ObjectDisposedException)
        {
            // A late message: its call has ended.
        }
    }
}
