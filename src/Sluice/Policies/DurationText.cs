namespace Sluice.Policies;

/// <summary>Durations in errors and drawings: <c>80 ms</c>, <c>1.5 s</c>, <c>5 min</c>.</summary>
internal static class DurationText
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1), Minute = TimeSpan.FromMinutes(1), Hour = TimeSpan.FromHours(1);

    /// <summary>Formats a duration in one unit, if it has few digits in it; otherwise as hours, minutes and seconds.</summary>
    public static string Of(TimeSpan duration)
    {
        TimeSpan size = duration.Duration();
        return size == TimeSpan.Zero ? "0 s"
            : size < Second ? Number(duration.TotalMilliseconds, "ms")
            : size < Minute ? Number(duration.TotalSeconds, "s")
            : size < Hour && duration.Ticks % TimeSpan.TicksPerMinute == 0 ? Number(duration.TotalMinutes, "min")
            : duration.Ticks % TimeSpan.TicksPerHour == 0 && size.TotalHours <= 48 ? Number(duration.TotalHours, "h")
            : duration.ToString("g", CultureInfo.InvariantCulture);
    }

    private static string Number(double value, string unit) => string.Create(CultureInfo.InvariantCulture, $"{value:0.####} {unit}");
}
