namespace Sluice;

/// <summary>Calls a function until it succeeds, or its policy is used up.</summary>
/// <remarks>Keeps no state: any thread. Goes on wherever the function does.</remarks>
internal static class Attempts
{
    /// <param name="function">What to call; gets the number of the attempt, from 1, and a token of its own where there is a time limit.</param>
    /// <param name="policy">How often, how long, and how long in between.</param>
    /// <param name="time">The clock of limits and waits.</param>
    /// <param name="random">Where the jitter of the waits comes from; shared, so thread-safe.</param>
    /// <param name="cancellation">Ends everything: is not tried again.</param>
    /// <param name="staysInContext">Whether it goes on in the synchronization context of the call, which then must be that of a scheduler.</param>
    /// <exception cref="TimeoutException">The last attempt took too long. One that does not heed its token is left behind.</exception>
    public static async ValueTask<T> RunAsync<T>(
        Func<int, CancellationToken, ValueTask<T>> function, CallPolicy policy, TimeProvider time, Random random, CancellationToken cancellation, bool staysInContext = false)
    {
        for (int attempt = 1; ; attempt++)
        {
            cancellation.ThrowIfCancellationRequested();
            try
            {
                return policy.Timeout is { } limit
                    ? await LimitedAsync(function, attempt, limit, time, staysInContext, cancellation).ConfigureAwait(staysInContext)
                    : await function(attempt, cancellation).ConfigureAwait(staysInContext);
            }
            catch (Exception) when (attempt <= policy.Retries && !cancellation.IsCancellationRequested)
            {
                // tried again: the last attempt's exception is what the caller sees
            }
            TimeSpan wait = policy.Backoff.WaitBefore(attempt, random);
            if (wait > TimeSpan.Zero) await Task.Delay(wait, time, cancellation).ConfigureAwait(staysInContext);
        }
    }

    private static async ValueTask<T> LimitedAsync<T>(
        Func<int, CancellationToken, ValueTask<T>> function, int attempt, TimeSpan limit, TimeProvider time, bool staysInContext, CancellationToken cancellation)
    {
        using var timeout = new CancellationTokenSource(limit, time);
        using CancellationTokenRegistration outer = cancellation.UnsafeRegister(static source => ((CancellationTokenSource)source!).Cancel(), timeout);
        Task<T> call = function(attempt, timeout.Token).AsTask();
        try
        {
            return await call.WaitAsync(timeout.Token).ConfigureAwait(staysInContext);
        }
        catch (OperationCanceledException) when (timeout.IsCancellationRequested)
        {
            if (!call.IsCompleted) Observe(call);
            else if (call.IsCompletedSuccessfully) return call.Result;
            cancellation.ThrowIfCancellationRequested();
            throw new TimeoutException($"It took longer than {limit:g}.");
        }
    }

    /// <summary>Nobody waits for it any more: what it throws later is not to be taken for a failure that was overlooked.</summary>
    private static void Observe(Task call)
        => call.ContinueWith(static ended => _ = ended.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
}
