namespace Sluice;

/// <summary>The token of an attempt, cancelled when its time is over. What user code has registered with it may throw on the timer's thread: that is told, and does not end the process.</summary>
/// <remarks>Any thread; no locks.</remarks>
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
            Warnings.Tell($"An attempt of {run.NameOf(node)} took too long, and what it had registered with its CancellationToken has failed: {e.InnerExceptions[0].Message}");
        }
        catch (ObjectDisposedException)
        {
            // The attempt has ended just now.
        }
    }
}
