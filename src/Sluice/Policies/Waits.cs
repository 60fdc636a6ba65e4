namespace Sluice.Policies;

/// <summary>Validates times for timers.</summary>
internal static class Waits
{
    public static TimeSpan Longest { get; } = TimeSpan.FromDays(49);

    /// <returns>The time, if it is valid.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The time is negative, or above 49 days.</exception>
    public static TimeSpan Check(TimeSpan wait, [CallerArgumentExpression(nameof(wait))] string? name = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(wait, TimeSpan.Zero, name);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(wait, Longest, name);
        return wait;
    }

    /// <returns>The time limit, if it is valid.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The limit is zero or negative, or above 49 days.</exception>
    public static TimeSpan CheckLimit(TimeSpan limit, [CallerArgumentExpression(nameof(limit))] string? name = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(limit, TimeSpan.Zero, name);
        return Check(limit, name);
    }
}
