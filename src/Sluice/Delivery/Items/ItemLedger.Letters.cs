namespace Sluice.Delivery;

/// <content>Dead letters that are redriven and deleted: by this member, which counts them itself, and by other programs.</content>
internal sealed partial class ItemLedger
{
    private long letterMoves;                        // changes of the count of dead letters
    private int letterChanges;                       // calls of this member that redrive or delete letters, and are not counted yet
    private long loads;                              // how often the counts were set from the store

    /// <summary>A call that redrives or deletes letters begins: until it ends, the store may have fewer than are counted here.</summary>
    /// <returns>For <see cref="TryRedrive"/> and <see cref="TryDelete"/>.</returns>
    public long BeginLetterChange()
    {
        lock (Sync)
        {
            letterChanges++;
            return loads;
        }
    }

    public void EndLetterChange()
    {
        lock (Sync) (letterChanges, letterMoves) = (letterChanges - 1, letterMoves + 1);
    }

    /// <summary>Counts letters that were redriven.</summary>
    /// <param name="letters">How many.</param>
    /// <param name="begun">What <see cref="BeginLetterChange"/> returned before.</param>
    /// <returns>False if the counts were set from the store meanwhile, and may or may not have these letters: nothing was counted.</returns>
    public bool TryRedrive(long letters, long begun)
    {
        lock (Sync)
        {
            if (loads != begun) return false;
            (dead, pending, moves) = (dead - letters, pending + letters, moves + 1);
        }
        Moved?.Invoke();
        return true;
    }

    /// <summary>Counts letters that were deleted.</summary>
    /// <inheritdoc cref="TryRedrive"/>
    public bool TryDelete(long letters, long begun)
    {
        lock (Sync)
        {
            if (loads != begun) return false;
            (dead, cancelled, moves) = (dead - letters, cancelled + letters, moves + 1);
        }
        Moved?.Invoke();
        return true;
    }

    /// <summary>The number of the last change of the letters; null if there are none, or this member changes some.</summary>
    public long? LetterMoves
    {
        get { lock (Sync) return dead > 0 && letterChanges == 0 ? letterMoves : null; }
    }

    /// <summary>
    /// Learns that another program has redriven or deleted letters. They count as cancelled until the counts are read from the store.
    /// </summary>
    /// <param name="seen"><see cref="LetterMoves"/> before the store was asked.</param>
    /// <param name="stored">The letters in the store.</param>
    /// <returns>Whether the store has fewer letters than were counted.</returns>
    public bool TryLearnLetters(long seen, long stored)
    {
        lock (Sync)
        {
            if (letterMoves != seen || letterChanges > 0 || stored >= dead) return false;
            (cancelled, dead, letterMoves, moves) = (cancelled + dead - stored, stored, letterMoves + 1, moves + 1);
        }
        Moved?.Invoke();
        return true;
    }
}
