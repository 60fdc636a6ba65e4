using System.Text;

namespace Sluice.Dashboard.Pages;

/// <summary>A small line of the values of the last ten minutes.</summary>
internal static class Sparkline
{
    private const double Width = 120, Height = 24, MinSeconds = 60, MinGap = 10;

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
        // While no page was open, nothing was counted: the line has a gap there.
        double gap = Math.Max(MinGap, 5 * seconds / Math.Max(1, values.Count));
        var drawn = new StringBuilder();
        for (int first = 0, next = 1; first < values.Count; first = next++)
        {
            while (next < values.Count && values[next - 1].Age - values[next].Age <= gap) next++;
            string line = string.Join(' ', values.Skip(first).Take(next - first).Select(Point));
            double last = next == values.Count ? Width : At(values[next - 1].Age);
            if (next - first > 1) drawn.Append(CultureInfo.InvariantCulture,
                $"<polygon points=\"{At(values[first].Age):0.#},24 {line} {last:0.#},24\"/><polyline points=\"{line}\"/>");
        }
        return Markup.Of($"""
            <svg class="spark" viewBox="0 0 120 24" role="img" aria-label="{label}">{Markup.Written(drawn.ToString())}</svg>
            """);

        double At(double age) => Width * (1 - Math.Min(age / seconds, 1));

        string Point((double Age, double Value) one) => string.Create(CultureInfo.InvariantCulture,
            $"{At(one.Age):0.#},{Height - 1 - (highest > 0 ? one.Value / highest * (Height - 2) : 0):0.#}");
    }
}
