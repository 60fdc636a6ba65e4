namespace Sluice.Redis;

/// <summary>Times as they are stored: in microseconds since 1970, which numbers of Lua keep exactly.</summary>
internal static class StoreTime
{
    public static long Of(DateTimeOffset time) => (time.UtcTicks - DateTimeOffset.UnixEpoch.UtcTicks) / TimeSpan.TicksPerMicrosecond;

    /// <summary>Whether there is such a time.</summary>
    public static bool IsTime(long stored)
        => stored >= -DateTimeOffset.UnixEpoch.Ticks / TimeSpan.TicksPerMicrosecond && stored <= (DateTimeOffset.MaxValue.Ticks - DateTimeOffset.UnixEpoch.Ticks) / TimeSpan.TicksPerMicrosecond;

    public static DateTimeOffset From(long stored) => new(DateTimeOffset.UnixEpoch.UtcTicks + (stored * TimeSpan.TicksPerMicrosecond), TimeSpan.Zero);
}
