namespace Sluice.Sqlite;

/// <summary>
/// An object in memory that mirrors rows of the database. A transaction changes and marks it (<see cref="Session.Mark"/>); it is saved
/// once, before the transaction ends. Used by the writer's thread.
/// </summary>
internal abstract class Stored
{
    public bool IsMarked { get; set; }

    public abstract void Save(Database database);
}

/// <summary>The unread entries of a consumer: their number and bytes.</summary>
internal struct Backlog
{
    public long Items;
    public long Bytes;

    public void Add(long items, long bytes)
    {
        Items += items;
        Bytes += bytes;
    }
}
