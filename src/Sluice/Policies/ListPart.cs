namespace Sluice.Policies;

/// <summary>A part of a list.</summary>
/// <param name="Start">The index of its first item, from zero.</param>
/// <param name="Count">The number of its items.</param>
/// <param name="Of">The number of items in the whole list.</param>
internal readonly record struct ListPart(int Start, int Count, int Of)
{
    public static ListPart Whole(int count) => new(0, count, count);

    public bool IsWhole => Count == Of;

    /// <summary>The first half; for an odd count the smaller one.</summary>
    public ListPart First => this with { Count = Count / 2 };

    public ListPart Second => this with { Start = Start + (Count / 2), Count = Count - (Count / 2) };

    /// <summary>The part as a range, for ids: <c>[0..50]</c>.</summary>
    public string Range => string.Create(CultureInfo.InvariantCulture, $"[{Start}..{Start + Count}]");

    /// <summary>Formats the part for messages: <c>item 38 of 100</c>.</summary>
    public override string ToString() => Count == 1
        ? string.Create(CultureInfo.InvariantCulture, $"item {Start + 1} of {Of}")
        : string.Create(CultureInfo.InvariantCulture, $"items {Start + 1} to {Start + Count} of {Of}");

    /// <summary>The part in its stored form.</summary>
    public string ToText() => string.Create(CultureInfo.InvariantCulture, $"{Start} {Count} {Of}");

    /// <summary>Parses the form of <see cref="ToText"/>; null for other text.</summary>
    public static ListPart? Read(string? text) => text?.Split(' ') is [var start, var count, var of]
        && int.TryParse(start, NumberStyles.None, CultureInfo.InvariantCulture, out int first)
        && int.TryParse(count, NumberStyles.None, CultureInfo.InvariantCulture, out int length)
        && int.TryParse(of, NumberStyles.None, CultureInfo.InvariantCulture, out int all) ? new(first, length, all) : null;
}
