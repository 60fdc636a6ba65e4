using Sluice.Policies;

namespace Sluice.Hosting;

/// <summary>The limits beyond which a host's health check reports <c>Degraded</c>, with the reason. Immutable.</summary>
/// <remarks>Stalls and growth are measured between calls of the check: call it several times within each duration.</remarks>
public sealed record HealthOptions
{
    /// <summary>The most items that may wait in the store of a consecutor: zero or more; unlimited (null) by default.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative.</exception>
    public long? MaxBacklog { get; init => field = OptionValue.AtLeast(0L, value, nameof(HealthOptions)); }

    /// <summary>The most dead letters of a consecutor: zero or more; zero by default. Null reports none.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative.</exception>
    public long? MaxDeadLetters { get; init => field = OptionValue.AtLeast(0L, value, nameof(HealthOptions)); } = 0;

    /// <summary>How long a consecutor or a pipeline may have items in flight without completing any: more than zero; five minutes by
    /// default.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Zero or less.</exception>
    public TimeSpan MaxStalledDuration
    {
        get;
        init => field = OptionValue.MoreThanZero(value, nameof(HealthOptions))!.Value;
    } = TimeSpan.FromMinutes(5);

    /// <summary>
    /// How long the backlog of a consecutor may grow without a pause: more than zero; 15 minutes by default. Null does not watch it. The
    /// backlog grows if it is larger at the end of each tenth of the time than at the beginning.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Zero or less.</exception>
    public TimeSpan? MaxGrowingDuration
    {
        get;
        init => field = OptionValue.MoreThanZero(value, nameof(HealthOptions));
    } = TimeSpan.FromMinutes(15);

    /// <summary>
    /// How long an accepted item of a consecutor may be outstanding: more than zero. Null, the default, does not watch it. The check of the
    /// oldest item reads up to two entries of each partition with a backlog.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Zero or less.</exception>
    public TimeSpan? MaxOutstandingDuration { get; init => field = OptionValue.MoreThanZero(value, nameof(HealthOptions)); }

    /// <summary>How long the check waits for the store before it reports that the store is away: more than zero, 49 days at most; five
    /// seconds by default.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Zero or less, or more than 49 days.</exception>
    public TimeSpan StoreTimeout { get; init => field = OptionValue.Limit(value, nameof(HealthOptions)); } = TimeSpan.FromSeconds(5);
}
