using Sluice.Diagnostics;
using Sluice.Scheduling;

namespace Sluice;

// How a run ends: by itself, by a failure, or by cancellation. PipelineRun.Drain.cs has the drain.
public sealed partial class PipelineRun
{
    /// <summary>A pump, or work that <see cref="TryBegin"/> admitted, has ended; the last one ends the run.</summary>
    internal void PumpEnded()
    {
        if (Interlocked.Decrement(ref active) > 0) return;
        if (nodes is not null) _ = DisposeNodesAsync();
        else End();
    }

    /// <summary>Fails the run with its first failure, and stops everything. Later failures are ignored.</summary>
    internal void Fail(Exception cause, int node)
    {
        if (cause is RunStoppedException || (cause is OperationCanceledException && stopping)) return;
        Stop(cause as PipelineException ?? new PipelineException(NameOf(node), null, cause, node));
    }

    /// <summary>While the run drains: fails it at its end, and lets it go on until then. For the failure of a source, which has nothing
    /// more to produce.</summary>
    /// <returns>False if the run does not drain: then it is to fail at once.</returns>
    internal bool FailAtEnd(Exception cause, int node)
    {
        lock (sync)
        {
            if (!draining || stopping || ending) return false;
            postponed ??= cause as PipelineException ?? new PipelineException(NameOf(node), null, cause, node);
            return true;
        }
    }

    /// <summary>Fails the run because of an exception that no stage awaits: from an <c>async void</c> method of user code.</summary>
    void ITakesFailures.FailOutside(Exception cause) => Stop(new PipelineException("async void", null, cause));

    /// <summary>What the readers of outputs are told; null for the end of a complete run.</summary>
    private Exception? EndOfOutputs => failure
        ?? (stopping ? new OperationCanceledException("The run was cancelled.", new CancellationToken(canceled: true)) : null);

    /// <param name="cause">The failure of the run; null for a cancellation.</param>
    /// <param name="reason">Why it is cancelled.</param>
    /// <param name="notice">The time that user code has to end; null for the stop timeout.</param>
    /// <returns>Whether this call stopped the run.</returns>
    private bool Stop(Exception? cause, string reason = "", TimeSpan? notice = null)
    {
        lock (sync)
        {
            if (stopping || ending) return false;
            failure = cause ?? postponed;
            if (cause is null && reason.Length > 0) cancelReason = reason;
            stopping = true;
            // Before user code is told, which may block this thread.
            if (Volatile.Read(ref active) > 0 || nodes is not null)
                grace ??= Time.CreateTimer(static run => ((PipelineRun)run!).End(), this, notice ?? options.StopTimeout,
                    Timeout.InfiniteTimeSpan);
        }
        foreach (Pump pump in pumps) (pump as IUpstream)?.Stop();
        foreach (IBoundary boundary in Boundaries) boundary.Abort();
        foreach (Action action in OnStop) action();
        CancelQuietly(stopSource);
        CancelQuietly(sourceStopSource);
        Outputs.Complete(EndOfOutputs);
        return true;
    }

    /// <summary>Cancels a token source. An exception from a registered callback becomes a failure of the run.</summary>
    /// <remarks>Callbacks run on the thread pool: one that blocks does not hold the caller up. A serial scheduler needs them here, in
    /// order.</remarks>
    internal void CancelQuietly(CancellationTokenSource? source)
    {
        if (source is null) return;
        if (!Scheduler.IsSerial)
        {
            _ = CancelOnPoolAsync(source);
            return;
        }
        try
        {
            source.Cancel();
        }
        catch (AggregateException e)
        {
            FailInCallback(e);
        }
    }

    // The run waits for callbacks as for other user code, for the stop timeout at most.
    private async Task CancelOnPoolAsync(CancellationTokenSource source)
    {
        bool isAwaited = TryBegin();
        Task callbacks = source.CancelAsync();
        await callbacks.WaitAsync(options.StopTimeout, Time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!callbacks.IsCompleted) _ = callbacks.Observed();
        else if (callbacks.Exception is { } failed) FailInCallback(failed);
        if (!isAwaited) return;
        Enter();
        PumpEnded();
    }

    private void FailInCallback(AggregateException e)
    {
        Exception cause = e.InnerException ?? e;
        lock (sync)
        {
            if (!ending)
            {
                failure ??= new PipelineException("cancellation callback", null, cause);
                return;
            }
        }
        Warnings.Tell($"A run has ended, and what was registered with its CancellationToken has failed: {FailureText.MessageOf(cause)}");
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
            failure ??= postponed;
            grace?.Dispose();
            endedAt = Time.GetTimestamp();
        }
        watchdog?.Dispose();
        if (outputs is not null || options.Outputs.Count > 0) Outputs.Complete(EndOfOutputs);
        RunTelemetry.RunEnded(this, HowItEnded, (failure as PipelineException)?.InnerException ?? failure);
        over = true;
        Interlocked.MemoryBarrier();                 // before the read of `completion`
        if (Volatile.Read(ref completion) is { } asked) Complete(asked);
        else if (failure is not null) _ = CompletionTask();          // unobserved: TaskScheduler.UnobservedTaskException reports it
    }

    // A run that ends before `Completion` is read, as most single-threaded runs do, needs no task of its own.
    private Task CompletionTask()
    {
        if (over && HowItEnded == RunStatus.Completed) return Task.CompletedTask;
        TaskCompletionSource asked = LazyInitializer.EnsureInitialized(
            ref completion, static () => new(TaskCreationOptions.RunContinuationsAsynchronously));
        if (over) Complete(asked);                   // End may have missed this task
        return asked.Task;
    }

    private void Complete(TaskCompletionSource asked)
    {
        if (failure is not null) asked.TrySetException(failure);
        else if (stopping) asked.TrySetCanceled(outside.Token.IsCancellationRequested ? outside.Token : new(canceled: true));
        else asked.TrySetResult();
    }

    /// <summary>Whether nothing of the run can change any more: it has completed, no code of it was left behind, and no consecutor counts
    /// attempts of its items.</summary>
    internal bool IsFinal => over && HowItEnded == RunStatus.Completed && abandoned is null && options.Following is null && !HasOpenCode();

    // A run completes without nodes whose disposal hangs, and without sources that ignore the stop.
    private bool HasOpenCode()
    {
        foreach (StageContext context in contexts)
            if (context.IsSuspended || context.Times is { Began: not 0 } || context.Reporter is { Awaiting: >= 0 }) return true;
        foreach (Pump pump in pumps)
            if (!pump.IsEnded) return true;
        foreach (IBoundary boundary in Boundaries)
            if (boundary.LanesWorkUntil is not null) return true;
        return false;
    }

    private IReadOnlyList<string> NodesStillRunning()
    {
        if (IsFinal) return [];
        IEnumerable<string> left = abandoned is null ? [] : abandoned.Values.SelectMany(Recorder.HeadsOf).Select(NameOf);
        return [.. new Islands(this, Recorder).NamesOfBusy(this).Concat(left).Distinct()];
    }
}
