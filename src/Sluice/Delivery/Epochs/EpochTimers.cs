namespace Sluice;

/// <summary>The timers of a partition that fire in an epoch.</summary>
/// <remarks>Thread-safe: lanes of a node, and several nodes, fire at the same time.</remarks>
internal sealed class EpochTimers(Epoch epoch, PartitionScope scope, long lastNumber) : TimerTurn(scope.UtcNow.UtcTicks, lastNumber)
{
    private int left = epoch.MaxTimers;

    public override bool TryTake()
    {
        if (Interlocked.Decrement(ref left) >= 0) return true;
        TellMore();
        return false;
    }

    public override void TellMore() => epoch.HasMoreTimers = true;

    public override Ticket? Begin(int node, string key, string timer)
    {
        (Root root, TimerEmission fired) = scope.BeginTimer(node, key, timer);
        if (!epoch.LeavesOut(fired)) return root;
        var cause = new InvalidOperationException("It has failed, and is tried again by itself.");
        root.Fail(new PipelineException(epoch.Core.Recorder.NameOf(node), null, cause, node));
        return null;
    }
}
