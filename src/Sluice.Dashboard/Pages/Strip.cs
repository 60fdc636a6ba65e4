namespace Sluice.Dashboard.Pages;

/// <summary>Bars over a span of time. Colours are by class: the pages have no styles of their own.</summary>
internal static class Strip
{
    private const double Width = 300, MinWidth = 2;

    /// <param name="bars">The bars.</param>
    /// <param name="height">The height of all rows of bars.</param>
    /// <param name="label">What it shows, for those who do not see it.</param>
    public static Markup Draw(IEnumerable<Markup> bars, int height, string label) => Markup.Of($"""
        <svg class="strip" viewBox="0 0 {Number(Width)} {Number(height)}" preserveAspectRatio="none" height="{Number(Math.Max(height, 12))}"
        role="img" aria-label="{label}">{bars}</svg>
        """);

    /// <summary>One bar. What is outside of the span, as after a clock was put back, is drawn at its edge.</summary>
    /// <param name="kind">The class of its colour.</param>
    /// <param name="from">Its beginning; 0 to 1 of the span.</param>
    /// <param name="to">Its end.</param>
    /// <param name="y">Where its row begins.</param>
    /// <param name="height">Its height.</param>
    /// <param name="title">What it is; null if something beside it says so.</param>
    public static Markup Bar(string kind, double from, double to, int y, int height, string? title)
    {
        double x = Math.Clamp(from * Width, 0, Width - MinWidth), width = Math.Clamp((to * Width) - x, MinWidth, Width - x);
        return Markup.Of($"<rect class=\"bar {kind}\" x=\"{Number(x)}\" y=\"{Number(y)}\" width=\"{Number(width)}\" "
            + $"height=\"{Number(height)}\">{(title is null ? Markup.None : Markup.Of($"<title>{title}</title>"))}</rect>");
    }

    private static string Number(double value) => value.ToString("0.#", CultureInfo.InvariantCulture);
}
