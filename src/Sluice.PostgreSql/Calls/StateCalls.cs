namespace Sluice.PostgreSql;

/// <summary>Calls that read the state of nodes.</summary>
internal static class StateCalls
{
    private const string OfNode = "grp = $1 AND part = $2 AND left(node, 200) = left($3, 200) AND node = $3";

    public static async Task<IReadOnlyList<StateRow>> ReadAsync(Round round, GroupRow group, int partition, string node,
        IReadOnlyList<string> keys)
    {
        List<StateRow> rows = [];
        await round.ReadAsync([round.Sql.Command("SELECT s.key, s.version, s.value FROM unnest($4::text[]) k(key) JOIN ~state s "
            + "ON s.grp = $1 AND s.part = $2 AND left(s.node, 200) = left($3, 200) AND s.node = $3 AND left(s.key, 200) = left(k.key, 200) "
            + "AND s.key = k.key").With(group.Id).With(partition).With(node)
            .With(keys.Distinct(StringComparer.Ordinal).ToArray())],
            (_, row) => rows.Add(new(node, row.GetString(0), row.GetInt32(1), row.Bytes(2)))).ConfigureAwait(false);
        return [.. rows.OrderBy(static row => row.Key, StringComparer.Ordinal)];
    }

    public static async Task<IReadOnlyList<StateRow>> ListAsync(Round round, GroupRow group, int partition, string node, string? after,
        int max)
    {
        List<StateRow> rows = [];
        await round.ReadAsync([round.Sql.Command($"SELECT key, version, value FROM ~state WHERE {OfNode} AND ($4::text IS NULL "
            + "OR (left(key, 200) >= left($4, 200) AND key > $4)) ORDER BY left(key, 200), key LIMIT $5").With(group.Id).With(partition)
            .With(node).With(after).With(max)],
            (_, row) => rows.Add(new(node, row.GetString(0), row.GetInt32(1), row.Bytes(2)))).ConfigureAwait(false);
        return rows;
    }

    // Each node is one step through the index, whatever the number of its rows.
    public static async Task<IReadOnlyList<StateNodeInfo>> ListNodesAsync(Round round, GroupRow group, int partition, string? after,
        int max, bool counted)
    {
        List<StateNodeInfo> nodes = [];
        for (string? last = after; nodes.Count < max;)
        {
            string? node = null;
            await round.ReadAsync([round.Sql.Command("SELECT node FROM ~state WHERE grp = $1 AND part = $2 AND ($3::text IS NULL "
                + "OR (left(node, 200) >= left($3, 200) AND node > $3)) ORDER BY left(node, 200), node LIMIT 1").With(group.Id)
                .With(partition).With(last)], (_, row) => node = row.GetString(0)).ConfigureAwait(false);
            if (node is null) break;
            long? rows = null;
            if (counted)
                await round.ReadAsync([round.Sql.Command($"SELECT count(*) FROM ~state WHERE {OfNode}").With(group.Id).With(partition)
                    .With(node)], (_, row) => rows = row.GetInt64(0)).ConfigureAwait(false);
            nodes.Add(new(node, rows));
            last = node;
        }
        return nodes;
    }
}
