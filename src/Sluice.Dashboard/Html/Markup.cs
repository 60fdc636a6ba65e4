namespace Sluice.Dashboard.Html;

/// <summary>Text that is HTML. Everything that is put into it by interpolation is encoded, unless it is markup itself.</summary>
/// <example><code>Markup.Of($"&lt;td&gt;{letter.Error}&lt;/td&gt;")</code></example>
internal readonly struct Markup
{
    private readonly string? text;

    private Markup(string text) => this.text = text;

    public static Markup None => default;

    public bool IsEmpty => string.IsNullOrEmpty(text);

    /// <summary>Makes markup of an interpolated string: the constant parts are HTML, the holes are data.</summary>
    public static Markup Of(MarkupBuilder parts) => new(parts.ToText());

    /// <summary>Takes text that is HTML already and comes from a writer that encodes, such as a drawing.</summary>
    public static Markup Written(string html) => new(html);

    /// <summary>The value of a field: its form sends the same text back.</summary>
    public static Markup Value(string? text) => new(VisibleText.EncodeValue(text ?? ""));

    /// <summary>Puts several one after the other.</summary>
    public static Markup Join(IEnumerable<Markup> parts) => new(string.Concat(parts));

    public override string ToString() => text ?? "";
}
