using Sluice.Delivery;
using Sluice.Diagnostics;
using Sluice.Policies;
using Sluice.Scheduling;

namespace Sluice;

// Start and stop of a consecutor. Locking rule: `state` under `sync`; awaits happen outside of it.
public sealed partial class Consecutor<T>
{
    private readonly LocalMember place;            // among the members of this process
    private static readonly TimeSpan MaxLook = TimeSpan.FromSeconds(1);        // in real time

    private readonly CancellationTokenSource stopsStart = new();       // a stop cuts a start short
    private bool hasToldOfInside;                  // of a disposal
    private bool hasToldOfLost;                    // items
    private readonly TaskCompletionSource startEnded = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Task? starting;                        // under sync

    /// <summary>Starts the consecutor: it acquires its share of the partitions and resumes their pending items. Free partitions are
    /// acquired at once; partitions of a dead owner, when the owner has been silent for the lease duration.</summary>
    /// <exception cref="InvalidOperationException">
    /// The consecutor was started before. Or the code would forget or misread stored state, which the message lists (declare renamed and
    /// dropped nodes with <see cref="StateChange"/>). Or the stream was made with another number of
    /// partitions. Or another consecutor of this name runs in this process, over the same store and with the same
    /// <see cref="ConsecutorOptions.InstanceId"/>: start this one when the other one has ended. Or the consecutor failed while it started.
    /// </exception>
    /// <exception cref="MemberInUseException">Another living process has the same <see cref="ConsecutorOptions.InstanceId"/>, or a
    /// consecutor of this process over another object of the same store.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled, or the consecutor was stopped or disposed while it started.
    /// After a start that was cancelled in the middle, the consecutor ends as after a stop; make another one.</exception>
    /// <exception cref="PipelineException">The file or the database of a sink cannot be opened, or lacks what is committed.</exception>
    /// <exception cref="StreamStoreException">The store failed.</exception>
    public Task StartAsync(CancellationToken cancellation = default)
    {
        Task begun = BeginAsync(cancellation);
        lock (sync)
            if (starting is null or { IsFaulted: true } or { IsCanceled: true }) starting = begun;
        return begun;
    }

    private async Task BeginAsync(CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, stopsStart.Token);
        while (TryBegin() is { } other)
        {
            // A failed consecutor releases its partitions by itself: its successor waits for that instead of being refused.
            if (other.State() != ConsecutorStatus.Failed) throw IsRunningAlready(other);
            await other.Completion.WaitAsync(either.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            cancellation.ThrowIfCancellationRequested();
            if (stopsStart.IsCancellationRequested) throw StoppedWhileStarting(null);
        }
        try
        {
            await RunAllAsync(either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (stopsStart.IsCancellationRequested && core.Lifetime.Cause is not null)
        {
            throw core.Lifetime.Over();              // it has failed meanwhile, for example by a heartbeat
        }
        catch (OperationCanceledException e) when (stopsStart.IsCancellationRequested)
        {
            throw StoppedWhileStarting(e);
        }
        catch (OperationCanceledException e) when (cancellation.IsCancellationRequested)
        {
            startEnded.TrySetResult();
            _ = StopToEndAsync(TimeSpan.Zero, CancellationToken.None);       // gives back what the start has acquired; throws nothing
            throw new OperationCanceledException($"The start of the consecutor {Name} was cancelled, so it has processed nothing. Make "
                + "another one to start it.", e, cancellation);
        }
        catch (Exception e)
        {
            Fail(e, isTold: true);
            throw;
        }
        finally
        {
            startEnded.TrySetResult();
        }
    }

    private OperationCanceledException StoppedWhileStarting(Exception? cut)
    {
        string text = $"The consecutor {Name} was stopped or disposed while it started, so it has processed nothing. Await StartAsync "
            + "first. What was accepted stays in a durable store for the next start.";
        core.Lifetime.Warn(text);
        return new(text, cut, stopsStart.Token);
    }

    private async Task RunAllAsync(CancellationToken cancellation)
    {
        await core.OpenAsync(cancellation, again: true).ConfigureAwait(false); // outputs may have been wired since the first time
        if (!ownsStore) await core.StateCheck.CheckAllAsync(cancellation).ConfigureAwait(false);
        await core.Members.StartAsync(cancellation).ConfigureAwait(false);
        if (core.Store.Loss is { } loss)                             // noticed when the store was opened
            core.Lifetime.Warn($"The consecutor {Name}: {loss} Send the lost items again from where they came, and see that the store "
                + "keeps what it acknowledges.");
        var following = new ItemTracking(core)
        {
            Name = Name,
            IsTraced = local is null && Telemetry.IsTraced,
            OnWarning = core.Options.OnWarning,
            Outputs = core.Outputs,
            KeepsOrder = core.Rounds is not null,
            DividesLists = core.Options.Delivery.Level != DeliveryLevel.None
        };
        core.Following = following;
        PipelineRun started = pipeline.Start(core.Options.Run with { Following = following, TrackItems = true }, CancellationToken.None);
        run = started;
        await core.Members.BeginSinksAsync(cancellation).ConfigureAwait(false);
        await ThrowIfStartEndsAsync().ConfigureAwait(false);
        cancellation.ThrowIfCancellationRequested();     // the code of a sink may not heed its token
        committing = Detached.Run(CommitAsync);          // for the life of the consecutor, not of this call
        _ = WatchAsync(started);
        BacklogTelemetry.Started(core.Observed);
        _ = UnobserveAsync();
        // A failure of the run is one after the start: Completion has it.
        if (core.Lifetime.Cause is null) stopsStart.Token.ThrowIfCancellationRequested();
        core.Pump.IsLeasing = State == ConsecutorStatus.Running;
    }

    private async Task UnobserveAsync()
    {
        await Completion.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        BacklogTelemetry.Ended(core.Observed);
    }

    /// <summary>Stops gracefully: leasing ends, items in flight end and are committed, also windows and timers that have come out by time,
    /// and partitions are released. A stop costs no item an attempt.</summary>
    /// <remarks>
    /// <para>End hooks of nodes are not called, because the input has not ended.</para>
    /// <para>
    /// A deadline of more than zero holds regardless of the store and your code. Its last tenth, at most one second, is reserved for
    /// releasing: items that are still in flight are cancelled and go back to the store. Partitions that are not released at the deadline
    /// stay safe: their next owner voids the unfinished work. <see cref="Completion"/> then faults with a <see cref="TimeoutException"/>
    /// that lists the unfinished work, a warning says the same (<see cref="ConsecutorOptions.OnWarning"/>), and another member has to wait
    /// for the lease duration.
    /// </para>
    /// <para>Without a store, the stop also waits for the items that the consecutor has accepted and not begun. It refuses sends from its
    /// begin on, also those of handlers, whose items then fail. Accepted items are lost, and a warning says how many, if the
    /// consecutor is paused, if a deadline cuts them off, or if it keeps state or has a <see cref="TransactionalSink{T}"/>: then the stop
    /// waits for the items in flight only.</para>
    /// <para>Without a deadline, the stop waits for the items in flight as long as they take. Then the store has
    /// <see cref="ConsecutorOptions.LeaseDuration"/> to take everything back.</para>
    /// </remarks>
    /// <param name="deadline">The most time that the stop may take; unlimited by default, as with <see cref="Timeout.InfiniteTimeSpan"/>.
    /// Zero cancels the items in flight at once, as <see cref="DisposeAsync"/> does, and the stop may take the same time: at most
    /// <see cref="RunOptions.StopTimeout"/> and <see cref="ConsecutorOptions.LeaseDuration"/>. During a stop, a second call may set an
    /// earlier deadline, and <see cref="DisposeAsync"/> cuts the stop short.</param>
    /// <param name="cancellation">Cancels the items in flight from then on, as a deadline of zero does. The stop still goes to its end,
    /// which may take as long as with zero. A host passes its shutdown token.</param>
    /// <returns>Whether all items in flight have ended and, without a store, all accepted items.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The deadline is negative, or more than 49 days.</exception>
    /// <exception cref="InvalidOperationException">A handler or a sink of this consecutor called the method, or work that a handler has
    /// started (<c>Task.Run</c>, a timer) without <see cref="ExecutionContext.SuppressFlow"/>. The stop has begun, but a handler that
    /// awaited it would wait for its own item.</exception>
    public Task<bool> StopAsync(TimeSpan? deadline = null, CancellationToken cancellation = default)
    {
        Task<bool> stopped = StopToEndAsync(deadline, cancellation);
        if (!IsInside || stopped.IsCompleted) return stopped;
        _ = stopped.Observed();
        var told = Task.FromException<bool>(new InvalidOperationException(
            $"StopAsync of the consecutor {Name} was called inside of one of its own handlers or sinks. The stop has begun, but it cannot "
                + "be awaited there: it would wait for its own item, without end. Await it outside, or leave out the await. "
                + PipelineRun.OfStarted));
        _ = told.Observed();
        return told;
    }

    private async Task<bool> StopToEndAsync(TimeSpan? deadline, CancellationToken cancellation)
    {
        if (deadline is { } limit && limit != Timeout.InfiniteTimeSpan)
            EndWithin(Waits.Check(limit, nameof(deadline)));             // also of a stop that has begun before
        using CancellationTokenRegistration cutting = cancellation.UnsafeRegister(
            static self => ((Consecutor<T>)self!).EndWithin(TimeSpan.Zero), this);
        if (!TryEnterStopping())
        {
            await Completion.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return !TellLost() && core.InFlight.Count == 0;
        }
        core.Committer.Hurry();
        // Items of a consecutor without a store cannot go back to one: those that it has accepted still go through, and those that fail
        // meanwhile become dead letters.
        if (local is null || !core.Pump.MayBegin) core.Pump.Stop();
        while (((core.Pump.MayBegin && (local!.HasItems || core.Ledger.HasPending)) || IsAtWork)
            && !stopDeadline.IsCancellationRequested && !core.Lifetime.Token.IsCancellationRequested)
            await core.InFlight.Quiet.WaitAsync().WaitAsync(stopDeadline.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        bool isQuiet = !IsAtWork;
        await EndAsync().ConfigureAwait(false);
        return !TellLost() && isQuiet;
    }

    /// <summary>
    /// Cancels the items in flight, which go back to the store at no cost of attempts. Throws nothing. Code that ignores its token has
    /// <see cref="RunOptions.StopTimeout"/>, then the store has <see cref="ConsecutorOptions.LeaseDuration"/>. After that, other members
    /// take over anyway. A handler of the consecutor that awaits the disposal is such code: a warning says so.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        if (IsInside && !Completion.IsCompleted && !Interlocked.Exchange(ref hasToldOfInside, true))
            core.Lifetime.Warn($"DisposeAsync of the consecutor {Name} was called inside of one of its own handlers or sinks. Code that "
                + "awaits it there and the disposal wait for each other until StopTimeout has passed: dispose it outside.");
        await stopDeadline.CancelAsync().ConfigureAwait(false); // a stop that has begun before waits no longer
        bool wasRunning = State == ConsecutorStatus.Running && core.Pump.PausedAt is null;
        if (TryEnterStopping())
        {
            await EndAsync().ConfigureAwait(false);
            if (wasRunning && Completion.IsCompletedSuccessfully) await TellLeftAsync().ConfigureAwait(false);
        }
        else
        {
            await Completion.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await EndSendersAsync().ConfigureAwait(false); // also if the consecutor was never started
        }
        if (!ownsStore) return;
        TellLost();
        await core.Store.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>Warns once of accepted items that end with a consecutor that has no store.</summary>
    /// <returns>Whether there are such items.</returns>
    private bool TellLost()
    {
        if (!ownsStore) return false;
        local?.Count();
        ConsecutorSnapshot end = core.Ledger.Snapshot(Name, Status, null, null, null);
        long lost = end.Pending + end.InFlight + end.Retrying + end.Parked + end.Suspect;
        if (lost == 0) return false;
        if (!Interlocked.Exchange(ref hasToldOfLost, true))
            core.Lifetime.Warn($"{lost:N0} accepted {(lost == 1 ? "item" : "items")} of {Name} {(lost == 1 ? "is" : "are")} lost: the "
                + "consecutor has no store (ConsecutorOptions.Store), and " + (State == ConsecutorStatus.Failed
                    ? "has failed before they had ended. A durable store keeps them for the next start." : "was stopped or disposed before "
                    + "they had ended. WaitForIdleAsync waits until all items have ended; ResumeAsync ends a pause."));
        return true;
    }

    /// <summary>Warns of items that wait in a store that outlives the process. Not after a stop, which is meant, and not if other members
    /// work on the items.</summary>
    private async Task TellLeftAsync()
    {
        ConsecutorSnapshot end = Snapshot();
        if (Store.Durability.Level == 0 || end.IsIdle) return;
        try
        {
            // The last call of the stop was answered; a store that hangs now must not hold the disposal up.
            GroupInfo? group = await core.Given.FindGroupAsync(core.Group).AsTask().WaitAsync(MaxLook, core.Time).ConfigureAwait(false);
            if (group is null || group.Members.Any(member => member.Name != Member)) return;
        }
        catch (Exception e) when (e is StreamStoreException or ObjectDisposedException or OperationCanceledException or TimeoutException)
        {
            return;                                  // what the store has is not known
        }
        long left = end.Pending + end.InFlight + end.Retrying + end.Parked + end.Suspect;
        core.Lifetime.Warn($"{left:N0} accepted {(left == 1 ? "item" : "items")} of {Name} {(left == 1 ? "waits" : "wait")} in the store: "
            + "the consecutor was disposed before. The next start goes on. WaitForIdleAsync waits until all items have ended; StopAsync "
            + "stops on purpose.");
    }

    /// <returns>Null if this consecutor runs from here on; otherwise the member that runs in its place.</returns>
    private LocalMember? TryBegin()
    {
        lock (sync)
        {
            if (state is not ConsecutorStatus.Created)
                throw new InvalidOperationException(state is ConsecutorStatus.Running
                    ? $"The consecutor {Name} is running already: call StartAsync once."
                    : $"The consecutor {Name} was started before ({state}), and cannot be started again. Make another one to go on.");
            if (LocalMembers.Of(core.Given).TryEnter(core.Identity, place) is { } other) return other;
            state = ConsecutorStatus.Running;
            (core.Sends.OnLongWait, core.Sends.WarnAfter) = (WarnOfStandstill, PendingSends.LongStandstill);
            return null;
        }
    }

    private ConsecutorStatus State
    {
        get { lock (sync) return state; }
    }

    private bool TryEnterStopping()
    {
        bool wasStarted;
        lock (sync)
        {
            if (state is ConsecutorStatus.Stopping or ConsecutorStatus.Stopped or ConsecutorStatus.Failed) return false;
            wasStarted = state != ConsecutorStatus.Created;
            state = wasStarted ? ConsecutorStatus.Stopping : ConsecutorStatus.Stopped;
        }
        if (!wasStarted)
        {
            core.Drop();
            stopsStart.Cancel();                     // it may wait for its predecessor
        }
        local?.Close();
        if (!wasStarted) ended.TrySetResult();
        return wasStarted;
    }
}
