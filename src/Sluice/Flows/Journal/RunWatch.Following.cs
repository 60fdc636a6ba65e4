namespace Sluice.Flows;

/// <content>Follows the journal: reads what is added to it.</content>
internal sealed partial class RunWatch
{
    private Task following = Task.CompletedTask;
    private CancellationTokenSource? life;           // of the following
    private bool isPaused;

    /// <summary>Starts to follow the journal.</summary>
    public void Follow()
    {
        timeline = null;
        isPaused = false;
        life = new();
        following = FollowAsync(life.Token);
    }

    /// <summary>Stops to follow the journal, until the next <see cref="Follow"/>. <see cref="Noticed"/> is not called any more.</summary>
    public async Task PauseAsync()
    {
        isPaused = true;
        await StopAsync().ConfigureAwait(false);
        Noticed = null;
    }

    private async Task StopAsync()
    {
        if (life is null) return;
        await life.CancelAsync().ConfigureAwait(false);
        await following.ConfigureAwait(false);
        life.Dispose();
        (life, following) = (null, Task.CompletedTask);
    }

    // Never throws.
    private async Task FollowAsync(CancellationToken life)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        try
        {
            while (true)
            {
                Generation = calls.Store.Generation;
                long seen = await calls.DoAsync(stream, () => calls.Store.WaitForChangeAsync(stream, -1, life), life)
                    .ConfigureAwait(false);
                await ReadAsync(life).ConfigureAwait(false);
                if (over.Count == Plan.Processors.Length) return;        // nothing matters that comes later
                await calls.WaitForChangeAsync(stream, seen, life).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (life.IsCancellationRequested)
        {
            if (!isPaused) ended.TrySetCanceled(life);
        }
        catch (Exception e)
        {
            ended.TrySetException(e);
            _ = ended.Task.Exception;                // mark it as observed: it may have no awaiter
            if (e is OperationCanceledException) return;
            Failure = Unreadable(e);
            await cut.CancelAsync().ConfigureAwait(false);
        }
    }
}
