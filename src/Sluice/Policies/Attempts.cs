namespace Sluice.Policies;

/// <summary>An operation to attempt: a call, and the wait that precedes it.</summary>
internal interface IAttempted<T>
{
    /// <summary>The name of the call, for messages; null if the reporter of a failure names it.</summary>
    string? Name => null;

    /// <summary>The source of the jitter.</summary>
    Random Random => Random.Shared;

    /// <summary>Whether an exception ends the call, so that a further attempt is useless.</summary>
    bool IsFinal(Exception exception) => false;

    /// <summary>
    /// Waits for a free slot or a thread before each attempt, outside the time limit. <see cref="CallAsync"/> follows at once if it
    /// succeeds.
    /// </summary>
    /// <param name="attempt">The number of the attempt, from 1.</param>
    /// <param name="cancellation">Ends the wait.</param>
    ValueTask EnterAsync(int attempt, CancellationToken cancellation);

    /// <summary>Executes the call. May throw instead of returning a failed task.</summary>
    /// <param name="attempt">The number of the attempt, from 1.</param>
    /// <param name="cancellation">With a time limit, the token of this attempt.</param>
    ValueTask<T> CallAsync(int attempt, CancellationToken cancellation);
}

/// <summary>Calls a function until it succeeds, or its policy is used up.</summary>
/// <remarks>Stateless and thread-safe. Continues on the thread of the function.</remarks>
internal static class Attempts
{
    /// <param name="call">The operation.</param>
    /// <param name="policy">The retries, the time limit and the backoff.</param>
    /// <param name="time">The clock of limits and waits.</param>
    /// <param name="staysInContext">
    /// Whether to continue in the synchronization context of the call, which must then belong to a scheduler.
    /// </param>
    /// <param name="cancellation">Ends all attempts. A running call is awaited, at most until its time limit.</param>
    /// <exception cref="TimeoutException">The last attempt exceeded its time limit. A call that ignores its token is abandoned.</exception>
    public static ValueTask<T> RunAsync<TCall, T>(TCall call, CallPolicy policy, TimeProvider time, bool staysInContext,
        CancellationToken cancellation)
        where TCall : IAttempted<T>
    {
        cancellation.ThrowIfCancellationRequested();
        ValueTask entered = call.EnterAsync(1, cancellation);
        // Without retries and waits the call itself is awaited, without a state machine.
        return policy.Retries == 0 && entered.IsCompletedSuccessfully
            ? OnceAsync<TCall, T>(call, 1, policy, time, staysInContext, cancellation)
            : AllAsync<TCall, T>(call, entered, policy, time, staysInContext, cancellation);
    }

    private static async ValueTask<T> AllAsync<TCall, T>(TCall call, ValueTask entered, CallPolicy policy, TimeProvider time,
        bool staysInContext, CancellationToken cancellation)
        where TCall : IAttempted<T>
    {
        for (int attempt = 1; ; attempt++)
        {
            TimeSpan least;
            try
            {
                await entered.ConfigureAwait(staysInContext);
                return await OnceAsync<TCall, T>(call, attempt, policy, time, staysInContext, cancellation).ConfigureAwait(staysInContext);
            }
            catch (Exception e) when (attempt <= policy.Retries && !cancellation.IsCancellationRequested && !call.IsFinal(e))
            {
                // Retried: the caller sees the exception of the last attempt.
                Exception failure = e;
                if (!policy.Backoff.Retries(ref failure, out least))
                {
                    if (failure == e) throw;
                    throw failure;
                }
            }
            TimeSpan wait = policy.Backoff.WaitBefore(attempt, call.Random);
            if (wait < least) wait = least;
            if (wait > TimeSpan.Zero) await Task.Delay(wait, time, cancellation).ConfigureAwait(staysInContext);
            cancellation.ThrowIfCancellationRequested();
            entered = call.EnterAsync(attempt + 1, cancellation);
        }
    }

    private static ValueTask<T> OnceAsync<TCall, T>(TCall call, int attempt, CallPolicy policy, TimeProvider time, bool staysInContext,
        CancellationToken cancellation)
        where TCall : IAttempted<T>
        => policy.Timeout is { } limit ? LimitedCall<T>.Start(call, attempt, limit, time, staysInContext, cancellation)
        : call.CallAsync(attempt, cancellation);
}
