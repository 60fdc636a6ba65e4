namespace Sluice.Sqlite;

/// <summary>Rows of nodes' state.</summary>
internal static class StateCalls
{
    public static IReadOnlyList<StateRow> Read(StoredPartition partition, string node, IReadOnlyList<string> keys)
    {
        List<StateRow> found = [];
        foreach (string key in keys.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal))
        {
            Statement row = partition.Group.Session.Sql("SELECT key, version, value FROM sluice_state WHERE grp = ? AND part = ? AND node = ? AND key = ?")
                .Put(partition.Group.Id).Put(partition.Number).Put(node).Put(key);
            if (!row.Next()) continue;
            found.Add(Show(row, node));
            row.Reset();
        }
        return found;
    }

    public static IReadOnlyList<StateRow> List(StoredPartition partition, string node, string? after, int max)
    {
        List<StateRow> found = [];
        Statement rows = partition.Group.Session.Sql(
            "SELECT key, version, value FROM sluice_state WHERE grp = ? AND part = ? AND node = ? AND (? IS NULL OR key > ?) ORDER BY key LIMIT ?")
            .Put(partition.Group.Id).Put(partition.Number).Put(node).Put(after).Put(after).Put(max);
        while (rows.Next()) found.Add(Show(rows, node));
        return found;
    }

    private static StateRow Show(Statement row, string node) => new(node, row.Text(0), row.Int(1), row.Bytes(2));
}
