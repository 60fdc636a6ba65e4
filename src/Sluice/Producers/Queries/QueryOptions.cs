using System.Data.Common;

namespace Sluice;

/// <summary>How the rows of a query are read (<see cref="Source.Query"/>). Immutable.</summary>
public sealed record QueryOptions
{
    private readonly int pageRows = 1_000;
    private readonly TimeSpan? poll;

    /// <summary>How many rows are read at once, and are in memory: the value of the parameter <c>take</c>. 1 or more, 1,000 unless given.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Below 1.</exception>
    public int MaxPageRows
    {
        get => pageRows;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 1);
            pageRows = value;
        }
    }

    /// <summary>How long after a look that found no row it is looked for new ones; more than zero. Null, unless given, ends when there are no more.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Zero or less.</exception>
    public TimeSpan? PollInterval
    {
        get => poll;
        init
        {
            if (value is { } time) ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(time, TimeSpan.Zero, nameof(value));
            poll = value;
        }
    }

    /// <summary>Called with each command before it is run: for a time limit, further parameters, or types of parameters that the provider does not choose as the table needs them.</summary>
    public Action<DbCommand>? Configure { get; init; }

    /// <summary>
    /// In which order the database sorts texts of the key; by code points unless given, as <c>BINARY</c> of SQLite and <c>"C"</c> of PostgreSQL do. Say in the query that it is to sort so; other
    /// orders change with versions of the system.
    /// </summary>
    public IComparer<string>? TextOrder { get; init; }

    /// <summary>The clock of the waiting.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
}
