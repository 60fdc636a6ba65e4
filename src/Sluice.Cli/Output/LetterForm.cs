using System.Text.Json.Serialization;

namespace Sluice.Cli.Output;

/// <summary>A dead letter as JSON. The names are stable: scripts read them.</summary>
internal sealed record LetterForm(
    string Stream, string Group, long Number, string Id, string Node, string Path, string Error, int Attempts, DateTimeOffset AcceptedAt,
    DateTimeOffset DiedAt, int CodeVersion, string? Text, string? Base64, IReadOnlyList<string> Stack,
    bool IsDamaged)
{
    private const int MaxShown = 10;

    /// <summary>The numbers of the other letters that the same ID selects; null in a list.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<long>? Others { get; init; }

    public static LetterForm Of(GroupId group, StoredDeadLetter letter)
    {
        string? text = Clean.Utf8(letter.Entry.Payload.Span);
        return new(group.Stream, group.Name, letter.Number, letter.Entry.ItemIdIn(group.Stream, letter.Partition),
            letter.Node, letter.Path, letter.Error, letter.Attempts, letter.Entry.Time, letter.DiedAt, letter.Entry.CodeVersion, text,
            text is null ? Convert.ToBase64String(letter.Entry.Payload.Span) : null, CallsOf(letter),
            letter.IsUnreadable);
    }

    /// <summary>The calls that led to the failure, the last one first, without the word "at" before each.</summary>
    public static IReadOnlyList<string> CallsOf(StoredDeadLetter letter)
        => [.. letter.Stack.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Select(static call => call.StartsWith("at ", StringComparison.Ordinal) ? call[3..] : call)];

    /// <summary>Returns the first numbers, and how many more there are.</summary>
    public static string Join(IReadOnlyList<long> numbers) => string.Join(", ", numbers.Take(MaxShown))
        + (numbers.Count > MaxShown ? $" and {Clean.Count(numbers.Count - MaxShown)} more" : "");
}
