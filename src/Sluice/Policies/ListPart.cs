using System.Globalization;

namespace Sluice;

/// <summary>Which items of a list are in a part of it.</summary>
/// <param name="Start">Where the part begins, from zero.</param>
/// <param name="Count">How many items it has.</param>
/// <param name="Of">How many the whole list had.</param>
internal readonly record struct ListPart(int Start, int Count, int Of)
{
    public static ListPart Whole(int count) => new(0, count, count);

    public bool IsWhole => Count == Of;

    /// <summary>The first half; the smaller one where they differ.</summary>
    public ListPart First => this with { Count = Count / 2 };

    public ListPart Second => this with { Start = Start + (Count / 2), Count = Count - (Count / 2) };

    /// <summary>As a range, for ids: <c>[0..50]</c>.</summary>
    public string Range => string.Create(CultureInfo.InvariantCulture, $"[{Start}..{Start + Count}]");

    /// <summary>For people: <c>item 38 of 100</c>.</summary>
    public override string ToString() => Count == 1
        ? string.Create(CultureInfo.InvariantCulture, $"item {Start + 1} of {Of}")
        : string.Create(CultureInfo.InvariantCulture, $"items {Start + 1} to {Start + Count} of {Of}");

    /// <summary>As it is stored.</summary>
    public string ToText() => string.Create(CultureInfo.InvariantCulture, $"{Start} {Count} {Of}");

    /// <summary>Null if it is not what <see cref="ToText"/> writes.</summary>
    public static ListPart? Read(string? text) => text?.Split(' ') is [var start, var count, var of]
        && int.TryParse(start, NumberStyles.None, CultureInfo.InvariantCulture, out int first)
        && int.TryParse(count, NumberStyles.None, CultureInfo.InvariantCulture, out int length)
        && int.TryParse(of, NumberStyles.None, CultureInfo.InvariantCulture, out int all) ? new(first, length, all) : null;
}
