namespace Sluice.Delivery;

// If a stage counts on one run, no round of items that enter in the middle runs beside a round of others, in any partition. Both kinds take
// turns: in its turn, each partition that has a round of the kind when the turn begins may begin one.
internal sealed partial class Rounds
{
    private readonly HashSet<int> turn = [];         // the partitions that may still begin a round
    private bool takesTurns;                         // whether entries that enter in the middle were leased
    private bool isEntrancesTurn;
    private bool isFree = true;                      // no round of the other kind waits

    /// <summary>Finds out whose turn it is. Under the lock.</summary>
    private void TakeTurns(OwnedPartition[] owned)
    {
        if (!takesTurns) return;
        OwnedPartition[] others = Waiting(!isEntrancesTurn);
        bool isOver = running.Count == 0 && !Array.Exists(Waiting(isEntrancesTurn), partition => turn.Contains(partition.Number));
        if (isOver && others.Length > 0)
        {
            isEntrancesTurn = !isEntrancesTurn;
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
