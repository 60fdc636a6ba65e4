namespace Sluice;

// How a consecutor begins and ends. Locking rule: `state` under `sync`; everything is awaited outside of it.
public sealed partial class Consecutor<T>
{
    private readonly CancellationTokenSource patience; // of a stop, with what is under way

    /// <summary>Takes the partitions that nobody else has, and resumes what was pending: at once, or when earlier owners have been silent for the lease time.</summary>
    /// <exception cref="InvalidOperationException">It was started before.</exception>
    /// <exception cref="StreamStoreException">The store failed, or the stream there has another number of partitions.</exception>
    public async Task StartAsync(CancellationToken cancellation = default)
    {
        lock (sync)
        {
            if (state is not ConsecutorState.Created) throw new InvalidOperationException($"The consecutor {Name} was started before ({state}). Make another one to go on.");
            state = ConsecutorState.Running;
        }
        try
        {
            await core.Members.StartAsync(cancellation).ConfigureAwait(false);
            var following = new Following(core);
            core.Following = following;
            Run started = pipeline.Start(core.Options.Run with { Following = following, TrackItems = true }, CancellationToken.None);
            run = started;
            await core.Committer.BeginSinksAsync([], cancellation).ConfigureAwait(false);
            committing = CommitAsync();
            _ = WatchAsync(started);
            core.IsLeasing = State == ConsecutorState.Running;
        }
        catch (Exception e)
        {
            Fail(e);
            throw;
        }
    }

    /// <summary>Leases nothing more until <see cref="Resume"/>; what is sent is accepted as before.</summary>
    public void Pause()
    {
        lock (sync)
        {
            if (state != ConsecutorState.Running) return;
            state = ConsecutorState.Paused;
        }
        core.IsLeasing = false;
    }

    /// <summary>Goes on after <see cref="Pause"/>.</summary>
    public void Resume()
    {
        lock (sync)
        {
            if (state != ConsecutorState.Paused) return;
            state = ConsecutorState.Running;
        }
        core.IsLeasing = run is not null;
    }

    /// <summary>Stops: nothing more is leased, what is under way ends and is committed, partitions are given back. Costs no item an attempt.</summary>
    /// <remarks>End hooks of nodes are not called: the input has not ended.</remarks>
    /// <param name="deadline">How long that may take before the rest is cancelled and goes back to the store; no limit unless given. Code that does not heed its token then has <see cref="RunOptions.StopGrace"/> left. A second call may give one, or <see cref="DisposeAsync"/> cut it short.</param>
    /// <returns>Whether all that was under way has ended.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A negative time, or more than 49 days.</exception>
    public async Task<bool> StopAsync(TimeSpan? deadline = null)
    {
        if (deadline is { } limit)
        {
            patience.CancelAfter(Waits.Check(limit, nameof(deadline))); // also for a stop that is under way
        }
        if (!TryEnterStopping())
        {
            await Completion.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return core.InFlight == 0;
        }
        // What is in no store cannot go back to one: it is let through.
        if (local is null || State == ConsecutorState.Paused) core.IsLeasing = false;
        while ((core.InFlight > 0 || (core.IsLeasing && local!.HasItems)) && !patience.IsCancellationRequested && !core.Life.IsCancellationRequested)
            await core.Quiet.WaitAsync().WaitAsync(patience.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        bool isQuiet = core.InFlight == 0;
        await EndAsync(releases: true).ConfigureAwait(false);
        return isQuiet;
    }

    /// <summary>Cancels what is under way, which goes back to the store, uncharged. Throws nothing.</summary>
    public async ValueTask DisposeAsync()
    {
        await patience.CancelAsync().ConfigureAwait(false); // a stop that is under way waits no longer
        if (TryEnterStopping()) await EndAsync(releases: true).ConfigureAwait(false);
        else await Completion.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (ownsStore) await core.Store.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>Ends as a process does that is killed: nobody is told, the store least of all. For tests, which have to go on in the same process.</summary>
    /// <returns>A task that ends when nothing of it is at work any more.</returns>
    internal async Task AbandonAsync()
    {
        lock (sync) state = ConsecutorState.Stopped;
        core.Members.Drop();
        core.Drop();
        run?.Cancel();
        core.Entrances.Close();
        await committing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (run is not null) await run.Completion.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await core.Entrances.Completion.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        ended.TrySetResult();
    }

    private ConsecutorState State
    {
        get { lock (sync) return state; }
    }

    private bool TryEnterStopping()
    {
        lock (sync)
        {
            if (state is ConsecutorState.Stopping or ConsecutorState.Stopped or ConsecutorState.Failed) return false;
            bool wasStarted = state != ConsecutorState.Created;
            state = wasStarted ? ConsecutorState.Stopping : ConsecutorState.Stopped;
            if (wasStarted) return true;
        }
        core.Drop();
        ended.TrySetResult();
        return false;
    }

    private async Task EndAsync(bool releases)
    {
        await EndRunsAsync().ConfigureAwait(false);
        core.Committer.End();
        await committing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Exception? failure = null;
        try
        {
            await core.Members.StopTakingAsync().ConfigureAwait(false);
            foreach (SinkBinding sink in core.Sinks) await sink.EndAsync().ConfigureAwait(false);
            if (releases) await core.Members.LeaveAsync().ConfigureAwait(false);
        }
        catch (Exception e)
        {
            failure = e;                             // what was not given back is found silent, and taken
            core.Problem = FailureText.Of(e);
        }
        core.Drop();
        core.Members.Drop();
        lock (sync)
        {
            if (state != ConsecutorState.Failed) state = ConsecutorState.Stopped;
        }
        if (failure is null) ended.TrySetResult();
        else ended.TrySetException(failure);
    }

    private async Task EndRunsAsync()
    {
        core.IsLeasing = false;
        run?.Cancel();
        core.Entrances.Close();
        if (run is not null) await run.Completion.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await core.Entrances.Completion.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async Task CommitAsync()
    {
        try
        {
            await core.Committer.RunAsync().ConfigureAwait(false);
        }
        catch (Exception e)
        {
            Fail(e);
        }
    }

    private async Task WatchAsync(Run started)
    {
        await started.Completion.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (started.Completion.Exception is { } failure) Fail(failure.InnerException!);
    }

    /// <summary>Something has failed that is not about an item: what is under way goes back to the store.</summary>
    private void Fail(Exception cause)
    {
        lock (sync)
        {
            if (state is ConsecutorState.Stopping or ConsecutorState.Stopped or ConsecutorState.Failed) return;
            state = ConsecutorState.Failed;
        }
        core.Problem = FailureText.Of(cause);
        _ = EndFailedAsync(cause);
    }

    private async Task EndFailedAsync(Exception cause)
    {
        await EndQuietlyAsync().ConfigureAwait(false);
        ended.TrySetException(cause);

        async Task EndQuietlyAsync()
        {
            await EndRunsAsync().ConfigureAwait(false);
            core.Committer.End();
            await committing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            try
            {
                // What a sink has for itself, whoever starts next needs.
                foreach (SinkBinding sink in core.Sinks) await sink.EndAsync().ConfigureAwait(false);
                await core.Members.LeaveAsync().ConfigureAwait(false);
            }
            catch (Exception e)
            {
                core.Problem += $"; and not everything could be given back: {FailureText.Of(e)}";
            }
            core.Drop();
        }
    }
}
