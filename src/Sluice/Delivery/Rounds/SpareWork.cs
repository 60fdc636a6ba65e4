namespace Sluice.Delivery;

/// <summary>The work in the commits of a partition that may wait for a later commit: joining pages of stored lists, and deleting pages
/// that hold no items any more.</summary>
/// <remarks>It follows the locking rule of the scope.</remarks>
internal sealed class SpareWork
{
    private const int BytesForRow = StoreCommit.MaxBytes / 4 / StateWriter.MaxSpareRows;

    private int most = StateWriter.MaxSpareRows;     // rows in a commit
    private int rows;
    private int bytes;
    private bool isResting;

    /// <summary>Begins to save the state for a commit.</summary>
    public void Begin() => (rows, bytes) = (0, 0);

    /// <summary>Takes room in the commit for a row.</summary>
    /// <returns>Whether there was room.</returns>
    public bool TryTake(int length)
    {
        if (isResting || rows >= most || bytes + length > most * BytesForRow) return false;
        rows++;
        bytes += length;
        return true;
    }

    /// <summary>Leaves such work out of the next commit, because a commit was too large with it. Later commits begin with less.</summary>
    /// <returns>Whether that commit did any.</returns>
    public bool TryRest()
    {
        if (rows == 0) return false;
        (isResting, most) = (true, Math.Max(1, rows / 4));
        return true;
    }

    /// <summary>Notes that a commit was applied.</summary>
    public void HaveCommitted()
    {
        if (!isResting) most = Math.Min(StateWriter.MaxSpareRows, most + (most / 8) + 1);
        isResting = false;
    }
}
