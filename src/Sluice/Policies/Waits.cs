using System.Runtime.CompilerServices;

namespace Sluice;

/// <summary>Times that a timer can wait.</summary>
internal static class Waits
{
    public static TimeSpan Longest { get; } = TimeSpan.FromDays(49);

    /// <returns>The time.</returns>
    /// <exception cref="ArgumentOutOfRangeException">Negative, or more than 49 days.</exception>
    public static TimeSpan Check(TimeSpan wait, [CallerArgumentExpression(nameof(wait))] string? name = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(wait, TimeSpan.Zero, name);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(wait, Longest, name);
        return wait;
    }

    /// <returns>The time, of something that takes some.</returns>
    /// <exception cref="ArgumentOutOfRangeException">Zero or less, or more than 49 days.</exception>
    public static TimeSpan CheckLimit(TimeSpan limit, [CallerArgumentExpression(nameof(limit))] string? name = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(limit, TimeSpan.Zero, name);
        return Check(limit, name);
    }
}
