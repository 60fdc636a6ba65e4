namespace Sluice;

// How a consecutor begins, pauses and is asked to end. Locking rule: `state` under `sync`; everything is awaited outside of it.
public sealed partial class Consecutor<T>
{
    private readonly LocalMember place;            // among those of this process

    /// <summary>Takes the partitions that nobody else has, and resumes what was pending: at once, or when earlier owners have been silent for the lease time.</summary>
    /// <exception cref="InvalidOperationException">
    /// It was started before; or state is stored that its code would forget or misread, which the message lists (<see cref="StateOptions"/> says what was meant); or another one of its name runs in this process, over the same store and as the same <see cref="ConsecutorOptions.InstanceId"/>: this one may be
    /// started when that one has ended.
    /// </exception>
    /// <exception cref="MemberInUseException">Another process is alive as the same <see cref="ConsecutorOptions.InstanceId"/>.</exception>
    /// <exception cref="StreamStoreException">The store failed, or the stream there has another number of partitions.</exception>
    public async Task StartAsync(CancellationToken cancellation = default)
    {
        while (TryBegin() is { } other)
        {
            // One that has failed is about to give back what it has; whoever is started instead of it need not know when that is done.
            if (other.State() != ConsecutorStatus.Failed) throw IsRunningAlready(other);
            await other.Completion.WaitAsync(cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            cancellation.ThrowIfCancellationRequested();
        }
        try
        {
            await core.OpenAsync(cancellation, again: true).ConfigureAwait(false);          // outputs may have been wired since the first time
            if (!ownsStore) await core.StateCheck.CheckAllAsync(cancellation).ConfigureAwait(false);
            await core.Members.StartAsync(cancellation).ConfigureAwait(false);
            var following = new ItemTracking(core) { Outputs = core.Outputs, KeepsOrder = core.Epochs is not null, DividesLists = core.Options.Delivery.Level != DeliveryLevel.None };
            core.Following = following;
            PipelineRun started = pipeline.Start(core.Options.Run with { Following = following, TrackItems = true }, CancellationToken.None);
            run = started;
            await core.Members.BeginSinksAsync(cancellation).ConfigureAwait(false);
            committing = CommitAsync();
            _ = WatchAsync(started);
            core.IsLeasing = State == ConsecutorStatus.Running;
        }
        catch (Exception e)
        {
            Fail(e, isTold: true);
            throw;
        }
    }

    /// <summary>Leases nothing more until <see cref="Resume"/>; what is sent is accepted as before.</summary>
    public void Pause()
    {
        lock (sync)
        {
            if (state != ConsecutorStatus.Running) return;
            state = ConsecutorStatus.Paused;
        }
        core.IsLeasing = false;
    }

    /// <summary>Goes on after <see cref="Pause"/>.</summary>
    public void Resume()
    {
        lock (sync)
        {
            if (state != ConsecutorStatus.Paused) return;
            state = ConsecutorStatus.Running;
        }
        core.IsLeasing = run is not null;
    }

    /// <summary>Stops: nothing more is leased, what is under way ends and is committed, partitions are given back. Costs no item an attempt.</summary>
    /// <remarks>
    /// <para>End hooks of nodes are not called: the input has not ended.</para>
    /// <para>
    /// A deadline holds whatever the store and your code do. The last tenth of it, a second at most, is for giving back: what is under way then is cancelled and goes back to the store. What is not given back
    /// at the deadline is left behind, safely: the next owner of a partition voids it. <see cref="Completion"/> fails then with a <see cref="TimeoutException"/> that says what was not finished, as a warning does
    /// (<see cref="ConsecutorOptions.OnWarning"/>), and whoever starts as another member waits for the lease time.
    /// </para>
    /// <para>Without a deadline, it waits for what is under way as long as that takes; then the store has <see cref="ConsecutorOptions.LeaseDuration"/> to take everything back.</para>
    /// </remarks>
    /// <param name="deadline">How long that may take; no limit unless given. Zero cancels what is under way at once, as <see cref="DisposeAsync"/> does. A second call may give one, or <see cref="DisposeAsync"/> cut it short.</param>
    /// <returns>Whether all that was under way has ended.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A negative time, or more than 49 days.</exception>
    /// <exception cref="InvalidOperationException">It was called inside of a handler of this consecutor. The stop has begun; but the handler would wait for its own item if it awaited the end.</exception>
    public Task<bool> StopAsync(TimeSpan? deadline = null)
    {
        Task<bool> stopped = StopToEndAsync(deadline);
        if (!IsInside || stopped.IsCompleted) return stopped;
        stopped.Observed();
        var told = Task.FromException<bool>(new InvalidOperationException(
            $"StopAsync of the consecutor {Name} was called inside of one of its own handlers. The stop has begun, but it cannot be awaited there: the handler would wait for its own item, without end. Await it outside, or leave out the await."));
        told.Observed();
        return told;
    }

    private async Task<bool> StopToEndAsync(TimeSpan? deadline)
    {
        if (deadline is { } limit) EndWithin(Waits.Check(limit, nameof(deadline))); // also a stop that is under way
        if (!TryEnterStopping())
        {
            await Completion.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return core.InFlight == 0;
        }
        core.Committer.Hurry();
        // What is in no store cannot go back to one: it is let through.
        if (local is null || State == ConsecutorStatus.Paused) core.IsLeasing = false;
        while ((core.InFlight > 0 || (core.IsLeasing && local!.HasItems)) && !patience.IsCancellationRequested && !core.Life.IsCancellationRequested)
            await core.Quiet.WaitAsync().WaitAsync(patience.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        bool isQuiet = core.InFlight == 0;
        await EndAsync().ConfigureAwait(false);
        return isQuiet;
    }

    /// <summary>
    /// Cancels what is under way, which goes back to the store, uncharged. Throws nothing. Code that does not heed its token has <see cref="RunOptions.StopTimeout"/>, then the store has <see cref="ConsecutorOptions.LeaseDuration"/>:
    /// after that others take over anyway.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        await patience.CancelAsync().ConfigureAwait(false); // a stop that is under way waits no longer
        if (TryEnterStopping()) await EndAsync().ConfigureAwait(false);
        else
        {
            await Completion.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await EndSendersAsync().ConfigureAwait(false); // also of one that was never started
        }
        if (ownsStore) await core.Store.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>Ends as a process does that is killed: nobody is told, the store least of all. For tests, which have to go on in the same process.</summary>
    /// <returns>A task that ends when nothing of it is at work any more.</returns>
    internal async Task AbandonAsync()
    {
        lock (sync) state = ConsecutorStatus.Stopped;
        LocalMembers.Of(core.Given).Leave(core, place);
        core.Members.Drop();
        core.Drop();
        core.StopWaiting();
        run?.Cancel();
        core.Entrances.Close();
        await committing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (run is not null) await run.Completion.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await core.Entrances.Completion.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        ended.TrySetResult();
    }

    /// <returns>Null if it runs from here on; else who runs in its place.</returns>
    private LocalMember? TryBegin()
    {
        lock (sync)
        {
            if (state is not ConsecutorStatus.Created) throw new InvalidOperationException($"The consecutor {Name} was started before ({state}). Make another one to go on.");
            if (LocalMembers.Of(core.Given).TryEnter(core, place) is { } other) return other;
            state = ConsecutorStatus.Running;
            return null;
        }
    }

    private InvalidOperationException IsRunningAlready(LocalMember other) => new(
        $"A consecutor {Name} is at work in this process already ({other.State()}), over the same store and as the same member '{Member}': this one would take everything from it. "
        + "Stop that one first; or, if they are to share the work, give each its own ConsecutorOptions.InstanceId.");

    private ConsecutorStatus State
    {
        get { lock (sync) return state; }
    }

    private bool TryEnterStopping()
    {
        lock (sync)
        {
            if (state is ConsecutorStatus.Stopping or ConsecutorStatus.Stopped or ConsecutorStatus.Failed) return false;
            bool wasStarted = state != ConsecutorStatus.Created;
            state = wasStarted ? ConsecutorStatus.Stopping : ConsecutorStatus.Stopped;
            if (wasStarted) return true;
        }
        core.Drop();
        ended.TrySetResult();
        return false;
    }
}
