namespace Sluice.Progress.Looks;

/// <summary>A look with what follows from earlier ones: rates, and the time that is left.</summary>
/// <param name="Look">The look.</param>
/// <param name="PerSecond">The rate of the whole; null if there is none yet.</param>
/// <param name="Left">The time that is left; null if it is unknown.</param>
/// <param name="Rows">The rows that are shown, with their rates.</param>
internal sealed record RatedLook(ProgressLook Look, double? PerSecond, TimeSpan? Left, IReadOnlyList<RatedRow> Rows);

/// <summary>A row with its rate; null if there is none yet.</summary>
internal readonly record struct RatedRow(ProgressRow Row, double? PerSecond);

/// <summary>Compares the looks of one display.</summary>
/// <remarks>Not thread-safe.</remarks>
internal sealed class ProgressRates(TimeProvider time, int maxRows)
{
    private static readonly TimeSpan MaxLeft = TimeSpan.FromDays(365);

    private readonly RateWindow done = new(time), left = new(time);
    private readonly Dictionary<string, RateWindow> rows = new(StringComparer.Ordinal);

    public RatedLook Add(ProgressLook look)
    {
        double? perSecond = done.Add(look.Done);
        TimeSpan? rest = null;
        // What arrives meanwhile counts, too: the time that is left is that of the remainder at the speed at which it shrinks.
        if (look.Total is { } total && left.Add(total - look.Done) is < 0 and var shrinks && look is { HasEstimate: true, IsOver: false })
            rest = (total - look.Done) / -shrinks is var seconds && seconds >= 0 && seconds < MaxLeft.TotalSeconds
                ? TimeSpan.FromSeconds(seconds) : null;
        return new(look, IsWhole(look) && look.Elapsed > look.ElapsedBefore
            ? (look.Done - look.DoneBefore) / (look.Elapsed - look.ElapsedBefore).TotalSeconds : perSecond, rest,
            RateRows(look));
    }

    // A task graph may have 100,000 names of steps: samples are kept of the rows that are shown.
    private RatedRow[] RateRows(ProgressLook look)
    {
        List<ProgressRow> chosen = [.. look.Rows.Take(maxRows)];
        if (look.Rows.Skip(maxRows).FirstOrDefault(row => row.Name == look.Bottleneck) is { } bottleneck) chosen[^1] = bottleneck;
        RatedRow[] rated = [.. chosen.Select(row => new RatedRow(row, Rate(look, row)))];
        if (rows.Count <= chosen.Count) return rated;
        HashSet<string> names = [.. chosen.Select(static row => row.Name)];
        foreach (string name in rows.Keys)
            if (!names.Contains(name)) rows.Remove(name);
        return rated;
    }

    private double? Rate(ProgressLook look, ProgressRow row)
    {
        double? rate = Window(row.Name).Add(row.Done);
        return IsWhole(look) ? row.Done / look.Elapsed.TotalSeconds : rate;
    }

    // After the end, rates are those of the whole run.
    private static bool IsWhole(ProgressLook look) => look.IsOver && look.Elapsed > TimeSpan.Zero;

    private RateWindow Window(string row) => rows.TryGetValue(row, out RateWindow? window) ? window : rows[row] = new(time);
}
