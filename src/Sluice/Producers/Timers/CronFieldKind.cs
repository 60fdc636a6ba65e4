namespace Sluice.Producers;

/// <summary>One of the six fields of a cron expression: its name and its allowed values.</summary>
internal sealed record CronFieldKind(string Name, int Min, int Max, string[] Names, string Allowed)
{
    private const string Forms = "*, ranges a-b, steps a/n and lists a,b";

    internal static readonly CronFieldKind Second = new("second", 0, 59, [], $"0-59, {Forms}");

    internal static readonly CronFieldKind Minute = new("minute", 0, 59, [], $"0-59, {Forms}");

    internal static readonly CronFieldKind Hour = new("hour", 0, 23, [], $"0-23, {Forms}");

    internal static readonly CronFieldKind Day = new("day of month", 1, 31, [], $"1-31, {Forms}, ?, L, L-n, LW and nW");

    internal static readonly CronFieldKind Month = new(
        "month", 1, 12, ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"], $"1-12, JAN-DEC, {Forms}");

    internal static readonly CronFieldKind Weekday = new(
        "day of week", 0, 7, ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"],
            $"0-7, SUN-SAT, {Forms}, ?, dL (the last) and d#n (the n-th)");

    /// <summary>All fields, in the order of an expression with six fields.</summary>
    internal static readonly CronFieldKind[] All = [Second, Minute, Hour, Day, Month, Weekday];

    /// <summary>The number of different values; Sunday counts once, although it has two numbers.</summary>
    internal int Count => ReferenceEquals(this, Weekday) ? 7 : Max - Min + 1;

    internal bool IsDays => ReferenceEquals(this, Day) || ReferenceEquals(this, Weekday);
}
