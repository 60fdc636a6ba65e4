namespace Sluice.PostgreSql;

/// <summary>Writes the changed rows of a round in one round trip: one statement for each table, whatever the number of rows.</summary>
internal static class RoundWriter
{
    public static async Task WriteAsync(Round round, bool isEnd, CancellationToken cancellation)
    {
        await using NpgsqlBatch batch = round.Connection.CreateBatch();
        if (!round.IsReadOnly) Collect(round, batch, isEnd);
        if (isEnd) Add("COMMIT");
        if (batch.BatchCommands.Count == 0) return;
        if (!isEnd) round.Touched++;
        await batch.ExecuteNonQueryAsync(cancellation).ConfigureAwait(false);

        NpgsqlBatchCommand Add(string text)
        {
            NpgsqlBatchCommand command = round.Sql.Command(text);
            batch.BatchCommands.Add(command);
            return command;
        }
    }

    private static void Collect(Round round, NpgsqlBatch batch, bool isEnd)
    {
        NpgsqlBatchCommand Add(string text)
        {
            NpgsqlBatchCommand command = round.Sql.Command(text);
            batch.BatchCommands.Add(command);
            return command;
        }

        OwnedRow[] owned = [.. round.Streams.SelectMany(stream => stream.Groups.Values).SelectMany(group => group.Owned.Values)
            .Where(one => one.IsChanged)];
        RowWriter.Parts(round, Add);
        if (owned.Length > 0) RowWriter.Owned(owned, Add);
        RowWriter.Groups(round, Add);
        RowWriter.Waiting(round, Add);
        RowWriter.Readers(round, Add);
        RowWriter.Producers(round, Add);
        PartWriter.Dead(round, Add);
        PartWriter.State(round, Add);
        PartWriter.Files(round, Add);
        PartWriter.Reserved(round, Add);
        if (!isEnd) return;
        PartWriter.Batches(round, Add);
        RowWriter.Streams(round, Add);
        if (round.Rows.Trims.Count > 0) Trimming.Add(round.Rows.Trims, Add);
    }
}
