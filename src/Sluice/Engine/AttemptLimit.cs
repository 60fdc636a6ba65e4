using Sluice.Diagnostics;

namespace Sluice.Engine;

/// <summary>The cancellation token of one attempt; it is cancelled when the time limit expires.</summary>
/// <remarks>
/// Any thread; no locks. Callbacks run on the timer's thread: their exceptions are logged as warnings, otherwise they would end the
/// process.
/// </remarks>
internal sealed class AttemptLimit : CancellationTokenSource
{
    private readonly PipelineRun run;
    private readonly int node;
    private readonly ITimer timer;
    private readonly TaskCompletionSource over = new();

    public AttemptLimit(PipelineRun run, int node, TimeSpan limit)
    {
        (this.run, this.node) = (run, node);
        timer = run.Time.CreateTimer(static attempt => ((AttemptLimit)attempt!).End(), this, limit, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Completes when the token is about to be cancelled: callbacks of user code may block.</summary>
    public Task Over => over.Task;

    /// <summary>Cancels the token, at the limit or because the run stops.</summary>
    public void Stop()
    {
        over.TrySetResult();
        try
        {
            Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The attempt ended at the same moment.
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing) timer.Dispose();
        base.Dispose(disposing);
    }

    private void End()
    {
        try
        {
            Stop();
        }
        catch (AggregateException e)
        {
            Warnings.Tell(
                $"An attempt of {run.NameOf(node)} took too long, and what it had registered with its CancellationToken has "
                    + $"failed: {FailureText.MessageOf(e.InnerExceptions[0])}");
        }
    }
}
