using System.Runtime.CompilerServices;
using System.Text;

namespace Sluice.Dashboard.Html;

/// <summary>Builds markup from an interpolated string.</summary>
/// <remarks>There is no overload for objects: what is shown has a type whose text is known.</remarks>
[InterpolatedStringHandler]
internal readonly ref struct MarkupBuilder(int literalLength, int formattedCount)
{
    private readonly StringBuilder text = new(literalLength + (formattedCount * 12));

    public void AppendLiteral(string html) => text.Append(html);

    /// <summary>Appends data. Characters that mean something in HTML, or that are invisible, are written as visible text.</summary>
    public void AppendFormatted(string? data)
    {
        if (data is not null) text.Append(VisibleText.Encode(data));
    }

    public void AppendFormatted(Markup html) => text.Append(html.ToString());

    public void AppendFormatted(IEnumerable<Markup> html)
    {
        foreach (Markup one in html) text.Append(one.ToString());
    }

    public void AppendFormatted(long number) => text.Append(CultureInfo.InvariantCulture, $"{number:N0}");

    public string ToText() => text.ToString();
}
