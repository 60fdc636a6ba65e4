namespace Sluice.Delivery;

// If a stage counts on one run, no round of items that enter in the middle runs beside a round of others, in any partition. Both kinds take
// turns: in its turn, each partition that has a round of the kind when the turn begins may begin one.
internal sealed partial class Rounds
{
    /// <summary>Why nothing begins while a turn lasts long.</summary>
    public static string WhyNothingBegins => "No item begins here: redriven letters, halves of lists and other items that enter in the "
        + "middle take turns with all others, because the pipeline has a KeyBy, a Throttle or a node class. The turn ends when all items "
        + "in flight have ended. Snapshot().Run names the node that works.";

    /// <summary>From when on a turn lasts long.</summary>
    public static readonly TimeSpan LongTurn = TimeSpan.FromSeconds(10);

    private readonly HashSet<int> turn = [];         // the partitions that may still begin a round
    private bool takesTurns;                         // whether entries that enter in the middle were leased
    private bool isEntrancesTurn;
    private bool isFree = true;                      // no round of the other kind waits
    private long turnBegan;

    /// <summary>Why partitions wait, if a turn lasts long; otherwise null.</summary>
    private string? SlowTurn
    {
        get
        {
            lock (sync)
            {
                return takesTurns && !isFree && core.Time.GetElapsedTime(turnBegan) >= LongTurn ? WhyNothingBegins : null;
            }
        }
    }

    /// <summary>Finds out whose turn it is. Under the lock.</summary>
    private void TakeTurns(OwnedPartition[] owned)
    {
        if (!takesTurns) return;
        OwnedPartition[] others = Waiting(!isEntrancesTurn);
        bool isOver = running.Count == 0 && !Array.Exists(Waiting(isEntrancesTurn), partition => turn.Contains(partition.Number));
        if (isOver && others.Length > 0)
        {
            isEntrancesTurn = !isEntrancesTurn;
            turnBegan = core.Time.GetTimestamp();
            turn.Clear();
            turn.UnionWith(others.Select(static partition => partition.Number));
            others = Waiting(!isEntrancesTurn);
        }
        isFree = others.Length == 0;
        if (isFree) turn.Clear();
        takesTurns = isEntrancesTurn
            || Array.Exists(owned, static partition => partition.Leased.Any(static item => item.Headers.Node is not null));

        OwnedPartition[] Waiting(bool areEntrances) => Array.FindAll(owned, partition => !running.Contains(partition.Number)
            && NextOf(partition) is not NextRound.None and var next && next == NextRound.Entrances == areEntrances);
    }

    /// <summary>Whether the next round of a partition may begin now. Under the lock.</summary>
    private bool HasTurn(OwnedPartition partition, NextRound next)
        => !takesTurns || (next == NextRound.Entrances == isEntrancesTurn && (isFree || turn.Contains(partition.Number)));
}
