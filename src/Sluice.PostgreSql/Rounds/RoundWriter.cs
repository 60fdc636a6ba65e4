namespace Sluice.PostgreSql;

/// <summary>Writes the changed rows of a round in one round trip: one statement for each table, whatever the number of rows.</summary>
internal static class RoundWriter
{
    public static async Task WriteAsync(Round round, bool isEnd, CancellationToken cancellation)
    {
        if (round.HasEnded) return;
        List<NpgsqlBatchCommand> commands = [];
        NpgsqlBatchCommand? trim = null;
        bool hasMore = false;
        Action? swept = null;
        if (!round.IsReadOnly) Collect();
        NpgsqlBatchCommand? commit = isEnd ? Add("COMMIT") : null;
        if (commands.Count == 0) return;
        if (!isEnd) round.Touched++;
        await using NpgsqlBatch batch = round.CreateBatch();
        foreach (NpgsqlBatchCommand command in commands) batch.BatchCommands.Add(command);
        IReadOnlyList<NpgsqlBatchCommand> told = isEnd && !round.Changes.IsEmpty
            && round.Notifier?.Carry(round.Changes.Streams) is { } carried ? carried : [];
        foreach (NpgsqlBatchCommand command in told) batch.BatchCommands.Add(command);
        try
        {
            hasMore = await ExecuteAsync(round, batch, trim is not null, cancellation).ConfigureAwait(false);
            round.HasTold = told.Count > 0;
        }
        catch (NpgsqlException failure) when (told.Count > 0 && commit!.StatementType != StatementType.Unknown)
        {
            // The server has confirmed the COMMIT: only telling has failed, and the notifier does that again.
            hasMore = trim is not null;              // not known
            if (failure is PostgresException { InvariantSeverity: "ERROR" }) await UndoAsync(round, cancellation).ConfigureAwait(false);
        }
        finally
        {
            if (told.Count > 0) round.Notifier!.Release(round.HasTold);
        }
        swept?.Invoke();
        if (!hasMore) return;
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

    private static async Task UndoAsync(Round round, CancellationToken cancellation)
    {
        await using var undo = new NpgsqlCommand("ROLLBACK", round.Connection);
        await undo.ExecuteNonQueryAsync(cancellation).ConfigureAwait(false);
    }

    /// <returns>Whether blocks that could be removed are left.</returns>
    private static async Task<bool> ExecuteAsync(Round round, NpgsqlBatch batch, bool hasTrim, CancellationToken cancellation)
    {
        (int blocks, long bytes) = (0, 0);
        await using NpgsqlDataReader rows = await round.ExecuteAsync(batch, cancellation).ConfigureAwait(false);
        for (; hasTrim && await rows.ReadAsync(cancellation).ConfigureAwait(false); blocks++) bytes += Trimming.Note(round, rows);
        while (await rows.NextResultAsync(cancellation).ConfigureAwait(false)) { }
        return Trimming.HasMore(blocks, bytes);
    }
}
