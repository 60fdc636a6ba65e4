using System.Data.Common;
using Sluice.Policies;

namespace Sluice;

/// <summary>Options for reading the rows of a query (<see cref="Source.Query"/>). Immutable.</summary>
public sealed record QueryOptions
{
    /// <summary>
    /// The number of rows that are read at once and held in memory, which is the parameter <c>take</c>: 1 or more; 1,000 unless given.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is below 1.</exception>
    public int MaxPageRows { get; init => field = OptionValue.AtLeast(1, value, nameof(QueryOptions)); } = 1_000;

    /// <summary>
    /// The wait between an empty result and the next query: 1 ms or more. Null unless given: the source then ends when there are no more
    /// rows.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is less than one millisecond, or more than 49 days.</exception>
    public TimeSpan? PollInterval { get; init => field = OptionValue.Interval(value, nameof(QueryOptions)); }

    /// <summary>
    /// Called with each command before it runs: to set a timeout, further parameters, or parameter types that the provider does not choose
    /// as the table needs them.
    /// </summary>
    public Action<DbCommand>? Configure { get; init => field = AsyncVoid.RefuseCallback(value, "QueryOptions.Configure"); }

    /// <summary>
    /// The order in which the database sorts text of the key: by code points unless given, like <c>BINARY</c> of SQLite and <c>"C"</c> of
    /// PostgreSQL. Request that order in the query; other orders change with versions of the system.
    /// </summary>
    public IComparer<string>? TextOrder { get; init; }

    /// <summary>The clock for the waits between queries; the system's unless given, also if <see cref="RunOptions.Time"/> is another
    /// one.</summary>
    /// <exception cref="ArgumentNullException">The value is null.</exception>
    public TimeProvider Time { get; init => field = OptionValue.NotNull(value, nameof(QueryOptions)); } = TimeProvider.System;
}
