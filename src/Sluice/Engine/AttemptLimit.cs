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

    public AttemptLimit(PipelineRun run, int node, TimeSpan limit)
    {
        (this.run, this.node) = (run, node);
        timer = run.Time.CreateTimer(static attempt => ((AttemptLimit)attempt!).End(), this, limit, Timeout.InfiniteTimeSpan);
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
            Cancel();
        }
        catch (AggregateException e)
        {
            Warnings.Tell(
                $"An attempt of {run.NameOf(node)} took too long, and what it had registered with its CancellationToken has "
                    + $"failed: {e.InnerExceptions[0].Message}");
        }
        catch (ObjectDisposedException)
        {
            // The attempt ended at the same moment.
        }
    }
}
