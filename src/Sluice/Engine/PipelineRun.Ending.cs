namespace Sluice;

// How a run ends: by itself, by a failure or a cancellation. How it is drained: PipelineRun.Drain.cs.
public sealed partial class PipelineRun
{
    /// <summary>A pump, or what <see cref="TryBegin"/> let in, has ended; the last one ends the run.</summary>
    internal void PumpEnded()
    {
        if (Interlocked.Decrement(ref active) > 0) return;
        if (nodes is not null) _ = DisposeNodesAsync();
        else End();
    }

    /// <summary>Something has failed: the first failure is the run's, and everything stops.</summary>
    internal void Fail(Exception cause, int node)
    {
        if (cause is RunStoppedException || (cause is OperationCanceledException && stopping)) return;
        Stop(cause as PipelineException ?? new PipelineException(NameOf(node), null, cause, node));
    }

    /// <summary>Something has failed that no stage was waiting for: an <c>async void</c> method of the user's.</summary>
    private void FailOutside(Exception cause) => Stop(new PipelineException("async void", null, cause));

    /// <returns>Whether this is what stopped the run.</returns>
    private bool Stop(Exception? cause)
    {
        lock (sync)
        {
            if (stopping || ending) return false;
            failure = cause;
            stopping = true;
        }
        foreach (Pump pump in pumps) (pump as IUpstream)?.Stop();
        foreach (IBoundary boundary in Boundaries) boundary.Abort();
        foreach (Action action in OnStop) action();
        CancelQuietly(stopSource);
        CancelQuietly(sourceStopSource);
        Outputs.Complete(cause);
        lock (sync)
        {
            if (!ending && Volatile.Read(ref active) > 0) grace = Time.CreateTimer(static run => ((PipelineRun)run!).End(), this, options.StopTimeout, Timeout.InfiniteTimeSpan);
        }
        return true;
    }

    /// <summary>A callback that somebody registered on the token may throw: that is a failure of the run like any other.</summary>
    internal void CancelQuietly(CancellationTokenSource? source)
    {
        try
        {
            source?.Cancel();
        }
        catch (AggregateException e)
        {
            lock (sync) failure ??= new PipelineException("cancellation callback", null, e.InnerException ?? e);
        }
    }

    private async Task DisposeNodesAsync()
    {
        foreach (INodeLifetime node in Nodes)
        {
            try
            {
                await node.DisposeAsync();
            }
            catch (Exception e)
            {
                lock (sync) failure ??= e as PipelineException ?? new PipelineException(NameOf(node.Node), null, e, node.Node);
            }
        }
        End();
    }

    private void End()
    {
        outside.Unregister();
        lock (sync)
        {
            if (ending) return;
            ending = true;
            grace?.Dispose();
            endedAt = Time.GetTimestamp();
        }
        watchdog?.Dispose();
        if (outputs is not null || options.Outputs.Count > 0) Outputs.Complete(failure);
        Telemetry.RunEnded(this, HowItEnded, failure);
        over = true;
        Interlocked.MemoryBarrier();                 // before looking whether somebody waits
        if (Volatile.Read(ref completion) is { } asked) Complete(asked);
        else if (failure is not null) CompletionTask();          // if nobody ever asks, TaskScheduler.UnobservedTaskException tells of it
    }

    // A run that is over before anybody asks, as those of one thread are, needs no task of its own.
    private Task CompletionTask()
    {
        if (over && HowItEnded == RunStatus.Completed) return Task.CompletedTask;
        TaskCompletionSource asked = LazyInitializer.EnsureInitialized(
            ref completion, static () => new(TaskCreationOptions.RunContinuationsAsynchronously));
        if (over) Complete(asked);                   // the end may not have seen it
        return asked.Task;
    }

    private void Complete(TaskCompletionSource asked)
    {
        if (failure is not null) asked.TrySetException(failure);
        else if (stopping) asked.TrySetCanceled(new CancellationToken(canceled: true));
        else asked.TrySetResult();
    }

    private IReadOnlyList<string> NodesStillRunning()
    {
        IEnumerable<string> left = abandoned is null ? [] : abandoned.Values.SelectMany(Recorder.HeadsOf).Select(NameOf);
        return [.. new Islands(this, Recorder).NamesOfBusy(this).Concat(left).Distinct()];
    }
}
