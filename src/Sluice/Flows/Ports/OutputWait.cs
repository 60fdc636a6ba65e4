namespace Sluice;

/// <summary>Waits until there is room in a stream; if that takes long, the run is told.</summary>
/// <remarks>Used by one party, for one write.</remarks>
internal sealed class OutputWait(OutputStream output) : IAsyncDisposable
{
    private readonly long begun = output.Calls.Time.GetTimestamp();
    private long since = output.Calls.Time.GetTimestamp();          // when the wait began, or was told last
    private bool wasTold;

    /// <summary>Waits for a change, or until it is time to look again.</summary>
    /// <param name="seen">The stream's changes before it was found to be full.</param>
    /// <param name="retryAfter">When a reader that holds the stream may have expired; null if none can.</param>
    public async Task WaitAsync(long seen, TimeSpan? retryAfter)
    {
        if (output.Stalls is { } stalls)
        {
            TimeSpan left = stalls.Patience - output.Calls.Time.GetElapsedTime(since);
            if (left <= TimeSpan.Zero)
            {
                wasTold = true;
                await stalls.TellStuckAsync(output.Name, output.Calls.Time.GetElapsedTime(begun)).ConfigureAwait(false);
                (since, left) = (output.Calls.Time.GetTimestamp(), stalls.Patience);
            }
            if (retryAfter is null || left < retryAfter) retryAfter = left > TimeSpan.Zero ? left : TimeSpan.FromMilliseconds(1);
        }
        CancellationToken life = output.Life;
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(life);
        Task change = output.Calls.DoAsync(output.Stream, () => output.Calls.Store.WaitForChangeAsync(output.Stream, seen, waiting.Token), waiting.Token);          // pauses if the store cannot say so
        if (retryAfter is { } pause) await Task.WhenAny(change, Task.Delay(pause, output.Calls.Time, waiting.Token)).ConfigureAwait(false);
        else await change.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await waiting.CancelAsync().ConfigureAwait(false);
        await change.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        life.ThrowIfCancellationRequested();
        if (change.IsFaulted) await change.ConfigureAwait(false);          // it will not say so the next time either
    }

    public ValueTask DisposeAsync() => wasTold ? new(output.Stalls!.TellMovingAsync()) : ValueTask.CompletedTask;
}
