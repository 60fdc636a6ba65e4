namespace Sluice.Redis;

/// <summary>Waits for answers until the server has been silent for a time.</summary>
/// <remarks>
/// A connection answers calls in their order, so a call may stand behind seconds of other answers. While calls before it are answered, it
/// waits. Once a later call is answered, its own answer is lost, and its time runs. Thread-safe.
/// </remarks>
internal sealed class AnswerTracker(TimeProvider time)
{
    private static readonly TimeSpan ShortestWait = TimeSpan.FromMilliseconds(1);         // timers may fire a little early

    private readonly Lock sync = new();
    private long asked;                              // the number of the last call
    private long answered, answeredAt;               // the highest number of an answered call; the time of the last answer

    /// <summary>Numbers a call. To be called when the call is sent: answers come in the order of the numbers.</summary>
    public long Begin() => Interlocked.Increment(ref asked);

    /// <summary>Waits for an answer.</summary>
    /// <param name="answer">The answer of a call that was sent.</param>
    /// <param name="number">The number of the call (<see cref="Begin"/>).</param>
    /// <param name="limit">The silence after which the call is given up.</param>
    /// <param name="notice">The silence after which <paramref name="missed"/> is called.</param>
    /// <param name="missed">Gets the begin of the silence, again and again, while it lasts for <paramref name="notice"/> or longer.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    /// <exception cref="TimeoutException">The server was silent for <paramref name="limit"/>.</exception>
    public async Task<T> WaitAsync<T>(Task<T> answer, long number, TimeSpan limit, TimeSpan notice, Action<long> missed,
        CancellationToken cancellation)
    {
        long since = time.GetTimestamp();
        _ = NoteAsync(answer, number);
        for (TimeSpan silent = TimeSpan.Zero; ;)
        {
            TimeSpan left = silent < notice ? notice - silent : notice;
            if (left > limit - silent) left = limit - silent;
            try
            {
                return await answer.WaitAsync(left > ShortestWait ? left : ShortestWait, time, cancellation).ConfigureAwait(false);
            }
            catch (TimeoutException) when (!answer.IsCompleted)
            {
                bool isLost = IsBehind(number, ref since);
                silent = time.GetElapsedTime(since);
                if (silent >= limit) throw;
                if (silent >= notice && !isLost) missed(since);
            }
        }
    }

    /// <summary>Whether nothing was answered for a time.</summary>
    public bool IsSilentFor(TimeSpan limit)
    {
        lock (sync) return time.GetElapsedTime(answeredAt) >= limit;
    }

    // Whether a later call was answered. If not, `since` becomes the time of the last answer.
    private bool IsBehind(long number, ref long since)
    {
        lock (sync)
        {
            if (answered > number) return true;
            since = Math.Max(since, answeredAt);
            return false;
        }
    }

    // Answers to callers that have given up count, too. Never throws.
    private async Task NoteAsync(Task answer, long number)
    {
        try
        {
            await answer.ConfigureAwait(false);
        }
        catch (RedisServerException)
        {
            // A refusal is an answer.
        }
        catch (Exception)
        {
            return;                                  // the connection was closed
        }
        lock (sync) (answered, answeredAt) = (Math.Max(answered, number), time.GetTimestamp());
    }
}
