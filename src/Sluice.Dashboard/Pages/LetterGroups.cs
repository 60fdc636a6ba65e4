using System.Text.RegularExpressions;
using Sluice.Diagnostics;

namespace Sluice.Dashboard.Pages;

/// <summary>Dead letters by error: letters of one node whose errors differ only in numbers and in quoted texts are one group.</summary>
internal static partial class LetterGroups
{
    public const int MaxLooks = 20_000;

    private const int MaxGroups = 1000, MaxRows = 100, MaxRead = 4000, MaxShown = 300, MaxText = 120, MinText = 4;

    private const string Differs = "…";

    public static async Task<Markup> DrawAsync(PageRequest request, ConsecutorSample one, LetterQuery query)
    {
        StoreInspector inspector = request.Sampler.InspectorOf(one.Store);
        Dictionary<(string Node, string Error), Group> groups = [];
        var ofNode = new DeadLetterFilter { Node = query.Filter.Node };
        int looked = 0, others = 0;
        await foreach (StoredDeadLetter letter in inspector.ReadDeadLettersAsync(one.Id, ofNode, cancellation: request.Aborted)
            .ConfigureAwait(false))
        {
            if (query.Filter.Matches(letter) && query.Matches(letter) && !TryAdd(groups, letter)) others++;
            if (++looked == MaxLooks) break;
        }
        return Markup.Of($"""
            {Tables.Draw("Dead letters by error, the most frequent first",
                [">Letters", "Node", "Error of the first one", "First", "Last", "See"],
                groups.Values.OrderByDescending(static one => one.Count).Take(MaxRows).Select(group => Row(request, one, group)),
                "There are none that meet the filter.")}
            {(groups.Count > MaxRows || others > 0 ? Markup.Of($"<p>The {MaxRows} most frequent groups.</p>") : Markup.None)}
            {(looked >= MaxLooks ? Markup.Of($"<p>The first {MaxLooks} letters were looked at.</p>") : Markup.None)}
            """);
    }

    /// <summary>The longest part of an error that letters like it share, for the filter; null if there is none.</summary>
    public static string? Shared(string error)
    {
        string longest = Compared(error).Split(Differs).MaxBy(static part => part.Length)!;
        return longest.Length < MinText ? null : longest[..Math.Min(longest.Length, MaxText)];
    }

    // What differs is replaced first: where the text is cut must not depend on it.
    private static string Compared(string error)
    {
        string compared = Differing().Replace(error, Differs);
        return compared.Length > MaxShown ? compared[..MaxShown] : compared;
    }

    private static bool TryAdd(Dictionary<(string, string), Group> groups, StoredDeadLetter letter)
    {
        string error = LettersPage.FirstLine(letter.Error);
        if (error.Length > MaxRead) error = error[..MaxRead];
        (string, string) key = (letter.Node, Compared(error));
        if (!groups.TryGetValue(key, out Group? group))
        {
            if (groups.Count >= MaxGroups) return false;
            groups.Add(key, group = new(letter.Node, error, letter.DiedAt));
        }
        group.Count++;
        if (letter.DiedAt < group.First) group.First = letter.DiedAt;
        if (letter.DiedAt > group.Last) group.Last = letter.DiedAt;
        return true;
    }

    private static IReadOnlyList<Markup> Row(PageRequest request, ConsecutorSample one, Group group)
    {
        string here = request.Address(one, "/dead");
        here += $"{(here.Contains('?', StringComparison.Ordinal) ? '&' : '?')}node={Uri.EscapeDataString(group.Node)}";
        if (Shared(group.Error) is { } shared) here += $"&error={Escape(shared)}";
        return
        [
            Tables.Cell(Shown.Count(group.Count)), Tables.Cell(VisibleText.Shorten(group.Node, 60)),
            Tables.Cell(VisibleText.Shorten(group.Error, MaxShown)),
            Shown.Time(group.First), Shown.Time(group.Last), Tables.Link(here, "Show letters like these"),
        ];
    }

    // An address cannot hold a half of a pair.
    private static string Escape(string text)
        => Uri.EscapeDataString(char.IsHighSurrogate(text[^1]) ? text[..^1] : char.IsLowSurrogate(text[0]) ? text[1..] : text);

    // An apostrophe behind a small letter or a digit begins no quoted text; N'abc' of SQL has one.
    [GeneratedRegex("(?<![\\p{Ll}\\p{N}])'[^']*'|\"[^\"]*\"|[0-9]+")]
    private static partial Regex Differing();

    private sealed class Group(string node, string error, DateTimeOffset at)
    {
        public string Node => node;

        public string Error => error;

        public int Count { get; set; }

        public DateTimeOffset First { get; set; } = at;

        public DateTimeOffset Last { get; set; } = at;
    }
}
