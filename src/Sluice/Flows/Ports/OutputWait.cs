namespace Sluice.Flows;

/// <summary>Waits for room in a stream, for one write; reports a long wait to the run.</summary>
/// <remarks>Not thread-safe.</remarks>
internal sealed class OutputWait(OutputStream output) : IAsyncDisposable
{
    private readonly long begun = output.Calls.Time.GetTimestamp();
    private long since = output.Calls.Time.GetTimestamp();          // the begin of the wait, or the last report
    private bool wasTold;

    /// <summary>Waits for a change of the stream, or until it is time to try again.</summary>
    /// <param name="seen">The change count of the stream from before it was full.</param>
    /// <param name="retryAfter">When a reader that holds up the stream may have expired; null for never.</param>
    public async Task WaitAsync(long seen, TimeSpan? retryAfter)
    {
        if (output.Reports is { } reports)
        {
            TimeSpan left = reports.ReportInterval - output.Calls.Time.GetElapsedTime(since);
            if (left <= TimeSpan.Zero)
            {
                wasTold = true;
                await reports.TellStuckAsync(output.Name, output.Calls.Time.GetElapsedTime(begun)).ConfigureAwait(false);
                (since, left) = (output.Calls.Time.GetTimestamp(), reports.ReportInterval);
            }
            if (retryAfter is null || left < retryAfter) retryAfter = left > TimeSpan.Zero ? left : TimeSpan.FromMilliseconds(1);
        }
        CancellationToken life = output.Life;
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(life);
        // Pauses if the store cannot wait.
        Task change = output.Calls.WaitForChangeAsync(output.Stream, seen, waiting.Token);
        if (retryAfter is { } pause) await Task.WhenAny(change, Task.Delay(pause, output.Calls.Time, waiting.Token)).ConfigureAwait(false);
        else await change.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await waiting.CancelAsync().ConfigureAwait(false);
        await change.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        life.ThrowIfCancellationRequested();
        if (change.IsFaulted) await change.ConfigureAwait(false);          // the next call would fail in the same way
    }

    public ValueTask DisposeAsync() => wasTold ? new(output.Reports!.TellMovingAsync()) : ValueTask.CompletedTask;
}
