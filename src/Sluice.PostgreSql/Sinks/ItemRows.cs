namespace Sluice.PostgreSql;

/// <summary>The rows of one item in a commit, of all its sinks: they are tried together, without those of other items.</summary>
internal sealed class ItemRows
{
    private readonly HashSet<string> statements = new(StringComparer.Ordinal);

    public List<RowGroup> Rows { get; } = [];

    /// <summary>The texts of the statements that write the rows.</summary>
    public IReadOnlySet<string> Statements => statements;

    /// <summary>Divides the rows of a commit by items. If a sink does not tell the item of a row, the row stands for itself.</summary>
    public static List<ItemRows> Of(IReadOnlyList<PostgresWrites> all)
    {
        List<ItemRows> items = [];
        Dictionary<string, ItemRows> known = new(StringComparer.Ordinal);
        foreach (RowGroup row in all.SelectMany(static writes => writes.Singly()))
        {
            if (row.Writes.IsOfLibrary) continue;
            string? id = row.Writes.Items?[row.First].Id;
            if (id is null || !known.TryGetValue(id, out ItemRows? item))
            {
                items.Add(item = new());
                if (id is not null) known.Add(id, item);
            }
            item.Rows.Add(row);
            item.statements.Add(row.Statement.Sql);
        }
        return items;
    }

    public List<NpgsqlBatchCommand> ToCommands() => Rows.ConvertAll(static row => row.ToCommand());
}
