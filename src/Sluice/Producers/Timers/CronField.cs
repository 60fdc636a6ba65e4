namespace Sluice.Producers;

/// <summary>The values that a field of a cron expression allows.</summary>
/// <param name="Bits">Bit n is set if n is allowed.</param>
/// <param name="StartsWithStar">Whether the field begins with <c>*</c> or <c>?</c>. It decides how the two day fields combine, and whether
/// a schedule follows the wall clock.</param>
/// <param name="Days">Days that depend on the month.</param>
internal sealed record CronField(ulong Bits, bool StartsWithStar, IReadOnlyList<CronDay> Days)
{
    /// <summary>The first allowed value from <paramref name="value"/> on; -1 if there is none.</summary>
    internal int NextFrom(int value) => Next(Bits, value);

    internal static int Next(ulong bits, int from)
    {
        var rest = from > 63 ? 0 : bits >> from << from;
        return rest == 0 ? -1 : System.Numerics.BitOperations.TrailingZeroCount(rest);
    }
}

/// <summary>A day that depends on the month.</summary>
internal readonly record struct CronDay(CronDayKind Kind, int Value, int Nth = 0);

internal enum CronDayKind
{
    /// <summary>Value days before the last of the month: <c>L</c>, <c>L-3</c>.</summary>
    FromLast,

    /// <summary>The working day nearest to the day Value: <c>15W</c>.</summary>
    NearestWorkingDay,

    /// <summary>The last working day: <c>LW</c>.</summary>
    LastWorkingDay,

    /// <summary>The last weekday Value of the month: <c>5L</c>.</summary>
    LastWeekday,

    /// <summary>The Nth weekday Value of the month: <c>5#2</c>.</summary>
    NthWeekday,
}
