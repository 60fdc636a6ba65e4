namespace Sluice.PostgreSql;

/// <summary>Heartbeats.</summary>
internal static class MemberCalls
{
    /// <summary>
    /// Records a heartbeat, under the lock of the member's row. The transaction may be lost in a power failure: only the change of the
    /// counter matters.
    /// </summary>
    public static async Task<HeartbeatResult> BeatAsync(NpgsqlConnection connection, Sql sql, HeartbeatRequest request,
        CancellationToken cancellation)
    {
        await using NpgsqlBatch begin = connection.CreateBatch();
        begin.BatchCommands.Add(new(Sql.Begin));
        begin.BatchCommands.Add(new(sql.Frozen));
        begin.BatchCommands.Add(new("SET LOCAL synchronous_commit = off"));
        begin.BatchCommands.Add(sql.Command("SELECT g.id FROM ~grp g JOIN ~stream s ON s.id = g.stream WHERE s.name = $1 AND g.name = $2")
            .With(request.Group.Stream).With(request.Group.Name));
        // Makes the row, so that there is one to lock.
        begin.BatchCommands.Add(sql.Command("INSERT INTO ~member(grp, name, beats, instance, lease) SELECT g.id, $3, 0, '', 0 FROM ~grp g "
            + "JOIN ~stream s ON s.id = g.stream WHERE s.name = $1 AND g.name = $2 ON CONFLICT (grp, name) DO UPDATE SET "
            + "beats = member.beats RETURNING beats, instance, lease").With(request.Group.Stream).With(request.Group.Name)
            .With(request.Member));
        long? group = null;
        MemberInfo? present = null;
        await using (NpgsqlDataReader rows = await begin.ExecuteReaderAsync(cancellation).ConfigureAwait(false))
        {
            while (await rows.ReadAsync(cancellation).ConfigureAwait(false)) group = rows.GetInt64(0);
            await rows.NextResultAsync(cancellation).ConfigureAwait(false);
            while (await rows.ReadAsync(cancellation).ConfigureAwait(false))
                if (rows.GetInt64(0) > 0)
                    present = new(request.Member, rows.GetInt64(0), rows.GetString(1), TimeSpan.FromTicks(rows.GetInt64(2)));
        }
        if (group is null) throw await MissingAsync(connection, sql, request.Group, cancellation).ConfigureAwait(false);
        MemberInfo? after = request.Apply(present);
        await using NpgsqlBatch end = connection.CreateBatch();
        if (after is { } now)
            end.BatchCommands.Add(sql.Command("UPDATE ~member SET beats = $3, instance = $4, lease = $5 WHERE grp = $1 AND name = $2")
                .With(group.Value).With(request.Member).With(now.Heartbeats).With(now.Instance).With(now.LeaseDuration.Ticks));
        end.BatchCommands.Add(new("COMMIT"));
        await end.ExecuteNonQueryAsync(cancellation).ConfigureAwait(false);
        return after is { } accepted ? new(HeartbeatStatus.Accepted, accepted) : new(HeartbeatStatus.Refused, present!.Value);
    }

    private static async Task<StreamStoreException> MissingAsync(NpgsqlConnection connection, Sql sql, GroupId group,
        CancellationToken cancellation)
    {
        await using NpgsqlBatch batch = connection.CreateBatch();
        batch.BatchCommands.Add(sql.Command("SELECT 1 FROM ~stream WHERE name = $1").With(group.Stream));
        bool isThere = await batch.ExecuteScalarAsync(cancellation).ConfigureAwait(false) is not null;
        return new(isThere ? $"There is no group {group.Name} on the stream {group.Stream}: add it first (AddGroupAsync)."
            : $"There is no stream {group.Stream} in this store: open it first (OpenStreamAsync).")
        { Stream = group.Stream };
    }
}
