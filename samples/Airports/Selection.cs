using System.Globalization;

namespace Airports;

/// <summary>Which airports of the gazetteer take part, and in which order: that of the gazetteer, or that of the list.</summary>
internal sealed class Selection
{
    /// <summary>
    /// The ten busiest airports of the United States by passengers in 2023, busiest first (Airports Council International).
    /// </summary>
    private static readonly string[] Busiest = ["ATL", "DFW", "DEN", "LAX", "ORD", "JFK", "MCO", "LAS", "CLT", "MIA"];

    private readonly int? first;
    private readonly string[]? codes;
    private readonly bool byDefault;

    private Selection(int? first, string[]? codes, bool byDefault = false)
        => (this.first, this.codes, this.byDefault) = (first, codes, byDefault);

    /// <summary>Reads the value of <c>--select</c>; null stands for the ten busiest.</summary>
    public static Selection Parse(string? text)
    {
        if (text is null) return new Selection(null, Busiest, byDefault: true);
        if (text == "all") return new Selection(null, null);
        if (text.StartsWith("first:", StringComparison.Ordinal))
        {
            return int.TryParse(text.AsSpan(6), NumberStyles.None, CultureInfo.InvariantCulture, out var count) && count >= 2
                ? new Selection(count, null)
                : throw new UserMistake(
                $"--select first:N needs a whole number of at least 2 (a pair takes two airports), not \"{text[6..]}\".");
        }

        var codes = text.Split(',', StringSplitOptions.TrimEntries);
        if (codes.Contains(""))
            throw new UserMistake($"--select has an empty code in \"{text}\": write all, first:N, or codes such as ATL,LAX.");
        if (codes.Length < 2)
            throw new UserMistake(
                $"--select needs all, first:N, or at least two codes such as ATL,LAX (a pair takes two airports), not \"{text}\".");
        if (codes.GroupBy(code => code, StringComparer.OrdinalIgnoreCase).FirstOrDefault(same => same.Count() > 1) is { } twice)
            throw new UserMistake($"--select names \"{twice.Key}\" twice.");
        return new Selection(null, codes);
    }

    /// <summary>The airports selected, from this gazetteer.</summary>
    /// <exception cref="UserMistake">The gazetteer lacks a code, or has too few airports.</exception>
    public Airport[] From(Gazetteer gazetteer, string file)
    {
        if (codes is null && gazetteer.Places.Count < (first ?? 2))
            throw new UserMistake($"--select {(first is { } n ? $"first:{n}" : "all")} needs {first ?? 2} airports, "
                + $"and {file} has {gazetteer.Places.Count} that can be used.");
        if (codes is null) return [.. gazetteer.Places.Take(first ?? int.MaxValue).Select(place => place.Airport)];

        var known = gazetteer.Places.ToDictionary(place => place.Airport.Code, place => place.Airport, StringComparer.OrdinalIgnoreCase);
        return [.. codes.Select(code => known.TryGetValue(code, out var airport) ? airport : throw Unknown(code, known.Keys, file))];
    }

    private UserMistake Unknown(string code, IEnumerable<string> known, string file)
    {
        var near = known.Where(other => AreNear(code, other)).Order(StringComparer.Ordinal).Take(5).ToArray();
        var hint = byDefault ? " It is one of the ten busiest, which are the default: choose others with --select."
            : near.Length > 0 ? $" Near it: {string.Join(", ", near)}."
            : "";
        return new UserMistake($"{file} has no airport \"{code}\" that can be used.{hint}");
    }

    // One letter wrong, or two neighbours swapped: the mistakes of typing.
    private static bool AreNear(string code, string other)
    {
        if (code.Length != other.Length) return false;
        var wrong = Enumerable.Range(0, code.Length).Where(i => char.ToUpperInvariant(code[i]) != char.ToUpperInvariant(other[i]))
            .ToArray();
        return wrong.Length == 1
            || (wrong is [var a, var b] && b == a + 1
                && char.ToUpperInvariant(code[a]) == char.ToUpperInvariant(other[b])
                && char.ToUpperInvariant(code[b]) == char.ToUpperInvariant(other[a]));
    }
}
