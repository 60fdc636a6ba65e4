namespace Sluice;

// How a consecutor begins and ends. Locking rule: `state` under `sync`; everything is awaited outside of it.
public sealed partial class Consecutor<T>
{
    private readonly CancellationTokenSource patience; // of a stop, with what is under way
    private readonly RunningMember place;            // among those of this process
    private Exception? stopFailure;                  // what has failed while it was stopping

    /// <summary>Takes the partitions that nobody else has, and resumes what was pending: at once, or when earlier owners have been silent for the lease time.</summary>
    /// <exception cref="InvalidOperationException">
    /// It was started before; or another one of its name runs in this process, over the same store and as the same <see cref="ConsecutorOptions.Member"/>: this one may be
    /// started when that one has ended.
    /// </exception>
    /// <exception cref="MemberInUseException">Another process is alive as the same <see cref="ConsecutorOptions.Member"/>.</exception>
    /// <exception cref="StreamStoreException">The store failed, or the stream there has another number of partitions.</exception>
    public async Task StartAsync(CancellationToken cancellation = default)
    {
        while (TryBegin() is { } other)
        {
            // One that has failed is about to give back what it has; whoever is started instead of it need not know when that is done.
            if (other.State() != ConsecutorState.Failed) throw IsRunningAlready(other);
            await other.Completion.WaitAsync(cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            cancellation.ThrowIfCancellationRequested();
        }
        try
        {
            await core.OpenAsync(cancellation, again: true).ConfigureAwait(false);          // outputs may have been wired since the first time
            await core.Members.StartAsync(cancellation).ConfigureAwait(false);
            var following = new Following(core) { Outputs = core.Outputs, DividesLists = core.Options.Delivery.Level != DeliveryLevel.None };
            core.Following = following;
            Run started = pipeline.Start(core.Options.Run with { Following = following, TrackItems = true }, CancellationToken.None);
            run = started;
            await core.Committer.BeginSinksAsync([], cancellation).ConfigureAwait(false);
            await core.Members.UnparkAsync(core.Owned).ConfigureAwait(false);
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
        core.Committer.Hurry();
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
        RunningMembers.Of(core.Store).Leave(core, place);
        core.Members.Drop();
        core.Drop();
        run?.Cancel();
        core.Entrances.Close();
        await committing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (run is not null) await run.Completion.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await core.Entrances.Completion.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        ended.TrySetResult();
    }

    /// <returns>Null if it runs from here on; else who runs in its place.</returns>
    private RunningMember? TryBegin()
    {
        lock (sync)
        {
            if (state is not ConsecutorState.Created) throw new InvalidOperationException($"The consecutor {Name} was started before ({state}). Make another one to go on.");
            if (RunningMembers.Of(core.Store).TryEnter(core, place) is { } other) return other;
            state = ConsecutorState.Running;
            return null;
        }
    }

    private InvalidOperationException IsRunningAlready(RunningMember other) => new(
        $"A consecutor {Name} is at work in this process already ({other.State()}), over the same store and as the same member '{Member}': this one would take everything from it. "
        + "Stop that one first; or, if they are to share the work, give each its own ConsecutorOptions.Member.");

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
            failure = e is ObjectDisposedException closed ? core.StoreClosed(closed) : e;          // what was not given back is found silent, and taken
            core.Problem = FailureText.Of(failure);
        }
        core.Drop();
        core.Members.Drop();
        RunningMembers.Of(core.Store).Leave(core, place);
        lock (sync)
        {
            if (state != ConsecutorState.Failed) state = ConsecutorState.Stopped;
            failure = stopFailure ?? failure;
        }
        if (failure is null) ended.TrySetResult();
        else EndWith(failure);
    }

    private async Task EndRunsAsync()
    {
        core.IsLeasing = false;
        core.Committer.Hurry();                      // the run may wait for commits, in order to take partitions
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
        bool isStopping;
        lock (sync)
        {
            if (state is ConsecutorState.Stopped or ConsecutorState.Failed) return;
            isStopping = state == ConsecutorState.Stopping;
            if (isStopping) stopFailure ??= cause;
            else state = ConsecutorState.Failed;
        }
        core.Problem = FailureText.Of(cause);
        if (isStopping) patience.Cancel();           // what the stop waits for will not end any more
        else _ = EndFailedAsync(cause);
    }

    /// <summary>Whoever asks is told; nobody has to.</summary>
    private void EndWith(Exception cause)
    {
        ended.TrySetException(cause);
        _ = Completion.Exception;
    }

    private async Task EndFailedAsync(Exception cause)
    {
        await EndQuietlyAsync().ConfigureAwait(false);
        RunningMembers.Of(core.Store).Leave(core, place);
        EndWith(cause);

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
            catch (ObjectDisposedException) when (cause.InnerException is ObjectDisposedException)
            {
                // The store, which was the cause.
            }
            catch (Exception e)
            {
                core.Problem += $"; and not everything could be given back: {FailureText.Of(e)}";
            }
            core.Members.Drop();
            core.Drop();
        }
    }
}
