namespace Sluice.Redis;

/// <summary>Stored times: microseconds since 1970, which Lua numbers represent exactly.</summary>
internal static class StoreTime
{
    public static long Of(DateTimeOffset time) => (time.UtcTicks - DateTimeOffset.UnixEpoch.UtcTicks) / TimeSpan.TicksPerMicrosecond;

    /// <summary>Whether a stored value is a valid time.</summary>
    public static bool IsTime(long stored)
        => stored >= -DateTimeOffset.UnixEpoch.Ticks / TimeSpan.TicksPerMicrosecond
        && stored <= (DateTimeOffset.MaxValue.Ticks - DateTimeOffset.UnixEpoch.Ticks) / TimeSpan.TicksPerMicrosecond;

    public static DateTimeOffset From(long stored)
        => new(DateTimeOffset.UnixEpoch.UtcTicks + (stored * TimeSpan.TicksPerMicrosecond), TimeSpan.Zero);
}
