using Sluice.Diagnostics;

namespace Sluice.PostgreSql;

/// <summary>
/// Removes in portions what would be too much for one statement: blocks that consumers have passed, and rows of removed streams and groups.
/// What a dead process has left is removed by the next one that writes.
/// </summary>
/// <param name="trim">Removes a portion of a stream's trimmed blocks; returns whether it found any.</param>
/// <param name="delete">Deletes a portion of the rows of removed streams and groups; returns whether it found any.</param>
/// <param name="onWarning">Receives failures.</param>
/// <remarks>Thread-safe. Locking rule: <c>gate</c> protects what is to be swept.</remarks>
internal sealed class Sweeper(Func<string, CancellationToken, Task<bool>> trim, Func<CancellationToken, Task<bool>> delete,
    Action<string>? onWarning) : IAsyncDisposable
{
    private readonly Lock gate = new();
    private readonly HashSet<string> streams = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource closing = new();
    private bool hasGone = true;                     // a process that died may have left some
    private Task sweeping = Task.CompletedTask;

    /// <summary>A round has written.</summary>
    public void Add(Round round)
    {
        lock (gate)
        {
            streams.UnionWith(round.Unswept);
            hasGone |= round.HasGone;
            if ((streams.Count > 0 || hasGone) && sweeping.IsCompleted && !closing.IsCancellationRequested) sweeping = SweepAsync();
        }
    }

    public async ValueTask DisposeAsync()
    {
        Task last;
        lock (gate)
        {
            closing.Cancel();
            last = sweeping;
        }
        await last.ConfigureAwait(false);
        closing.Dispose();
    }

    private async Task SweepAsync()
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        while (true)
        {
            string? stream;
            lock (gate)
            {
                stream = streams.FirstOrDefault();
                if (closing.IsCancellationRequested || (stream is null && !hasGone))
                {
                    sweeping = Task.CompletedTask;   // the next round with work for it starts the task again
                    return;
                }
                if (stream is null) hasGone = false;
                else streams.Remove(stream);
            }
            try
            {
                while (stream is null ? await delete(closing.Token).ConfigureAwait(false)
                    : await trim(stream, closing.Token).ConfigureAwait(false))
                    closing.Token.ThrowIfCancellationRequested();
            }
            catch (Exception failure) when (failure is OperationCanceledException or ObjectDisposedException)
            {
                // the store is being closed
            }
            catch (Exception failure) when (failure is SluiceException or NpgsqlException or InvalidOperationException or IOException)
            {
                WarningHandlers.Tell(onWarning, "The PostgreSQL store has not removed all rows that it does not need any more: "
                    + $"{failure.Message} It tries again after the next removal.");
            }
        }
    }
}
