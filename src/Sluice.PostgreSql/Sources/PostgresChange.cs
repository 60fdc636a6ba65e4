namespace Sluice.PostgreSql;

/// <summary>What has happened to a row or a table.</summary>
public enum PostgresChangeKind
{
    /// <summary>A snapshot begins: what an earlier, interrupted snapshot has told is void.</summary>
    SnapshotStarted,

    /// <summary>A row that was there when the snapshot was taken.</summary>
    SnapshotRow,

    /// <summary>The snapshot is complete. Changes follow.</summary>
    SnapshotEnded,

    /// <summary>A row was inserted.</summary>
    Insert,

    /// <summary>A row was updated.</summary>
    Update,

    /// <summary>A row was deleted.</summary>
    Delete,

    /// <summary>All rows of the table were removed.</summary>
    Truncate,
}

/// <summary>A change of a table of a publication (<see cref="PostgresSource.Changes"/>). Immutable.</summary>
/// <param name="Kind">What has happened.</param>
/// <param name="Schema">The schema of the table; empty where a snapshot begins or ends.</param>
/// <param name="Table">The name of the table; empty where a snapshot begins or ends.</param>
public sealed record PostgresChange(PostgresChangeKind Kind, string Schema, string Table)
{
    /// <summary>The row afterwards; null for <c>Delete</c>, <c>Truncate</c>, and the beginning and end of a snapshot.</summary>
    public PostgresRow? Row { get; init; }

    /// <summary>
    /// The row before an update or delete. It has all columns if the table has <c>REPLICA IDENTITY FULL</c>; otherwise only the columns of
    /// the key, and for an update only if the key has changed. Null otherwise.
    /// </summary>
    public PostgresRow? OldRow { get; init; }

    /// <summary>The number of the transaction; zero in a snapshot.</summary>
    public uint TransactionId { get; init; }

    /// <summary>The place of the transaction's commit in the log, which increases from one transaction to the next. In a snapshot, the
    /// place at which it was taken.</summary>
    public ulong CommitLsn { get; init; }

    /// <summary>When the transaction was committed, by the server's clock; the minimum in a snapshot.</summary>
    public DateTimeOffset CommitTime { get; init; }

    /// <summary>Whether it is the last change of its transaction.</summary>
    public bool IsLastOfTransaction { get; init; }
}
