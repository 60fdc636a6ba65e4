namespace Sluice.PostgreSql;

/// <summary>Options for following a publication (<see cref="PostgresSource.Changes"/>). Immutable.</summary>
public sealed record PostgresChangesOptions
{
    /// <summary>
    /// The name of the replication slot: lower-case letters, digits and underscores, 63 at most. Unless given, the source makes a name of
    /// its own name and a random number. It creates the slot in either case.
    /// </summary>
    /// <exception cref="ArgumentException">The name is not allowed.</exception>
    public string? Slot
    {
        get;
        init
        {
            if (value is not null && (value.Length is 0 or > 63 || !value.All(static letter => letter is '_' or (>= 'a' and <= 'z')
                or (>= '0' and <= '9'))))
                throw new ArgumentException($"'{value}' cannot be the name of a slot: 1 to 63 lower-case letters, digits and underscores.",
                    nameof(value));
            field = value;
        }
    }

    /// <summary>Whether the rows that are in the tables at the start come first. True unless given.</summary>
    public bool HasSnapshot { get; init; } = true;

    /// <summary>How often the source tells the server what is durable: 1 ms or more; 5 seconds unless given. It is told more often if the
    /// server's <c>wal_sender_timeout</c> needs it.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is less than one millisecond.</exception>
    public TimeSpan AcknowledgeInterval { get; init => field = Interval(value, nameof(AcknowledgeInterval)); } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// How often the source writes a small message into the server's log if other tables have filled it, so that an idle publication does
    /// not keep the log from being removed: 1 ms or more; one minute unless given. It needs PostgreSQL 14.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is less than one millisecond.</exception>
    public TimeSpan HeartbeatInterval { get; init => field = Interval(value, nameof(HeartbeatInterval)); } = TimeSpan.FromMinutes(1);

    /// <summary>Called with warnings: a server that is away, a slot in use, open transactions that hold up the snapshot. If it is not
    /// given, or throws, warnings go to the event source <c>Sluice</c> and, each text once, to standard error.</summary>
    public Action<string>? OnWarning { get; init => field = AsyncVoid.RefuseCallback(value, "PostgresChangesOptions.OnWarning"); }

    /// <summary>The clock for waits.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    // Timers cut less to zero: there would be no pause.
    private static TimeSpan Interval(TimeSpan value, string property)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(value, TimeSpan.FromMilliseconds(1), $"{nameof(PostgresChangesOptions)}.{property}");
        return value;
    }
}
