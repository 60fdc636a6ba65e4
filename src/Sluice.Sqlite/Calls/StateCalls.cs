namespace Sluice.Sqlite;

/// <summary>Calls about rows of nodes' state.</summary>
internal static class StateCalls
{
    public static IReadOnlyList<StateRow> Read(StoredPartition partition, string node, IReadOnlyList<string> keys)
    {
        List<StateRow> found = [];
        foreach (string key in keys.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal))
        {
            Statement row = partition.Group.Session.Sql(
                "SELECT key, version, value, sum FROM sluice_state WHERE grp = ? AND part = ? AND node = ? AND key = ?")
                .Put(partition.Group.Id).Put(partition.Number).Put(node).Put(key);
            if (!row.Next()) continue;
            found.Add(Show(partition, row, node));
            row.Reset();
        }
        return found;
    }

    public static IReadOnlyList<StateRow> List(StoredPartition partition, string node, string? after, int max)
    {
        List<StateRow> found = [];
        Statement rows = partition.Group.Session.Sql(
            "SELECT key, version, value, sum FROM sluice_state WHERE grp = ? AND part = ? AND node = ? AND (? IS NULL OR key > ?) ORDER "
                + "BY key LIMIT ?")
            .Put(partition.Group.Id).Put(partition.Number).Put(node).Put(after).Put(after).Put(max);
        while (rows.Next()) found.Add(Show(partition, rows, node));
        return found;
    }

    /// <summary>
    /// Lists nodes by skipping along the primary key, so that the time depends on the number of rows only if they are counted.
    /// </summary>
    public static IReadOnlyList<StateNodeInfo> ListNodes(StoredPartition partition, string? after, int max, bool counted)
    {
        List<StateNodeInfo> found = [];
        while (found.Count < max)
        {
            Statement next = partition.Group.Session.Sql(
                "SELECT node FROM sluice_state WHERE grp = ? AND part = ? AND node > ? ORDER BY node LIMIT 1")
                .Put(partition.Group.Id).Put(partition.Number).Put(after ?? "");
            if (!next.Next()) break;
            after = next.Text(0);
            next.Reset();
            found.Add(new(after, counted ? Count(partition, after) : null));
        }
        return found;
    }

    private static long Count(StoredPartition partition, string node)
    {
        Statement counted = partition.Group.Session.Sql("SELECT COUNT(*) FROM sluice_state WHERE grp = ? AND part = ? AND node = ?")
            .Put(partition.Group.Id).Put(partition.Number).Put(node);
        counted.Next();
        long rows = counted.Long(0);
        counted.Reset();
        return rows;
    }

    /// <summary>Computes the checksum of a row.</summary>
    public static long SumOf(long group, int partition, string node, string key, int version, ReadOnlySpan<byte> value)
        => new RowSum().Add(group).Add(partition).Add(node).Add(key).Add(version).Add(value).Value;

    /// <summary>The message about a row with a wrong checksum.</summary>
    public static string Damaged(string partition, string node, string key)
        => $"The state of {node}{(key.Length > 0 ? $" for the key {key}" : "")} in {partition} is damaged: it does not match its "
        + $"checksum. Restore a backup.";

    private static StateRow Show(StoredPartition partition, Statement row, string node)
    {
        (string key, int version, byte[] value, long sum) = (row.Text(0), row.Int(1), row.Bytes(2), row.Long(3));
        if (SumOf(partition.Group.Id, partition.Number, node, key, version, value) == sum) return new(node, key, version, value);
        row.Reset();
        throw new StreamStoreException(Damaged($"{partition.Group.Key}/{partition.Number}", node, key))
        {
            Stream =
            partition.Group.Stream.Name,
            Partition = partition.Number,
            IsPermanent = true
        };
    }
}
