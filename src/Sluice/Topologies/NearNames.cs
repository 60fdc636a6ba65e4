namespace Sluice.Topologies;

/// <summary>Builds errors about unknown names, with similar known names.</summary>
internal static class NearNames
{
    private const int Shown = 5;

    /// <summary>Builds a sentence such as <c>There is no node "Geocod". Near it: Geocode.</c></summary>
    /// <param name="what">The kind of thing: "node", "branch"…</param>
    /// <param name="wanted">The unknown name.</param>
    /// <param name="known">The known names.</param>
    internal static string Explain(string what, string wanted, IReadOnlyCollection<string> known)
    {
        if (known.Count == 0) return $"There is no {what} \"{wanted}\": there are none at all.";
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

    // Levenshtein distance, one row at a time.
    private static int Distance(string a, string b)
    {
        var row = new int[b.Length + 1];
        for (var j = 0; j < row.Length; j++) row[j] = j;
        for (var i = 1; i <= a.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                var same = char.ToUpperInvariant(a[i - 1]) == char.ToUpperInvariant(b[j - 1]);
                var replaced = diagonal + (same ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(replaced, Math.Min(row[j], row[j - 1]) + 1);
            }
        }

        return row[^1];
    }
}
