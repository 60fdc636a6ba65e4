namespace Sluice.Sqlite;

/// <summary>The logs with chunks that all consumers have passed, collected until there are enough to remove together.</summary>
internal sealed class Trims(Session session)
{
    private const long Many = 256 << 10;             // bytes
    private readonly HashSet<StoredLog> logs = [];
    private long bytes;

    public bool AreAny => logs.Count > 0;
    public bool AreMany => bytes >= Many;

    public void Add(StoredLog log, long more)
    {
        logs.Add(log);
        bytes += more;
    }

    /// <summary>Removes the collected chunks; within a transaction.</summary>
    public void Remove()
    {
        session.Making.Write();
        foreach (StoredLog log in logs) log.Remove();
        session.Blocks.Sweep();
        Clear();
    }

    public void Forget(StoredStream stream) => logs.RemoveWhere(log => log.Stream == stream);

    public void Clear()
    {
        logs.Clear();
        bytes = 0;
    }
}
