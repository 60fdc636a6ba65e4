namespace Sluice.PostgreSql;

/// <summary>Writes the changed rows of a round in one round trip: one statement for each table, whatever the number of rows.</summary>
internal static class RoundWriter
{
    public static async Task WriteAsync(Round round, bool isEnd, CancellationToken cancellation)
    {
        if (round.HasEnded) return;
        List<NpgsqlBatchCommand> commands = [];
        NpgsqlBatchCommand? trim = null;
        Action? swept = null;
        if (!round.IsReadOnly) Collect();
        if (isEnd) Add("COMMIT");
        if (commands.Count == 0) return;
        if (!isEnd) round.Touched++;
        await using NpgsqlBatch batch = round.CreateBatch();
        foreach (NpgsqlBatchCommand command in commands) batch.BatchCommands.Add(command);
        await using (NpgsqlDataReader rows = await round.ExecuteAsync(batch, cancellation).ConfigureAwait(false))
            do
                while (await rows.ReadAsync(cancellation).ConfigureAwait(false)) Trimming.Note(round, rows);
            while (await rows.NextResultAsync(cancellation).ConfigureAwait(false));
        swept?.Invoke();
        if (!(trim?.RecordsAffected >= Trimming.MaxBlocks)) return;
        round.Unswept.UnionWith(round.Streams.Select(static stream => stream.Name));

        void Collect()
        {
            foreach (StreamRow stream in round.Streams) stream.IsWritten |= stream.HasChanges || round.HasOwnStatements;
            OwnedRow[] owned = [.. round.Streams.SelectMany(stream => stream.Groups.Values).SelectMany(group => group.Owned.Values)
                .Where(one => one.IsChanged)];
            RowWriter.Parts(round, Add);
            if (owned.Length > 0) RowWriter.Owned(owned, Add);
            RowWriter.Groups(round, Add);
            RowWriter.Waiting(round, Add);
            RowWriter.Readers(round, Add);
            RowWriter.Producers(round, Add);
            IntakeRows.Remove(round, Add);
            PartWriter.Dead(round, Add);
            PartWriter.State(round, Add);
            PartWriter.Files(round, Add);
            PartWriter.Reserved(round, Add);
            if (!isEnd) return;
            PartWriter.Batches(round, Add);
            RowWriter.Streams(round, Add);
            swept = round.Sweep?.Add(round, Add);
            if (round.Rows.Trims.Count > 0) trim = Trimming.Add(round.Rows.Trims, Add);
        }

        NpgsqlBatchCommand Add(string text)
        {
            NpgsqlBatchCommand command = round.Sql.Command(text);
            commands.Add(command);
            return command;
        }
    }
}
