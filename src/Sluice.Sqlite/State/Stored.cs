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
