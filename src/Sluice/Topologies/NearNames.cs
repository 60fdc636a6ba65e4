namespace Sluice.Topologies;

/// <summary>Builds errors about unknown names, with similar known names.</summary>
internal static class NearNames
{
    private const int Shown = 5;

    /// <summary>Builds a sentence such as <c>There is no node "Geocod". Near it: Geocode.</c></summary>
    /// <param name="what">The kind of thing: "node", "branch"…</param>
    /// <param name="wanted">The unknown name.</param>
    /// <param name="known">The known names.</param>
    /// <param name="comparesAll">Whether to look for similar names. The time grows with their number, so it is not for each of many unknown
    /// names.</param>
    internal static string Explain(string what, string wanted, IReadOnlyCollection<string> known, bool comparesAll = true)
    {
        if (known.Count == 0) return $"There is no {what} \"{wanted}\": there are none at all.";
        if (!comparesAll) return $"There is no {what} \"{wanted}\".";
        var near = Of(wanted, known);
        if (near.Count > 0) return $"There is no {what} \"{wanted}\". Near it: {string.Join(", ", near)}.";

        var some = string.Join(", ", known.Take(Shown));
        return known.Count > Shown
            ? $"There is no {what} \"{wanted}\". There are {known.Count}, among them {some}."
            : $"There is no {what} \"{wanted}\". There are: {some}.";
    }

    /// <summary>
    /// Returns at most five names, nearest first, that differ in at most a third of their letters, or contain the wanted name or are part
    /// of it.
    /// </summary>
    internal static IReadOnlyList<string> Of(string wanted, IEnumerable<string> known)
    {
        var limit = Math.Max(1, wanted.Length / 3);
        return [.. known
            .Select(name => (name, distance: Rank(wanted, name, limit)))
            .Where(candidate => candidate.distance <= limit)
            .OrderBy(candidate => candidate.distance)
            .Take(Shown)
            .Select(candidate => candidate.name)];
    }

    private static int Rank(string wanted, string name, int limit)
    {
        if (name.Equals(wanted, StringComparison.OrdinalIgnoreCase)) return 0;
        var shorter = Math.Min(wanted.Length, name.Length);
        if (shorter >= 3 && (name.Contains(wanted, StringComparison.OrdinalIgnoreCase)
            || wanted.Contains(name, StringComparison.OrdinalIgnoreCase))) return 1;
        return Math.Abs(wanted.Length - name.Length) > limit ? int.MaxValue : Distance(wanted, name);
    }

    // Levenshtein distance, but two neighbors that have changed places count once.
    private static int Distance(string a, string b)
    {
        (a, b) = (a.ToUpperInvariant(), b.ToUpperInvariant());
        var rows = new int[a.Length + 1, b.Length + 1];
        for (int i = 0; i <= a.Length; i++)
        {
            for (int j = 0; j <= b.Length; j++)
            {
                rows[i, j] = i == 0 ? j : j == 0 ? i
                    : Math.Min(rows[i - 1, j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1), Math.Min(rows[i - 1, j], rows[i, j - 1]) + 1);
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                    rows[i, j] = Math.Min(rows[i, j], rows[i - 2, j - 2] + 1);
            }
        }
        return rows[a.Length, b.Length];
    }
}
