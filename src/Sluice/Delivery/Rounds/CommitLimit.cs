namespace Sluice.Delivery;

/// <summary>How many items, timers or ends of keys share a commit: learned from commits that were too large. What is undone runs
/// again.</summary>
/// <remarks>Not thread-safe. It grows by an eighth with each commit that used it up. A number that was too large is tried again after
/// sixteen of them.</remarks>
/// <param name="most">The limit at first, and the most.</param>
internal sealed class CommitLimit(int most)
{
    private const int CommitsBetweenTries = 16;

    private readonly int most = most;
    private int tooLarge = int.MaxValue;
    private int fitted;                              // the largest full commit that was not followed by a smaller limit; 0 if none
    private int commits;

    public int Value { get; private set; } = most;

    /// <summary>Lowers the limit, because a commit of so many was too large.</summary>
    /// <returns>The new limit: smaller than <paramref name="used"/>, unless that is one.</returns>
    public int TooLarge(int used)
    {
        (tooLarge, commits) = (used, 0);
        Value = Math.Max(1, fitted < used ? Math.Max(fitted, used / 2) : used / 2);
        fitted = 0;
        return Value;
    }

    /// <summary>Lowers the limit for a while, for another reason than size.</summary>
    public void Lower(int to)
    {
        Value = Math.Max(1, Math.Min(Value, to));
        (tooLarge, fitted, commits) = (int.MaxValue, 0, 0);
    }

    /// <summary>Forgets what was too large, because one alone was.</summary>
    public void HaveFoundCause() => (tooLarge, commits) = (int.MaxValue, 0);

    /// <summary>Lets the limit grow after a commit that used it up.</summary>
    public void HaveCommitted(int used)
    {
        if (used < Value || Value == most) return;
        fitted = Value;
        int next = Math.Min(most, Value + (Value / 8) + 1);
        if (next >= tooLarge && ++commits < CommitsBetweenTries) return;
        if (next >= tooLarge) tooLarge = int.MaxValue;
        (Value, commits) = (next, 0);
    }
}
