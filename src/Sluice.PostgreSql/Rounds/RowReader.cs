namespace Sluice.PostgreSql;

/// <summary>Reads the rows of a round, in the columns that <see cref="RoundLoader"/> asks for.</summary>
internal static class RowReader
{
    public static StreamRow ReadStream(NpgsqlDataReader row, int from = 0) => new()
    {
        Id = row.GetInt64(from),
        Name = row.GetString(from + 1),
        Options = new()
        {
            Partitions = row.GetInt32(from + 2),
            MaxItems = row.GetInt64(from + 3),
            MaxBytes = row.GetInt64(from + 4),
            MaxEntryBytes = row.GetInt32(from + 5),
            Retention = (Retention)row.GetInt32(from + 6),
        },
        End = row.GetBoolean(from + 7) ? row.TextOrNull(from + 8) is { } failure ? new(failure) : StreamEnd.Complete : null,
        Next = row.GetInt32(from + 9),
        Items = row.GetInt64(from + 10),
        Bytes = row.GetInt64(from + 11),
        Gone = row.GetInt64(from + 12),
        GoneBytes = row.GetInt64(from + 13),
        Time = row.GetInt64(from + 14),
        StoredHeld = (row.GetInt64(from + 15), row.GetInt64(from + 16)),
        Stamp = row.GetInt64(from + 17),
    };

    public static GroupRow ReadGroup(StreamRow stream, NpgsqlDataReader row)
        => new(stream, row.GetInt64(1), row.GetString(2))
        {
            Items = row.GetInt64(3),
            Bytes = row.GetInt64(4),
            Dead = row.GetInt64(5),
            LastDead = row.GetInt64(6),
            QuarantineOwner = row.TextOrNull(7),
            QuarantineEpoch = row.GetInt64(8),
            Paused = row.LongOrNull(9),
            IsDraining = row.GetBoolean(10),
        };

    public static ReaderRow ReadReader(NpgsqlDataReader row) => new()
    {
        Id = row.GetInt64(1),
        Name = row.GetString(2),
        Options = new()
        {
            Start = (StreamStart)row.GetInt32(3),
            IdleTimeout = row.LongOrNull(4) is { } idle ? TimeSpan.FromTicks(idle) : null,
            AppliesBackpressure = row.GetBoolean(5),
        },
        Expires = row.LongOrNull(6),
        Items = row.GetInt64(7),
        Bytes = row.GetInt64(8),
    };

    public static PartRow ReadPart(StreamRow stream, NpgsqlDataReader row, int from = 0)
    {
        int number = row.GetInt32(from + 1);
        if (stream.Parts.TryGetValue(number, out PartRow? known)) return known;
        long tail = row.GetInt64(from + 2);
        return stream.Parts[number] = new(stream, number)
        {
            Tail = tail,
            StoredTail = tail,
            Bytes = row.GetInt64(from + 3),
            Trimmed = row.GetInt64(from + 4),
            Swept = row.GetInt64(from + 5)
        };
    }

    public static OwnedRow ReadOwned(GroupRow group, NpgsqlDataReader row, int from)
    {
        int number = row.GetInt32(from + 1);
        if (group.Owned.TryGetValue(number, out OwnedRow? known)) return known;
        return group.Owned[number] = new(group, number)
        {
            Epoch = row.GetInt64(from + 2),
            Owner = row.TextOrNull(from + 3),
            Instance = row.TextOrNull(from + 4),
            OwnerVersion = row.GetInt32(from + 5),
            Version = row.GetInt32(from + 6),
            Dispatched = row.GetInt64(from + 7),
            Done = row.GetInt64(from + 8),
            LastCommit = row.GetInt64(from + 9),
            CommitEpoch = row.GetInt64(from + 10),
            LastOwn = row.GetInt64(from + 11),
            Rows = row.GetInt32(from + 12),
            Flying = row.GetInt32(from + 13),
            Retrying = row.GetInt32(from + 14),
            Suspects = row.GetInt32(from + 15),
            Passed = SequenceSet.Read(row.Bytes(from + 16)),
        };
    }

    public static void AddProducer(StreamRow stream, NpgsqlDataReader row)
        => stream.Producers[row.GetString(1)] = ReadProducer(row, stream.Name);

    public static ProducerRow ReadProducer(NpgsqlDataReader row, string stream) => new(row.GetString(1))
    {
        Epoch = row.GetInt64(2),
        Last = row.GetInt64(3),
        LastFrom = row.GetInt64(4),
        LastId = row.IsDBNull(5) ? null : new(row.GetInt32(7), stream, row.GetInt32(5), row.GetInt64(6)),
        Position = row.Bytes(8),
        Forget = row.LongOrNull(9),
    };
}
