using Npgsql.Replication.PgOutput;
using Npgsql.Replication.PgOutput.Messages;

namespace Sluice.PostgreSql.Sources;

/// <summary>Makes changes of the messages of pgoutput. A row is read while its message is the current one.</summary>
internal static class MessageReader
{
    /// <summary>Returns the changes of a message; none if it is not about rows.</summary>
    public static async ValueTask<IReadOnlyList<PostgresChange>> ReadAsync(PgOutputReplicationMessage message,
        CancellationToken cancellation)
    {
        switch (message)
        {
            case InsertMessage insert:
                return [Of(PostgresChangeKind.Insert, insert.Relation) with
                {
                    Row = await RowAsync(insert.Relation, insert.NewRow, cancellation).ConfigureAwait(false)
                }];
            case UpdateMessage update:
                // The old row comes first.
                PostgresRow? before = update switch
                {
                    FullUpdateMessage full => await RowAsync(update.Relation, full.OldRow, cancellation).ConfigureAwait(false),
                    IndexUpdateMessage key => await KeyAsync(update.Relation, key.Key, cancellation).ConfigureAwait(false),
                    _ => null,
                };
                return [Of(PostgresChangeKind.Update, update.Relation) with
                {
                    OldRow = before,
                    Row = await RowAsync(update.Relation, update.NewRow, cancellation).ConfigureAwait(false)
                }];
            case FullDeleteMessage delete:
                return [Of(PostgresChangeKind.Delete, delete.Relation) with
                {
                    OldRow = await RowAsync(delete.Relation, delete.OldRow, cancellation).ConfigureAwait(false)
                }];
            case KeyDeleteMessage delete:
                return [Of(PostgresChangeKind.Delete, delete.Relation) with
                {
                    OldRow = await KeyAsync(delete.Relation, delete.Key, cancellation).ConfigureAwait(false)
                }];
            case TruncateMessage truncate:
                return [.. truncate.Relations.Select(static relation => Of(PostgresChangeKind.Truncate, relation))];
            default:
                return [];
        }
    }

    private static PostgresChange Of(PostgresChangeKind kind, RelationMessage table) => new(kind, table.Namespace, table.RelationName);

    private static async ValueTask<PostgresRow> RowAsync(RelationMessage table, ReplicationTuple tuple, CancellationToken cancellation)
    {
        string[] columns = [.. table.Columns.Select(static column => column.ColumnName)];
        var values = new string?[columns.Length];
        bool[]? unchanged = null;
        int at = 0;
        await foreach (ReplicationValue value in tuple.WithCancellation(cancellation).ConfigureAwait(false))
        {
            if (value.IsUnchangedToastedValue) (unchanged ??= new bool[columns.Length])[at] = true;
            else if (!value.IsDBNull) values[at] = await value.Get<string>(cancellation).ConfigureAwait(false);
            at++;
        }
        return new(columns, values, unchanged);
    }

    private static async ValueTask<PostgresRow> KeyAsync(RelationMessage table, ReplicationTuple tuple, CancellationToken cancellation)
    {
        PostgresRow row = await RowAsync(table, tuple, cancellation).ConfigureAwait(false);
        string[] key = [.. table.Columns.Where(static column => column.Flags.HasFlag(RelationMessage.Column.ColumnFlags.PartOfKey))
            .Select(static column => column.ColumnName)];
        return new(key, [.. key.Select(column => row[column])]);
    }
}
