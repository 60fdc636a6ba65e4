namespace Sluice;

/// <summary>Writes numbers for messages, consecutive ones as a range.</summary>
internal static class NumberText
{
    /// <summary>Returns the numbers with their noun and verb: <c>the partition 3 was</c>, <c>the partitions 0 to 5, 7 and 9
    /// were</c>.</summary>
    /// <param name="numbers">The numbers, in any order; at least one.</param>
    /// <param name="noun">What they number, in the singular.</param>
    public static string Of(IEnumerable<int> numbers, string noun)
    {
        int[] all = [.. numbers.Order()];
        List<string> parts = [];
        for (int i = 0, last; i < all.Length; i = last + 1)
        {
            last = i;
            while (last + 1 < all.Length && all[last + 1] == all[last] + 1) last++;
            if (last - i > 1) parts.Add($"{all[i]} to {all[last]}");
            else for (int each = i; each <= last; each++) parts.Add($"{all[each]}");
        }
        string text = parts.Count == 1 ? parts[0] : $"{string.Join(", ", parts[..^1])} and {parts[^1]}";
        return all.Length == 1 ? $"the {noun} {text} was" : $"the {noun}s {text} were";
    }
}
