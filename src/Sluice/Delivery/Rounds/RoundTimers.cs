namespace Sluice.Delivery;

/// <summary>The timers of a partition that fire in one round.</summary>
/// <remarks>Thread-safe: lanes and nodes fire timers at the same time.</remarks>
internal sealed class RoundTimers(Round round, PartitionScope scope, Func<int, string> nameOf, long lastNumber)
    : TimerTurn(scope.UtcNow.UtcTicks, lastNumber)
{
    private readonly Lock sync = new();
    private int taken;
    private int moved;

    /// <summary>The number of timers that have fired.</summary>
    public int Taken => taken;

    /// <summary>When the first one has fired: what was waited for before is no time of the timers.</summary>
    public long? FiredAt { get; private set; }

    /// <summary>The number of rows by time that have moved.</summary>
    public int Moved => moved;

    /// <summary>Whether the round has both taken timers and moved rows; without one of the two, the commit would be smaller.</summary>
    public bool IsMixed => taken > 0 && moved > 0;

    public override bool IsLostBy(Exception failure) => failure is StreamStoreException && round.Partition.IsVoid;

    /// <summary>None fires once a stop has begun: it would wait for all of them.</summary>
    public override bool TryTake()
    {
        if (scope.IsStopping)
        {
            TellMore();
            return false;
        }
        if (!MayGoOn(ref taken, round.MaxTimers, ref moved)) return false;
        FiredAt ??= scope.Timestamp;
        return true;
    }

    public override bool TryMove() => MayGoOn(ref moved, round.MaxMoves, ref taken);

    private bool MayGoOn(ref int done, int most, ref int others)
    {
        lock (sync)
        {
            if (done < most && (others == 0 || round.MixesTimers))
            {
                done++;
                return true;
            }
        }
        TellMore();
        return false;
    }

    public override void TellMore() => round.HasMoreTimers = true;

    public override Ticket? Begin(int node, string key, string timer)
    {
        (Root root, TimerEmission fired) = scope.BeginTimer(node, key, timer);
        if (!round.LeavesOut(fired)) return root;
        var cause = new InvalidOperationException("It has failed, and is tried again by itself.");
        root.Fail(new PipelineException(nameOf(node), null, cause, node));
        return null;
    }
}
