namespace Sluice.Delivery;

/// <content>From which partitions the next lease is, and how large it is.</content>
internal sealed partial class Rounds
{
    private const int RoundsOfLease = 4, LeastOfLease = 16;

    /// <summary>Chooses the partitions to lease from: those without a running round in which few enough entries wait behind failed ones.
    /// From other partitions, only due entries are leased.</summary>
    /// <param name="owned">All owned partitions.</param>
    /// <param name="most">The most entries to lease.</param>
    /// <returns>The partitions, and how many entries to lease.</returns>
    public (OwnedPartition[] Partitions, int Most) Choose(OwnedPartition[] owned, int most)
    {
        most = Math.Min(most, MostOfOne());
        OwnedPartition[] resting = Array.FindAll(owned, IsResting);
        OwnedPartition[] heldUp = Array.FindAll(resting, IsHeldUp);
        isTurnOwed = false;
        held = heldUp.Length == 0 ? null : heldUp[0];
        if (heldUp.Length == 0) return (resting, most);

        // A lease has due entries first. Each of the due partitions has at least as many of them as are leased, so a new entry comes only
        // if the store's clock is behind; it is parked then. Due partitions take turns with the others.
        OwnedPartition[] others = Array.FindAll(resting, partition => !IsHeldUp(partition));
        OwnedPartition[] due = Array.FindAll(heldUp, partition => partition.Order!.RetryAt is { } at && at <= looked);
        EndTurns(Array.FindAll(heldUp, partition => !due.Contains(partition)));          // no entries to lease: no turn to wait for
        isDuesTurn = due.Length > 0 && (!isDuesTurn || others.Length == 0);
        isTurnOwed = due.Length > 0 && !isDuesTurn;
        return isDuesTurn ? (due, due.Min(partition => partition.Order!.CountDue(looked, most))) : (others, most);
    }

    // A lease may have entries of one partition only. Their rounds come one after another, and other partitions need room meanwhile: if
    // items are slow, a lease has a few rounds, and a quarter of what may be in flight at most.
    private int MostOfOne()
    {
        int inFlight = core.Options.MaxInFlight;
        int least = Math.Max(LeastOfLease, inFlight / 16), most = Math.Max(LeastOfLease, inFlight / 4);
        lock (sync) return Math.Clamp(RoundsOfLease * pace.Items, least, most);
    }

    /// <summary>Whether due entries were passed over for other partitions. If those had none, the pump asks for the due ones before it
    /// sleeps. True once. Used by the pump.</summary>
    public bool TakeTurnOwed()
    {
        bool isOwed = isTurnOwed;
        isTurnOwed = false;
        return isOwed;
    }
}
