using Sluice.Delivery;
using Sluice.Diagnostics;
using Sluice.Policies;
using Sluice.Scheduling;

namespace Sluice;

// The end of a consecutor, and the limits on its time. Locking rule: `state` and `asked` under `sync`; awaits happen outside of it.
public sealed partial class Consecutor<T>
{
    private static readonly TimeSpan MaxRest = TimeSpan.FromSeconds(1);

    private readonly CancellationTokenSource stopDeadline; // a stop's, with items in flight
    private readonly CancellationTokenSource grace;  // a stop's with a deadline, with code that ignores its token
    private readonly CancellationTokenSource lastWait; // a stop's with a deadline, with commits and sinks, before the releases
    private TimeSpan? asked;                         // the deadline of the stop; under sync
    private Exception? stopFailure;                  // the first failure while stopping; under sync

    /// <summary>Divides the time of a stop: the last tenth, at most one second, is for code that ignores its token and for releasing
    /// partitions. A deadline that is later than the present one changes nothing.</summary>
    private void EndWithin(TimeSpan limit)
    {
        if (limit == TimeSpan.Zero)
        {
            stopDeadline.Cancel();
            return;
        }
        TimeSpan rest = limit / 10 < MaxRest ? limit / 10 : MaxRest;
        lock (sync)
        {
            if (!core.Lifetime.GiveUpWithin(limit)) return;
            asked = limit;
            stopDeadline.CancelAfter(limit - rest);
            grace.CancelAfter(limit - (rest / 2));
            lastWait.CancelAfter(limit - (rest / 4));
        }
    }

    private async Task EndAsync()
    {
        await EndStartAsync().ConfigureAwait(false);
        await EndRunsAsync().ConfigureAwait(false);
        Exception? failure = null;
        try
        {
            await GiveBackAsync().ConfigureAwait(false);
            if (LeftBehind is { } code)
                core.Lifetime.Warn($"The consecutor {Name} has stopped, and {code}. Its items "
                    + (ownsStore ? "are lost: there is no store." : "went back and are started again."));
        }
        catch (Exception e)
        {
            // Other members acquire the unreleased partitions after the lease duration.
            failure = e is ObjectDisposedException closed ? core.Lifetime.StoreClosed(closed) : e is OperationCanceledException
                && core.Lifetime.GivenUp.IsCancellationRequested ? CutOff() : e;
            core.Problems.AtEnd = FailureText.Of(failure);
            core.Lifetime.Warn(FailureText.Of(failure));
        }
        core.Drop();
        core.Members.Drop();
        await EndSendersAsync().ConfigureAwait(false);
        LocalMembers.Of(core.Given).Leave(core.Identity, place);
        lock (sync)
        {
            if (state != ConsecutorStatus.Failed) state = ConsecutorStatus.Stopped;
            failure = stopFailure ?? failure;
        }
        if (failure is null) ended.TrySetResult();
        else EndWith(failure);
    }

    /// <summary>Cuts a start short that is under way: what it makes has to be given back.</summary>
    private async Task EndStartAsync()
    {
        await stopsStart.CancelAsync().ConfigureAwait(false);
        if (startEnded.Task.IsCompleted) return;
        run?.Cancel();                               // it has no items yet, and ends meanwhile
        core.Lifetime.GiveUpWithin(core.Options.LeaseDuration);       // the code of a sink may not heed its token
        await ForAWhileAsync(startEnded.Task).ConfigureAwait(false);
    }

    private async Task EndRunsAsync()
    {
        core.Pump.IsLeasing = false;
        core.Committer.Hurry();                      // the run may wait for commits in order to acquire partitions
        run?.Cancel();
        core.Entrances.Close();
        // A run ends within its own grace; a stop with a deadline may leave it behind earlier.
        if (run is not null) await run.Completion.WaitAsync(grace.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await core.Entrances.Completion.WaitAsync(grace.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        // Their watchers may see the failure only when the consecutor has stopped, and nothing would be told.
        foreach (Task? one in (Task?[])[run?.Completion, core.Entrances.Completion])
            if (one?.Exception?.InnerException is { } failure) Fail(failure);
    }

    /// <summary>Ends the sinks and releases the partitions, at no cost of attempts. Gives up when the time of the store is over.</summary>
    /// <remarks>Neither a sink nor a commit whose answer is missing takes the time that the releases need: a commit that is answered later
    /// is applied or stale, and a sink ends when its call has returned. The sinks end first if they can, so that the next owner finds no
    /// lock of theirs; else they have the time that is left.</remarks>
    private async Task GiveBackAsync()
    {
        core.Lifetime.GiveUpWithin(core.Options.LeaseDuration);
        core.Committer.End();
        await ForAWhileAsync(committing).ConfigureAwait(false);
        await ForAWhileAsync(core.Members.StopTakingAsync()).ConfigureAwait(false);        // acquiring a partition begins the sinks
        (SinkBinding Sink, Task End)[] sinks = [.. core.Sinks.All.Select(sink => (sink, EndSinkAsync(sink)))];
        Task ends = Task.WhenAll(sinks.Select(static one => one.End)).Observed();
        await ForAWhileAsync(ends).ConfigureAwait(false);
        try
        {
            await core.Members.LeaveAsync().WaitAsync(core.Lifetime.GivenUp).ConfigureAwait(false);
        }
        finally
        {
            await ends.WaitAsync(core.Lifetime.GivenUp).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        List<string> silent = [];
        foreach (var (sink, end) in sinks)
        {
            if (end.IsCompleted) await end.ConfigureAwait(false);
            else if (sink.EndWaitsFor is { } method) silent.Add($"{method} of the sink {sink.Node} has not returned");
            _ = end.Observed();
        }
        if (silent.Count > 0)
            throw new TimeoutException($"The consecutor {Name} has stopped, and {string.Join(" and ", silent)}"
                + (LeftBehind is { } code ? $", and {code}. " : ". ")
                + (ownsStore ? "" : "Its partitions were given back, and items in flight are started again. ")
                + "A sink ends when its call has returned.");
    }

    /// <summary>Waits for something a part of the store's time, and leaves the end of the deadline to the releases. Throws nothing.
    /// </summary>
    private async Task ForAWhileAsync(Task something)
        => await something.WaitAsync(core.Options.LeaseDuration / 4, core.Time, lastWait.Token)
            .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

    private async Task EndSinkAsync(SinkBinding sink)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);          // the code may block its thread
        try
        {
            await sink.EndAsync(committing.WaitAsync(core.Lifetime.GivenUp)).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"The sink {sink.Node} has failed at its end: {FailureText.Of(e)}", e);
        }
    }

    /// <summary>Whether the caller runs inside a handler or a sink of this consecutor: waiting for the consecutor there would never
    /// end.</summary>
    private bool IsInside => PipelineRun.IsInside(run) || PipelineRun.IsInside(core.Entrances.Run)
        || (SinkBinding.OfFlow is { } sink && core.Sinks.All.Contains(sink));

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

    private async Task WatchAsync(PipelineRun started)
    {
        await started.Completion.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (started.Completion.Exception is { } failure) Fail(failure.InnerException!);
    }

    /// <summary>Whether this member acquires partitions and leases. For tests: false makes a member that lives and takes nothing.</summary>
    internal bool TakesWork
    {
        set => core.Pump.IsLeasing = value;
    }

    /// <summary>Ends as a killed process does, without a word to the store. For tests that go on in the same process.</summary>
    /// <returns>A task that ends when no code of the consecutor runs any more.</returns>
    internal async Task AbandonAsync()
    {
        lock (sync) state = ConsecutorStatus.Stopped;
        LocalMembers.Of(core.Given).Leave(core.Identity, place);
        core.Members.Drop();
        core.Drop();
        core.Lifetime.StopWaiting();
        run?.Cancel();
        core.Entrances.Close();
        await committing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (run is not null) await run.Completion.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await core.Entrances.Completion.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await core.Members.StopTakingAsync().ConfigureAwait(false);       // acquiring a partition begins the sinks
        ended.TrySetResult();
    }

    /// <summary>Ends the consecutor after a failure that no single item caused. Items in flight go back to the store.</summary>
    private void Fail(Exception cause) => Fail(cause, isTold: false);

    private void Fail(Exception cause, bool isTold)
    {
        bool isStopping, isFirst, hasStart;
        lock (sync)
        {
            if (state is ConsecutorStatus.Stopped or ConsecutorStatus.Failed) return;
            hasStart = state != ConsecutorStatus.Created;
            isStopping = state == ConsecutorStatus.Stopping;
            isFirst = stopFailure is null;
            if (isStopping) stopFailure ??= cause;
            else state = ConsecutorStatus.Failed;
        }
        core.Problems.AtEnd = FailureText.Of(cause);
        if (isStopping)
        {
            // StopAsync does not throw it: for example the DisposeAsync of a node has failed.
            if (isFirst && !isTold) core.Lifetime.Warn($"The consecutor {Name} has failed while it stopped: {FailureText.Of(cause)}");
            stopDeadline.Cancel();                       // the items that the stop waits for will not end any more
            return;
        }
        core.Lifetime.Cause = cause;
        local?.Close();
        _ = EndFailedAsync(cause, isTold, hasStart);
    }

    /// <summary>Faults <see cref="Completion"/> and observes its exception, so that an unawaited completion raises no event.</summary>
    private void EndWith(Exception cause)
    {
        ended.TrySetException(cause);
        _ = Completion.Exception;
    }

    private async Task ThrowIfStartEndsAsync()
    {
        // The state says so a moment before the end of the start, which is sure to come then.
        if (State == ConsecutorStatus.Failed) await Task.Delay(Timeout.InfiniteTimeSpan, core.Time, stopsStart.Token).ConfigureAwait(false);
        stopsStart.Token.ThrowIfCancellationRequested();
    }

    private async Task EndFailedAsync(Exception cause, bool isTold, bool hasStart)
    {
        if (!isTold) core.Lifetime.Warn($"The consecutor {Name} has failed, and leases nothing more: {FailureText.Of(cause)}");
        await EndQuietlyAsync().ConfigureAwait(false);
        LocalMembers.Of(core.Given).Leave(core.Identity, place);
        EndWith(cause);

        async Task EndQuietlyAsync()
        {
            if (hasStart) await EndStartAsync().ConfigureAwait(false);
            await EndRunsAsync().ConfigureAwait(false);
            try
            {
                await GiveBackAsync().ConfigureAwait(false);          // also the locks of sinks, which the next start needs
            }
            catch (ObjectDisposedException) when (cause.InnerException is ObjectDisposedException)
            {
                // The closed store was the cause of the failure.
            }
            catch (Exception e)
            {
                core.Problems.Latest += $"; and not everything could be given back: {FailureText.Of(e)}";
            }
            core.Members.Drop();
            core.Drop();
            core.Lifetime.StopWaiting();
        }
    }

    private InvalidOperationException IsRunningAlready(LocalMember other) => new(
        $"A consecutor {Name} is at work in this process already ({other.State()}), over the same store and as the same "
            + $"member '{Member}': this one would take everything from it. "
        + "Stop that one first; or, if they are to share the work, give each its own ConsecutorOptions.InstanceId.");
}
