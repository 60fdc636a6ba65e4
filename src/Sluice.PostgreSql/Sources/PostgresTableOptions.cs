namespace Sluice.PostgreSql;

/// <summary>Options for following a table (<see cref="PostgresSource.Table"/>). Immutable.</summary>
public sealed record PostgresTableOptions
{
    private static readonly TimeSpan MaxQuietDuration = TimeSpan.FromDays(36_500);

    /// <summary>The number of rows that are read at once and held in memory: 1 or more; 1,000 unless given.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is below 1.</exception>
    public int MaxPageRows
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 1, $"{nameof(PostgresTableOptions)}.{nameof(MaxPageRows)}");
            field = value;
        }
    } = 1_000;

    /// <summary>
    /// The longest wait between two looks for new rows: 1 ms or more; one second unless given. The source looks after 10 ms first, and
    /// doubles the wait while there is nothing new. Null: the source ends when there are no more rows that it may read.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is less than one millisecond.</exception>
    public TimeSpan? PollInterval
    {
        get;
        init
        {
            if (value is { } time)
                ArgumentOutOfRangeException.ThrowIfLessThan(time, TimeSpan.FromMilliseconds(1),
                    $"{nameof(PostgresTableOptions)}.{nameof(PollInterval)}");
            field = value;
        }
    } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Whether the value of the column is always assigned by the statement that inserts the row: by an identity column, a
    /// <c>DEFAULT nextval(…)</c> or a trigger. Then only transactions that write to the table are waited for. Set it if no program fetches
    /// a value first and inserts the row later. Unless given, it holds for <c>GENERATED ALWAYS AS IDENTITY</c> only.
    /// </summary>
    public bool? IsAssignedByInsert { get; init; }

    /// <summary>How long a row is left alone after the time in its first column, for times that clients set: zero or more, at most
    /// 36,500 days; zero unless given, and one second at least where all transactions are waited for (<see cref="IsAssignedByInsert"/>). It
    /// has no effect on numbers.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is negative or too long.</exception>
    public TimeSpan QuietDuration
    {
        get;
        init
        {
            const string name = $"{nameof(PostgresTableOptions)}.{nameof(QuietDuration)}";
            ArgumentOutOfRangeException.ThrowIfLessThan(value, TimeSpan.Zero, name);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(value, MaxQuietDuration, name);
            field = value;
        }
    }

    /// <summary>Called with warnings: transactions that hold up the source, a missing index, a server that is away. If it is not given, or
    /// throws, warnings go to the event source <c>Sluice</c> and, each text once, to standard error.</summary>
    public Action<string>? OnWarning { get; init => field = AsyncVoid.RefuseCallback(value, "PostgresTableOptions.OnWarning"); }

    /// <summary>The clock for waits.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
}
