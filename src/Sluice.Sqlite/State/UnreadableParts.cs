namespace Sluice.Sqlite;

/// <summary>
/// Blocks and chunks that SQLite could not read or delete a moment ago. SQLite does not commit a transaction in which a statement has met
/// damage, even if its failure was handled. Such a transaction is rolled back, and its calls are repeated alone: they find the part here,
/// and do not touch its pages again. Parts are forgotten after <see cref="Lasts"/>, because a later read may succeed.
/// </summary>
/// <remarks>Not thread-safe: it belongs to the thread of the session.</remarks>
internal sealed class UnreadableParts
{
    /// <summary>Shorter than the longest pause of a consecutor that waits for a repair.</summary>
    public static readonly TimeSpan Lasts = TimeSpan.FromSeconds(30);

    private readonly Dictionary<Part, (string Reason, DateTimeOffset End)> parts = [];
    private DateTimeOffset end;                      // the last of all ends

    private enum Kind
    {
        Block,
        Chunk,
        BlockToDelete,
        ChunksToDelete,                              // those of a log
        ReadAhead
    }

    /// <summary>How often a part was added that was not known, or was forgotten.</summary>
    public long Added { get; private set; }

    /// <summary>Whether no part is forgotten, because a call is repeated: the disk may take longer for each part than
    /// <see cref="Lasts"/>.</summary>
    public bool Keeps { get; set; }

    /// <summary>Returns what SQLite said of a block; null if it may be read.</summary>
    public string? OfBlock(long id, DateTimeOffset now) => Find(new(Kind.Block, id), now);

    /// <summary>Returns what SQLite said of a chunk with a row; null if it may be read.</summary>
    public string? OfChunk(long log, long first, DateTimeOffset now) => Find(new(Kind.Chunk, log, first), now);

    /// <summary>Whether the chunks of a log with rows could not be deleted.</summary>
    public bool HasUndeletable(long log, DateTimeOffset now) => Find(new(Kind.ChunksToDelete, log), now) is not null;

    /// <summary>Whether a block, which may be sound, could not be deleted or split: SQLite changes pages beside it, too.</summary>
    public bool IsUndeletable(long block, DateTimeOffset now) => Find(new(Kind.BlockToDelete, block), now) is not null;

    /// <summary>Whether there is any part.</summary>
    public bool AreAny(DateTimeOffset now) => Keeps ? parts.Count > 0 : now < end;

    public void AddBlock(long id, SqliteFailure failure, DateTimeOffset now) => Add(new(Kind.Block, id), failure, now);

    public void AddChunk(long log, long first, SqliteFailure failure, DateTimeOffset now) => Add(new(Kind.Chunk, log, first), failure, now);

    public void AddUndeletable(long log, SqliteFailure failure, DateTimeOffset now) => Add(new(Kind.ChunksToDelete, log), failure, now);

    public void AddUndeletableBlock(long id, SqliteFailure failure, DateTimeOffset now) => Add(new(Kind.BlockToDelete, id), failure, now);

    /// <summary>Adds a part that was read ahead: while there is any part, nothing is read ahead.</summary>
    public void AddReadAhead(SqliteFailure failure, DateTimeOffset now) => Add(new(Kind.ReadAhead), failure, now);

    /// <summary>Forgets a block whose id is used again, because its transaction was rolled back.</summary>
    public void ForgetBlock(long id)
    {
        if (parts.Count == 0) return;
        parts.Remove(new(Kind.Block, id));
        parts.Remove(new(Kind.BlockToDelete, id));
    }

    private string? Find(Part part, DateTimeOffset now)
        => AreAny(now) && parts.TryGetValue(part, out (string Reason, DateTimeOffset End) found) && (Keeps || now < found.End)
            ? found.Reason : null;

    private void Add(Part part, SqliteFailure failure, DateTimeOffset now)
    {
        if (!Keeps)
            foreach (Part former in parts.Where(one => one.Value.End <= now).Select(static one => one.Key).ToArray()) parts.Remove(former);
        if (!parts.ContainsKey(part)) Added++;
        end = now + Lasts;
        parts[part] = ($"SQLite says: {failure.Message}", end);
    }

    /// <summary>What could not be read or deleted.</summary>
    /// <param name="Kind">The kind.</param>
    /// <param name="Id">The id of the block, or of the log.</param>
    /// <param name="First">The first entry of the chunk.</param>
    private readonly record struct Part(Kind Kind, long Id = 0, long First = 0);
}
