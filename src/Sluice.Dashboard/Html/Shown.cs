namespace Sluice.Dashboard.Html;

/// <summary>Figures as people read them.</summary>
internal static class Shown
{
    private const double Second = 1, Minute = 60, Hour = 3600, Day = 86400;

    public static string Count(long count) => count.ToString("N0", CultureInfo.InvariantCulture);

    public static string Share(double share)
        => share.ToString("P0", CultureInfo.InvariantCulture);

    /// <summary>A number of things: <c>1 item</c>, <c>2 items</c>.</summary>
    public static string Count(long count, string one) => $"{Count(count)} {one}{(count == 1 ? "" : "s")}";

    /// <summary>A rate per second, with two or three digits; a dash if it is not known yet.</summary>
    public static string Rate(double? perSecond) => perSecond switch
    {
        null => "–",
        0 => "0/s",
        < 9.95 => string.Create(CultureInfo.InvariantCulture, $"{perSecond:0.#}/s"),
        < 9_950 => string.Create(CultureInfo.InvariantCulture, $"{perSecond:N0}/s"),
        < 999_500 => string.Create(CultureInfo.InvariantCulture, $"{perSecond / 1000:0.#} k/s"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{perSecond / 1_000_000:0.#} M/s"),
    };

    /// <summary>A span of time in its two largest units: <c>3 min 20 s</c>. A clock that was put back gives zero.</summary>
    public static string Span(TimeSpan span)
    {
        double seconds = Math.Max(0, span.TotalSeconds);
        return seconds switch
        {
            < Second => string.Create(CultureInfo.InvariantCulture, $"{seconds * 1000:0} ms"),
            < 10 => string.Create(CultureInfo.InvariantCulture, $"{seconds:0.0} s"),
            < Minute => string.Create(CultureInfo.InvariantCulture, $"{Math.Floor(seconds):0} s"),
            < Hour => Two(seconds, Minute, "min", Second, "s"),
            < Day => Two(seconds, Hour, "h", Minute, "min"),
            _ => Two(seconds, Day, "d", Hour, "h"),
        };
    }

    /// <summary>How long something took that may be short: <c>85 µs</c>, <c>1.2 ms</c>, <c>3 min 20 s</c>.</summary>
    public static string Duration(TimeSpan span) => span.TotalMilliseconds switch
    {
        <= 0 => "0",
        < 1 => string.Create(CultureInfo.InvariantCulture, $"{span.TotalMicroseconds:0} µs"),
        < 10 => string.Create(CultureInfo.InvariantCulture, $"{span.TotalMilliseconds:0.0} ms"),
        _ => Span(span),
    };

    public static string Bytes(long bytes) => bytes switch
    {
        < 1000 => Count(bytes, "byte"),
        < 1_000_000 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1000.0:0.#} kB"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1_000_000.0:0.#} MB"),
    };

    /// <summary>A time in UTC, which the script shows in the time zone of the reader.</summary>
    public static Markup Time(DateTimeOffset time) => Markup.Of(
        $"<time datetime=\"{time.UtcDateTime.ToString("o", CultureInfo.InvariantCulture)}\">{Utc(time)}</time>");

    public static string Utc(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss 'UTC'", CultureInfo.InvariantCulture);

    private static string Two(double seconds, double large, string largeName, double small, string smallName)
    {
        long whole = (long)(seconds / large), rest = (long)(seconds % large / small);
        return rest == 0 ? $"{Count(whole)} {largeName}" : $"{Count(whole)} {largeName} {rest} {smallName}";
    }
}
