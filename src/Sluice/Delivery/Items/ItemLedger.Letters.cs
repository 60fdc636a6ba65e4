namespace Sluice.Delivery;

/// <content>Dead letters that are redriven and deleted: by this member, which counts them itself, and by other programs.</content>
internal sealed partial class ItemLedger
{
    private long letterMoves;                        // changes of the count of dead letters
    private int letterChanges;                       // calls of this member that redrive or delete letters, and are not counted yet

    /// <summary>Counts redriven letters. Before the start none are counted as dead: they count as accepted then.</summary>
    public void Redrive(long letters)
    {
        lock (Sync)
        {
            (pending, moves) = (pending + letters, moves + 1);
            if (loads > 0) dead -= letters;
            else accepted += letters;
        }
        Moved?.Invoke();
    }

    /// <summary>Counts deleted letters. Before the start none are counted.</summary>
    public void Delete(long letters)
    {
        lock (Sync)
            if (loads > 0) (dead, cancelled, moves) = (dead - letters, cancelled + letters, moves + 1);
        Moved?.Invoke();
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
