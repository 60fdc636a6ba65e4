namespace Sluice.Sqlite;

/// <summary>Logs with chunks that everybody has passed, until there are enough of them to be removed at once.</summary>
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

    /// <summary>Part of a transaction.</summary>
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
