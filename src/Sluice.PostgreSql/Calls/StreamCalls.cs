namespace Sluice.PostgreSql;

/// <summary>Calls about streams.</summary>
internal static class StreamCalls
{
    /// <summary>Creates a stream unless it exists. A transaction of its own, so that it waits for no other lock while it has one.</summary>
    public static NpgsqlBatchCommand Create(Sql sql, string stream, StreamOptions options)
        => sql.Command("WITH s AS (INSERT INTO ~stream(name, partitions, max_items, max_bytes, max_entry, retention, "
            + "store) SELECT $1, $2, $3, $4, $5, $6, store FROM ~meta ON CONFLICT (name) DO NOTHING RETURNING id, partitions) "
            + "INSERT INTO ~part(stream, n) SELECT s.id, generate_series(0, s.partitions - 1) FROM s")
            .With(stream).With(options.Partitions).With(options.MaxItems).With(options.MaxBytes).With(options.MaxEntryBytes)
            .With((int)options.Retention);

    public static async ValueTask<StreamInfo?> FindAsync(Round round, string name)
    {
        if (round.FindStream(name) is not { } stream) return null;
        (long items, long bytes, long accepted) = (0, 0, 0);
        Dictionary<long, long> waiting = [];
        // Waiting entries of the trimmed part are in the store only as rows.
        await round.ReadAsync([
            round.Sql.Command("SELECT COALESCE(sum(k.tail - k.passed), 0)::bigint, COALESCE(sum(CASE WHEN k.tail = k.passed THEN 0 "
                + "ELSE k.bytes - k.trimmed_bytes END), 0)::bigint FROM (SELECT p.tail, p.bytes, p.trimmed_bytes, " + Trimming.Passed
                + " AS passed FROM ~part p JOIN ~stream s ON s.id = p.stream WHERE s.id = $1) k").With(stream.Id),
            round.Sql.Command("SELECT o.grp, sum(o.rows - o.flying)::bigint FROM ~owned o JOIN ~grp g ON g.id = o.grp WHERE g.stream = $1 "
                + "GROUP BY o.grp").With(stream.Id),
            round.Sql.Command("SELECT count(*), COALESCE(sum(w.share), 0)::bigint FROM ~grp g JOIN ~owned o ON o.grp = g.id "
                + "AND o.rows > 0 JOIN ~part p ON p.stream = g.stream AND p.n = o.part JOIN ~stream s ON s.id = g.stream "
                + "JOIN ~waiting w ON w.grp = o.grp AND w.part = o.part WHERE g.stream = $1 AND w.seq <= " + Trimming.Passed)
                .With(stream.Id),
            round.Sql.Command("SELECT COALESCE(sum(items), 0)::bigint, COALESCE(sum(bytes), 0)::bigint FROM ~intake WHERE stream = $1")
                .With(stream.Id)],
            (query, row) =>
            {
                if (query == 3) accepted = row.GetInt64(0);
                if (query == 1) waiting[row.GetInt64(0)] = row.GetInt64(1);
                else (items, bytes) = (items + row.GetInt64(0), bytes + row.GetInt64(1));
            }).ConfigureAwait(false);
        IReadOnlyList<ReaderInfo> readers = await ReaderCalls.InfosAsync(round, stream).ConfigureAwait(false);
        return new(stream.Name, stream.Options, stream.End, items, bytes, stream.Items + accepted,
            [.. stream.Groups.Values.Select(group => new GroupBacklog(group.Name, stream.Items + accepted - group.Items,
                waiting.GetValueOrDefault(group.Id), group.Dead)
            { PausedAt = group.PausedAt, IsDraining = group.IsDraining })],
            [.. readers.Where(reader => stream.Readers[reader.Name].Expires is not { } at || at > round.Now)]);
    }

    public static StreamEnd End(Round round, StreamRow stream, StreamEnd end)
    {
        if (stream.End is not null) return stream.End;
        stream.End = end.Failure is { } failure ? new(failure.Storable(100_000)) : end;
        stream.IsChanged = true;
        round.Touched++;
        round.Changes.Add(stream.Name);
        return stream.End;
    }

    /// <returns>Whether it existed.</returns>
    public static async ValueTask<bool> DeleteAsync(Round round, string name)
    {
        if (round.FindStream(name) is not { } stream) return false;
        foreach (GroupRow group in stream.Groups.Values.ToArray()) await GroupCalls.DeleteAsync(round, group).ConfigureAwait(false);
        await round.RunAsync(
            round.Sql.Command("DELETE FROM ~cursor c USING ~reader r WHERE r.id = c.reader AND r.stream = $1").With(stream.Id),
            round.Sql.Command("DELETE FROM ~reader WHERE stream = $1").With(stream.Id),
            round.Sql.Command("DELETE FROM ~reserved WHERE stream = $1").With(stream.Id),
            round.Sql.Command("DELETE FROM ~part WHERE stream = $1").With(stream.Id),
            round.Sql.Command("DELETE FROM ~stream WHERE id = $1").With(stream.Id),
            GoneRows.Note(round.Sql, GoneRows.Stream, stream.Id)).ConfigureAwait(false);
        round.HasGone = true;
        round.Unswept.Remove(name);
        round.Rows.Trims.RemoveWhere(one => one.Stream == stream.Id);
        round.Remove(stream);
        round.Marks.Forget(stream.Id);
        return true;
    }

    /// <summary>When the last consumer has gone: notes how much was trimmed, because the rest then counts against the bounds.</summary>
    public static async ValueTask NoteGoneAsync(Round round, StreamRow stream)
    {
        if (stream.Groups.Count + stream.Readers.Count > 0) return;
        await round.ReadAsync([round.Sql.Command("SELECT sum(trimmed)::bigint, sum(trimmed_bytes)::bigint FROM ~part WHERE stream = $1")
            .With(stream.Id)], (_, row) => (stream.Gone, stream.GoneBytes) = (row.GetInt64(0), row.GetInt64(1))).ConfigureAwait(false);
        stream.IsChanged = true;
    }
}
