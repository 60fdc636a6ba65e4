namespace Sluice.Sqlite;

/// <summary>
/// An open reader. Its expiry is not stored, so that reads need no write: <see cref="Living"/> has it. After an opening of the store, its
/// whole time begins again.
/// </summary>
internal sealed class StoredReader(long id, StoredStream stream, string name, ReaderOptions options, long[] next) : Stored
{
    private readonly long[] sums = [.. next.Select((sequence, partition) => stream.Logs[partition].SumAt(sequence - 1))];
    private readonly HashSet<int> moved = [];

    public long Id => id;
    public string Name => name;
    public ReaderOptions Options => options;
    public DateTimeOffset? ExpiresAt { get; private set; } = stream.Session.Living.ExpiryOf(id);
    public Backlog Backlog;

    public long Next(int partition) => next[partition];

    public void Use()
    {
        if (options.IdleTimeout is not { } idle) return;
        ExpiresAt = stream.Session.Now + idle;
        stream.Session.Living.SetExpiry(id, ExpiresAt.Value);
    }

    /// <summary>Counts its backlog.</summary>
    public void Count()
    {
        Backlog = default;
        for (int i = 0; i < next.Length; i++) Backlog.Add(stream.Logs[i].Tail - next[i] + 1, stream.Logs[i].Total - sums[i]);
    }

    public void MoveTo(int partition, long sequence)
    {
        long sum = stream.Logs[partition].SumAt(sequence - 1);
        Backlog.Add(next[partition] - sequence, sums[partition] - sum);
        (next[partition], sums[partition]) = (sequence, sum);
        moved.Add(partition);
        stream.Session.Mark(this);
    }

    public ReaderInfo Info() => new(name, options, [.. next], Backlog.Items);

    public override void Save(Database database)
    {
        foreach (int partition in moved)
            database.Sql("INSERT OR REPLACE INTO sluice_cursor VALUES(?, ?, ?)").Put(id).Put(partition).Put(next[partition]).Run();
        moved.Clear();
    }
}
