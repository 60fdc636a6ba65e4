namespace Sluice.Progress.Looks;

/// <summary>A look with what follows from earlier ones: rates, and the time that is left.</summary>
internal sealed record RatedLook(ProgressLook Look, double? PerSecond, TimeSpan? Left, IReadOnlyList<double?> RowsPerSecond);

/// <summary>Compares the looks of one display.</summary>
/// <remarks>Not thread-safe.</remarks>
internal sealed class ProgressRates(TimeProvider time)
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
            [.. look.Rows.Select(row => Rate(look, row))]);
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
