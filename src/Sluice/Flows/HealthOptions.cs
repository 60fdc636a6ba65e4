namespace Sluice.Flows;

/// <summary>The limits beyond which a host's health check reports <c>Degraded</c>, with the reason. Immutable.</summary>
public sealed record HealthOptions
{
    /// <summary>The most items that may wait in the store of a consecutor: zero or more; unlimited (null) by default.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative.</exception>
    public long? MaxBacklog
    {
        get;
        init => field = Checked(value, nameof(MaxBacklog));
    }

    /// <summary>The most dead letters of a consecutor: zero or more; zero by default. Null reports none.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative.</exception>
    public long? MaxDeadLetters
    {
        get;
        init => field = Checked(value, nameof(MaxDeadLetters));
    } = 0;

    /// <summary>How long a consecutor may have items in flight without completing any: more than zero; five minutes by default.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Zero or less.</exception>
    public TimeSpan MaxStalledDuration
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(value, TimeSpan.Zero,
                $"{nameof(HealthOptions)}.{nameof(MaxStalledDuration)}");
            field = value;
        }
    } = TimeSpan.FromMinutes(5);

    private static long? Checked(long? value, string property)
    {
        if (value is { } limit) ArgumentOutOfRangeException.ThrowIfNegative(limit, $"{nameof(HealthOptions)}.{property}");
        return value;
    }
}
