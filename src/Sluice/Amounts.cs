using System.Globalization;

namespace Sluice;

/// <summary>Writes amounts with their units for people: <c>1 item</c>, <c>2,000 items</c>, <c>0.5 seconds</c>.</summary>
/// <remarks>Sluice.Hosting has the same file.</remarks>
internal static class Amounts
{
    /// <param name="count">The number.</param>
    /// <param name="one">What is counted, in the singular; its plural ends in <c>s</c>.</param>
    public static string Of(long count, string one) => Of(Of(count), one);

    public static string Of(long count) => count.ToString("N0", CultureInfo.InvariantCulture);

    /// <summary>A limit that was set: in seconds, to the millisecond, or in minutes if that is as exact.</summary>
    public static string Exactly(TimeSpan time)
        => time.TotalMinutes >= 2 && time.Ticks % TimeSpan.TicksPerMinute == 0 ? Of(time.Ticks / TimeSpan.TicksPerMinute, "minute")
            : Of(time.TotalSeconds.ToString("#,0.###", CultureInfo.InvariantCulture), "second");

    /// <summary>A time that was measured: in whole seconds, and from two minutes on in whole minutes.</summary>
    public static string About(TimeSpan time)
        => time.TotalMinutes >= 2 ? Of((long)Math.Round(time.TotalMinutes), "minute") : Of((long)Math.Round(time.TotalSeconds), "second");

    private static string Of(string number, string one) => $"{number} {one}{(number == "1" ? "" : "s")}";
}
