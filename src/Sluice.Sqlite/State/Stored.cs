namespace Sluice.Sqlite;

/// <summary>
/// Something of the store's that is kept in memory as it is in the database. A transaction changes the object and marks it
/// (<see cref="Session.Mark"/>); it is written once, before the transaction ends. Used by the writer's thread.
/// </summary>
internal abstract class Stored
{
    public bool IsMarked { get; set; }

    public abstract void Save(Database database);
}

/// <summary>What a consumer has before it.</summary>
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
