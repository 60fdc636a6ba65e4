namespace Sluice.Delivery;

/// <summary>
/// Decides how many items a round has at most, or how many timers fire in it, by the time that rounds take. A round is committed as a
/// whole, so slow items must not wait for hundreds of others: a round is to last <see cref="Target"/> at most.
/// </summary>
/// <remarks>Not thread-safe: used under the lock of the rounds. It begins small, because the first items may be slow, and doubles while
/// rounds are fast.</remarks>
/// <param name="max">The most items of any round.</param>
internal sealed class RoundPace(int max)
{
    private const int First = 16;

    /// <summary>The longest time that a round is to last.</summary>
    public static readonly TimeSpan Target = TimeSpan.FromSeconds(1);

    /// <summary>The most items or timers of the next round, at least one.</summary>
    public int Items { get; private set; } = Math.Min(First, max);

    /// <summary>Adapts to a round that has ended.</summary>
    /// <param name="items">The items that have run in it, or the timers that have fired.</param>
    /// <param name="lasted">The time from its begin to the end of its last item.</param>
    public void Learn(int items, TimeSpan lasted)
    {
        if (items == 0) return;
        if (lasted > Target) Items = Math.Max(1, Math.Min(Items, (int)(items * (Target / lasted))));
        else if (items >= Items && lasted < Target / 2) Items = Math.Min(max, Items * 2);
    }
}
