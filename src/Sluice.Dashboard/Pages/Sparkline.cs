using System.Text;
using Sluice.Dashboard.Sampling;

namespace Sluice.Dashboard.Pages;

/// <summary>A small line of the values of the last ten minutes.</summary>
internal static class Sparkline
{
    private const double Width = 120, Height = 24, MinSeconds = 60;

    /// <summary>
    /// Draws a line over the time for which there are values, a minute at least; its text says what it shows, for those who do not see it.
    /// </summary>
    public static Markup Draw(History history, string what)
    {
        IReadOnlyList<(double Age, double Value)> values = history.Values();
        double highest = values.Count == 0 ? 0 : values.Max(static one => one.Value);
        double seconds = Math.Max(MinSeconds, values.Count == 0 ? 0 : values[0].Age);
        string span = Shown.Span(TimeSpan.FromMinutes(Math.Round(seconds / 60)));
        string label = $"{what}, the last {span}: highest {highest.ToString("N0", CultureInfo.InvariantCulture)}";
        var points = new StringBuilder();
        foreach ((double age, double value) in values)
        {
            double x = Width * (1 - Math.Min(age / seconds, 1)), y = Height - 1 - (highest > 0 ? value / highest * (Height - 2) : 0);
            points.Append(CultureInfo.InvariantCulture, $"{x:0.#},{y:0.#} ");
        }
        string line = points.ToString().TrimEnd();
        return Markup.Of($"""
            <svg class="spark" viewBox="0 0 120 24" role="img" aria-label="{label}">{(values.Count < 2 ? Markup.None
                : Markup.Of($"<polygon points=\"{line[..line.IndexOf(',', StringComparison.Ordinal)]},24 {line} 120,24\"/>"))}<polyline
            points="{line}"/></svg>
            """);
    }
}
