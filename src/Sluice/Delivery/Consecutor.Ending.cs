namespace Sluice;

// How a consecutor ends, and what is given up when there is no more time. Locking rule: `state` and `asked` under `sync`; everything is awaited outside of it.
public sealed partial class Consecutor<T>
{
    private static readonly TimeSpan MaxRest = TimeSpan.FromSeconds(1);

    private readonly CancellationTokenSource patience; // of a stop, with what is under way
    private readonly CancellationTokenSource grace;  // of a stop with a deadline, with code that does not heed its token
    private TimeSpan? asked;                         // the deadline of the stop
    private Exception? stopFailure;                  // what has failed while it was stopping

    /// <summary>Divides the time of a stop: the last tenth of it, a second at most, is for what does not end by itself, and for giving back.</summary>
    private void EndWithin(TimeSpan limit)
    {
        if (limit == TimeSpan.Zero)
        {
            patience.Cancel();
            return;
        }
        lock (sync) asked = limit;
        TimeSpan rest = limit / 10 < MaxRest ? limit / 10 : MaxRest;
        patience.CancelAfter(limit - rest);
        grace.CancelAfter(limit - (rest / 2));
        core.GiveUpWithin(limit);
    }

    private async Task EndAsync()
    {
        await EndRunsAsync().ConfigureAwait(false);
        Exception? failure = null;
        try
        {
            await GiveBackAsync().ConfigureAwait(false);
        }
        catch (Exception e)
        {
            // What was not given back is found silent, and taken.
            failure = e is ObjectDisposedException closed ? core.StoreClosed(closed) : e is OperationCanceledException && core.GivenUp.IsCancellationRequested ? CutOff() : e;
            core.Problem = FailureText.Of(failure);
            core.Warn(core.Problem);
        }
        core.Drop();
        core.Members.Drop();
        await EndSendersAsync().ConfigureAwait(false);
        LocalMembers.Of(core.Given).Leave(core, place);
        lock (sync)
        {
            if (state != ConsecutorStatus.Failed) state = ConsecutorStatus.Stopped;
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
        // Runs end within their grace; those of a stop with a deadline are left behind before that.
        if (run is not null) await run.Completion.WaitAsync(grace.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await core.Entrances.Completion.WaitAsync(grace.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>Gives everything back, uncharged. Ends when the store, or a sink, has had its time.</summary>
    private async Task GiveBackAsync()
    {
        core.GiveUpWithin(core.Options.LeaseDuration);
        core.Committer.End();
        await committing.WaitAsync(core.GivenUp).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await core.Members.StopTakingAsync().WaitAsync(core.GivenUp).ConfigureAwait(false);
        foreach (SinkBinding sink in core.Sinks) await sink.EndAsync().AsTask().WaitAsync(core.GivenUp).ConfigureAwait(false);
        await core.Members.LeaveAsync().WaitAsync(core.GivenUp).ConfigureAwait(false);
    }

    private TimeoutException CutOff()
    {
        List<string> left = [];
        if (run is { IsOver: false }) left.Add("code that does not heed its CancellationToken still runs");
        else if (run?.StillRunning is { Count: > 0 } nodes) left.Add($"code of {string.Join(", ", nodes)} that does not heed its CancellationToken still runs");
        if (core.InFlight is > 0 and var items) left.Add($"{items:N0} items were under way");
        if (core.Owned is { Length: > 0 } owned) left.Add($"the partitions {string.Join(", ", owned.Select(static partition => partition.Number).Order())} were not given back");
        TimeSpan? limit;
        lock (sync) limit = asked;
        return new($"The consecutor {Name} was to stop within {limit ?? core.Options.LeaseDuration}, and the store did not answer in that time: {(left.Count > 0 ? string.Join("; ", left) : $"the member {Member} could not leave")}. "
            + "Nothing is lost: the next owner goes on where the store is. Another member takes over when this one has been silent for the lease time.");
    }

    /// <summary>Whether the present flow of execution is that of a handler: who waits for the consecutor there waits for itself.</summary>
    private bool IsInside => PipelineRun.IsInside(run) || PipelineRun.IsInside(core.Entrances.Run);

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

    /// <summary>Something has failed that is not about an item: what is under way goes back to the store.</summary>
    private void Fail(Exception cause) => Fail(cause, isTold: false);

    private void Fail(Exception cause, bool isTold)
    {
        bool isStopping;
        lock (sync)
        {
            if (state is ConsecutorStatus.Stopped or ConsecutorStatus.Failed) return;
            isStopping = state == ConsecutorStatus.Stopping;
            if (isStopping) stopFailure ??= cause;
            else state = ConsecutorStatus.Failed;
        }
        core.Problem = FailureText.Of(cause);
        if (isStopping) patience.Cancel();           // what the stop waits for will not end any more
        else _ = EndFailedAsync(cause, isTold);
    }

    /// <summary>Whoever asks is told; nobody has to.</summary>
    private void EndWith(Exception cause)
    {
        ended.TrySetException(cause);
        _ = Completion.Exception;
    }

    private async Task EndFailedAsync(Exception cause, bool isTold)
    {
        if (!isTold) core.Warn($"The consecutor {Name} has failed, and takes up nothing more: {FailureText.Of(cause)}");
        await EndQuietlyAsync().ConfigureAwait(false);
        LocalMembers.Of(core.Given).Leave(core, place);
        EndWith(cause);

        async Task EndQuietlyAsync()
        {
            await EndRunsAsync().ConfigureAwait(false);
            try
            {
                await GiveBackAsync().ConfigureAwait(false);          // also what a sink has for itself: whoever starts next needs it
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
            core.StopWaiting();
        }
    }
}
