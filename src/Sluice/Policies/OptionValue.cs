namespace Sluice.Policies;

/// <summary>Validates the values of options. Exceptions name the property, such as <c>RunOptions.StopTimeout</c>.</summary>
internal static class OptionValue
{
    /// <exception cref="ArgumentNullException">Null.</exception>
    public static T NotNull<T>(T? value, string options, [CallerMemberName] string property = "") where T : class
        => value ?? throw new ArgumentNullException($"{options}.{property}",
            $"{options}.{property} cannot be null. Leave it out to have what is there unless given.");

    /// <exception cref="ArgumentOutOfRangeException">Less than the minimum.</exception>
    public static T AtLeast<T>(T min, T value, string options, [CallerMemberName] string property = "") where T : IComparable<T>
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(value, min, $"{options}.{property}");
        return value;
    }

    /// <inheritdoc cref="AtLeast{T}(T, T, string, string)"/>
    public static T? AtLeast<T>(T min, T? value, string options, [CallerMemberName] string property = "") where T : struct, IComparable<T>
        => value is { } given ? AtLeast(min, given, options, property) : null;

    /// <exception cref="ArgumentOutOfRangeException">Less than the minimum, or more than the maximum.</exception>
    public static int Between(int min, int max, int value, string options, [CallerMemberName] string property = "")
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(value, max, $"{options}.{property}");
        return AtLeast(min, value, options, property);
    }

    /// <summary>A time without an upper limit.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Zero or less.</exception>
    public static TimeSpan? MoreThanZero(TimeSpan? value, string options, [CallerMemberName] string property = "")
    {
        if (value is { } time) ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(time, TimeSpan.Zero, $"{options}.{property}");
        return value;
    }

    /// <inheritdoc cref="Waits.Check"/>
    public static TimeSpan Wait(TimeSpan value, string options, [CallerMemberName] string property = "")
        => Waits.Check(value, $"{options}.{property}");

    /// <inheritdoc cref="Waits.CheckLimit"/>
    public static TimeSpan Limit(TimeSpan value, string options, [CallerMemberName] string property = "")
        => Waits.CheckLimit(value, $"{options}.{property}");

    /// <summary>The time between two looks, at least one millisecond. Timers cut less to zero: the looks would follow without a
    /// pause.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than one millisecond, or above 49 days.</exception>
    public static TimeSpan? Interval(TimeSpan? value, string options, [CallerMemberName] string property = "")
        => AtLeast(TimeSpan.FromMilliseconds(1), Limit(value, options, property), options, property);

    /// <inheritdoc cref="Waits.CheckSpan"/>
    public static TimeSpan Span(TimeSpan value, string options, [CallerMemberName] string property = "")
        => Waits.CheckSpan(value, $"{options}.{property}");

    /// <inheritdoc cref="Waits.CheckLimit"/>
    public static TimeSpan? Limit(TimeSpan? value, string options, [CallerMemberName] string property = "")
        => value is { } given ? Limit(given, options, property) : null;
}
