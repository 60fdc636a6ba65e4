namespace Sluice.Policies;

/// <summary>Validates times for timers.</summary>
internal static class Waits
{
    private static readonly TimeSpan longestSpan = TimeSpan.FromDays(36_500);

    public static TimeSpan Longest { get; } = TimeSpan.FromDays(49);

    /// <returns>The time, if it is valid.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The time is negative, or above 49 days.</exception>
    public static TimeSpan Check(TimeSpan wait, [CallerArgumentExpression(nameof(wait))] string? name = null)
        => Range(wait, Longest, name);

    /// <returns>The time limit, if it is valid.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The limit is zero or negative, or above 49 days.</exception>
    public static TimeSpan CheckLimit(TimeSpan limit, [CallerArgumentExpression(nameof(limit))] string? name = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(limit, TimeSpan.Zero, name);
        return Check(limit, name);
    }

    /// <returns>The time, if its sum with the current time cannot overflow.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The time is negative, or above 36,500 days.</exception>
    public static TimeSpan CheckSpan(TimeSpan span, [CallerArgumentExpression(nameof(span))] string? name = null)
        => Range(span, longestSpan, name);

    /// <inheritdoc cref="CheckSpan"/>
    /// <exception cref="ArgumentOutOfRangeException">The time is zero or negative, or above 36,500 days.</exception>
    public static TimeSpan CheckPositive(TimeSpan span, [CallerArgumentExpression(nameof(span))] string? name = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(span, TimeSpan.Zero, name);
        return CheckSpan(span, name);
    }

    private static TimeSpan Range(TimeSpan time, TimeSpan longest, string? name)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(time, TimeSpan.Zero, name);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(time, longest, name);
        return time;
    }
}
