namespace Sluice;

/// <summary>What is tried: a call, and what has to be waited for before it.</summary>
internal interface IAttempted<T>
{
    /// <summary>What is called, for messages; null where whoever reports a failure names it.</summary>
    string? Name => null;

    /// <summary>Before each attempt, and outside of its time limit: waits for a place, or a thread. Once it has ended well, <see cref="CallAsync"/> follows at once.</summary>
    /// <param name="attempt">From 1.</param>
    /// <param name="cancellation">Ends the wait.</param>
    ValueTask EnterAsync(int attempt, CancellationToken cancellation);

    /// <summary>The call; may throw instead of returning a task that has failed.</summary>
    /// <param name="attempt">From 1.</param>
    /// <param name="cancellation">Where there is a time limit, a token of the attempt's own.</param>
    ValueTask<T> CallAsync(int attempt, CancellationToken cancellation);
}

/// <summary>Calls a function until it succeeds, or its policy is used up.</summary>
/// <remarks>Keeps no state: any thread. Goes on wherever the function does.</remarks>
internal static class Attempts
{
    /// <param name="call">What to call.</param>
    /// <param name="policy">How often, how long, and how long in between.</param>
    /// <param name="time">The clock of limits and waits.</param>
    /// <param name="staysInContext">Whether it goes on in the synchronization context of the call, which then must be that of a scheduler.</param>
    /// <param name="cancellation">Ends everything: is not tried again. A call that runs then is waited for until its time limit, if it has one.</param>
    /// <exception cref="TimeoutException">The last attempt took too long. One that does not heed its token is left behind.</exception>
    public static ValueTask<T> RunAsync<TCall, T>(TCall call, CallPolicy policy, TimeProvider time, bool staysInContext, CancellationToken cancellation)
        where TCall : IAttempted<T>
    {
        cancellation.ThrowIfCancellationRequested();
        ValueTask entered = call.EnterAsync(1, cancellation);
        // Where nothing is tried again, and nothing is waited for, what is awaited is the call itself: no state machine of its own.
        return policy.Retries == 0 && entered.IsCompletedSuccessfully ? OnceAsync<TCall, T>(call, 1, policy, time, staysInContext, cancellation)
            : AllAsync<TCall, T>(call, entered, policy, time, staysInContext, cancellation);
    }

    private static async ValueTask<T> AllAsync<TCall, T>(TCall call, ValueTask entered, CallPolicy policy, TimeProvider time, bool staysInContext, CancellationToken cancellation)
        where TCall : IAttempted<T>
    {
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                await entered.ConfigureAwait(staysInContext);
                return await OnceAsync<TCall, T>(call, attempt, policy, time, staysInContext, cancellation).ConfigureAwait(staysInContext);
            }
            catch (Exception) when (attempt <= policy.Retries && !cancellation.IsCancellationRequested)
            {
                // tried again: the last attempt's exception is what the caller sees
            }
            TimeSpan wait = policy.Backoff.WaitBefore(attempt, Random.Shared);
            if (wait > TimeSpan.Zero) await Task.Delay(wait, time, cancellation).ConfigureAwait(staysInContext);
            cancellation.ThrowIfCancellationRequested();
            entered = call.EnterAsync(attempt + 1, cancellation);
        }
    }

    private static ValueTask<T> OnceAsync<TCall, T>(TCall call, int attempt, CallPolicy policy, TimeProvider time, bool staysInContext, CancellationToken cancellation)
        where TCall : IAttempted<T>
        => policy.Timeout is { } limit ? LimitedCall<T>.Start(call, attempt, limit, time, staysInContext, cancellation) : call.CallAsync(attempt, cancellation);
}
