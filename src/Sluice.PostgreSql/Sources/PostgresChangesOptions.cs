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

    /// <summary>How often the source tells the server what is durable: more than zero; 5 seconds unless given. It is told more often if the
    /// server's <c>wal_sender_timeout</c> needs it.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is zero or less.</exception>
    public TimeSpan AcknowledgeInterval { get; init => field = Positive(value, nameof(AcknowledgeInterval)); } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// How often the source writes a small message into the server's log if other tables have filled it, so that an idle publication does
    /// not keep the log from being removed: more than zero; one minute unless given. It needs PostgreSQL 14.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is zero or less.</exception>
    public TimeSpan HeartbeatInterval { get; init => field = Positive(value, nameof(HeartbeatInterval)); } = TimeSpan.FromMinutes(1);

    /// <summary>Called with warnings: a server that is away, a slot in use, open transactions that hold up the snapshot. If it is not
    /// given, or throws, warnings go to the event source <c>Sluice</c> and, each text once, to standard error.</summary>
    public Action<string>? OnWarning { get; init => field = AsyncVoid.RefuseCallback(value, "PostgresChangesOptions.OnWarning"); }

    /// <summary>The clock for waits.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    private static TimeSpan Positive(TimeSpan value, string property)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(value, TimeSpan.Zero, $"{nameof(PostgresChangesOptions)}.{property}");
        return value;
    }
}
