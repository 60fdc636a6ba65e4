using Sluice.Diagnostics;

namespace Sluice.Dashboard.Pages;

/// <summary>Which dead letters a page lists or an action changes, as in the query of the address.</summary>
/// <param name="Filter">What the store is asked for.</param>
/// <param name="Key">The key of the items; null for all.</param>
/// <param name="Text">A text in the payload, in any case; null for all.</param>
internal sealed record LetterQuery(DeadLetterFilter Filter, string? Key, string? Text)
{
    public static readonly string[] Names = ["node", "error", "since", "before", "key", "text"];

    // The forms of the command line. "03.04.2026" or "1.5" must not be taken for a day: what was discarded does not come back.
    private static readonly string[] Times =
    [
        "yyyy-MM-dd",
        "yyyy-MM-ddTHH:mmK", "yyyy-MM-ddTHH:mm:ssK", "yyyy-MM-ddTHH:mm:ss.FFFFFFFK",
        "yyyy-MM-dd HH:mmK", "yyyy-MM-dd HH:mm:ssK", "yyyy-MM-dd HH:mm:ss.FFFFFFFK",
    ];

    private const int MaxText = 2000;
    private const long MaxBytes = 16 << 20;

    /// <exception cref="MissingException">A condition is too long, or a time is none.</exception>
    public static LetterQuery Read(Func<string, string?> value)
    {
        return new(new() { Node = Text("node"), Error = Text("error"), Since = Time(value("since")), Before = Time(value("before")) },
            Text("key"), Text("text"));

        string? Text(string name) => value(name) is { Length: > MaxText } text
            ? throw new MissingException($"The filter '{name}' has {Shown.Count(text.Length)} characters; it may have "
                + $"{Shown.Count(MaxText)}.", StatusCodes.Status400BadRequest) : value(name);
    }

    public bool IsAll => Key is null && Text is null && Filter is { Node: null, Error: null, Since: null, Before: null };

    /// <summary>Refuses a search in payloads that are masked: it would tell what they contain.</summary>
    /// <exception cref="MissingException">It is one.</exception>
    public void Check(DashboardOptions options)
    {
        if (Text is not null && options.MaskPayload is not null)
            throw new MissingException("Payloads are masked here, so their text cannot be searched.", StatusCodes.Status400BadRequest);
    }

    public bool Matches(StoredDeadLetter letter)
        => (Key is null || letter.Entry.Key.Equals(EntryKey.Of(Key)))
            && (Text is null || PayloadText.Text(letter.Entry.Payload.Span)?.Contains(Text, StringComparison.OrdinalIgnoreCase) == true);

    /// <summary>Reads letters until there are enough, or some megabytes of them, or the store has no more.</summary>
    /// <returns>The letters, and whether all that there are were looked at.</returns>
    public async Task<(List<StoredDeadLetter> Letters, long Last, bool IsEnd)> FindAsync(StoreInspector inspector, GroupId group,
        long after, int max, int maxLooks, CancellationToken cancellation)
    {
        List<StoredDeadLetter> found = [];
        long bytes = 0;
        int looked = 0;
        // The rest of the filter is compared here, so that no look is longer than the limit.
        var ofNode = new DeadLetterFilter { Node = Filter.Node };
        await foreach (StoredDeadLetter letter in inspector.ReadDeadLettersAsync(group, ofNode, after, cancellation).ConfigureAwait(false))
        {
            after = letter.Number;
            if (Filter.Matches(letter) && Matches(letter))
            {
                found.Add(letter);
                bytes += letter.Entry.Payload.Length;
            }
            if (found.Count == max || bytes >= MaxBytes || ++looked == maxLooks) return (found, after, false);
        }
        return (found, after, true);
    }

    private static DateTimeOffset? Time(string? text)
        => DateTimeOffset.TryParseExact(text, Times, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset time)
            ? time : text is null ? null
            : throw new MissingException($"'{VisibleText.Shorten(text, 40)}' is no time: write 2026-11-24 or 2026-11-24T18:30, in UTC.",
                StatusCodes.Status400BadRequest);
}
