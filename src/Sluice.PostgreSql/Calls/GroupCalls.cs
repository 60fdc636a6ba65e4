namespace Sluice.PostgreSql;

/// <summary>Calls about groups and the ownership of partitions.</summary>
internal static class GroupCalls
{
    public static async ValueTask AddAsync(Round round, GroupId id, StreamStart start)
    {
        StreamRow stream = round.Stream(id.Stream);
        if (stream.Groups.ContainsKey(id.Name)) return;
        await round.SaveAsync().ConfigureAwait(false);
        string before = start == StreamStart.First ? Trimming.Passed : "p.tail";
        (long group, long behind, long bytes) = (0, 0, 0);
        await round.ReadAsync([
            round.Sql.Command("INSERT INTO ~grp(stream, name) VALUES ($1, $2) RETURNING id").With(stream.Id).With(id.Name),
            round.Sql.Command($"INSERT INTO ~owned(grp, part, dispatched, done) SELECT g.id, p.n, k.before, k.before FROM ~grp g "
                + $"JOIN ~stream s ON s.id = g.stream JOIN ~part p ON p.stream = s.id CROSS JOIN LATERAL (SELECT {before} AS before) k "
                + "WHERE g.stream = $1 AND g.name = $2 RETURNING 1").With(stream.Id).With(id.Name),
            round.Sql.Command("SELECT COALESCE(sum(p.tail - o.done), 0)::bigint, COALESCE(sum(CASE WHEN o.done = p.tail THEN 0 "
                + "ELSE p.bytes - COALESCE((SELECT k.before + k.bytes * GREATEST(0, o.done + 1 - k.first) / (k.last - k.first + 1) "
                + "FROM ~chunk k WHERE k.stream = p.stream AND k.part = p.n AND k.last > o.done ORDER BY k.first LIMIT 1), p.bytes) END), "
                + "0)::bigint FROM ~grp g JOIN ~owned o ON o.grp = g.id JOIN ~part p ON p.stream = g.stream AND p.n = o.part "
                + "WHERE g.stream = $1 AND g.name = $2").With(stream.Id).With(id.Name)],
            (query, row) =>
            {
                if (query == 0) group = row.GetInt64(0);
                else if (query == 2) (behind, bytes) = (row.GetInt64(0), row.GetInt64(1));
            }).ConfigureAwait(false);
        round.Touched++;
        round.Add(new GroupRow(stream, group, id.Name) { Items = stream.Items - behind, Bytes = stream.Bytes - bytes, IsChanged = true });
    }

    /// <returns>Whether it existed.</returns>
    public static async ValueTask<bool> RemoveAsync(Round round, GroupId id)
    {
        if (round.FindGroup(id) is not { } group) return false;
        // What all consumers have passed is trimmed while the group still counts: without consumers nothing is.
        await round.RunAsync(Trimming.All(round.Sql, group.Stream)).ConfigureAwait(false);
        round.Unswept.Add(id.Stream);
        await DeleteAsync(round, group).ConfigureAwait(false);
        await round.RunAsync(Trimming.All(round.Sql, group.Stream)).ConfigureAwait(false);
        await StreamCalls.NoteGoneAsync(round, group.Stream).ConfigureAwait(false);
        round.Changes.Add(id.Stream);
        return true;
    }

    public static async ValueTask DeleteAsync(Round round, GroupRow group)
    {
        await round.SaveAsync().ConfigureAwait(false);
        await UnreserveAsync(round, group, null).ConfigureAwait(false);
        await round.RunAsync([.. ((string[])["owned", "member"]).Select(table =>
            round.Sql.Command($"DELETE FROM ~{table} WHERE grp = $1").With(group.Id)),
            round.Sql.Command("DELETE FROM ~grp WHERE id = $1").With(group.Id),
            GoneRows.Note(round.Sql, GoneRows.Group, group.Id)]).ConfigureAwait(false);
        round.HasGone = true;
        round.Remove(group);
    }

    public static void Pause(Round round, GroupId id, bool isPaused)
    {
        GroupRow group = round.Group(id);
        if (isPaused == group.Paused is not null) return;
        Hold(round, group, isPaused ? round.Now : null, isDraining: false);
    }

    public static void Drain(Round round, GroupId id)
    {
        GroupRow group = round.Group(id);
        if (!group.IsDraining) Hold(round, group, round.Now, isDraining: true);
    }

    private static void Hold(Round round, GroupRow group, long? since, bool isDraining)
    {
        (group.Paused, group.IsDraining, group.IsChanged) = (since, isDraining, true);
        round.Touched++;
        round.Changes.Add(group.Stream.Name);
    }

    public static async ValueTask LeaveAsync(Round round, GroupId id, string member, string instance)
    {
        GroupRow group = round.Group(id);
        (bool hasLeft, bool wasThere) = (false, false);
        // Heartbeats take no lock of the stream: another instance may take the member over at the same time.
        await round.ReadAsync([round.Sql.Command("WITH d AS (DELETE FROM ~member WHERE grp = $1 AND name = $2 AND instance = $3 "
            + "RETURNING 1) SELECT EXISTS (SELECT FROM d), EXISTS (SELECT FROM ~member WHERE grp = $1 AND name = $2)").With(group.Id)
            .With(member).With(instance)], (_, row) => (hasLeft, wasThere) = (row.GetBoolean(0), row.GetBoolean(1))).ConfigureAwait(false);
        if (wasThere && !hasLeft) return;
        round.Touched++;
        if (group.QuarantineOwner == member) (group.QuarantineOwner, group.IsChanged) = (null, true);
        round.Changes.Add(id.Stream);
    }

    public static async ValueTask<AcquireResult> AcquireAsync(Round round, GroupId id, int number, AcquireRequest request)
    {
        OwnedRow owned = await round.OwnedAsync(round.Group(id), number).ConfigureAwait(false);
        if (request.ExpectedEpoch is { } expected && expected != owned.Epoch)
            return new(AcquireStatus.Changed, default, null, owned.Version);
        if (owned.Version > request.Version) return new(AcquireStatus.Newer, default, null, owned.Version);
        if (owned.Owner is not null)
            await WaitingCalls.SuspectAsync(round, owned, request.Instance is not null && request.Instance == owned.Instance)
                .ConfigureAwait(false);
        if (!round.Held.HasNoReserved(owned)) await UnreserveAsync(round, owned.Group, number).ConfigureAwait(false);
        owned.Epoch = StoreRules.NextEpoch(owned.Epoch, owned.Group.Id, request.KnownEpoch);
        (owned.Owner, owned.Instance, owned.OwnerVersion) = (request.Member, request.Instance, request.Version);
        owned.IsChanged = true;
        round.Touched++;
        round.Rows.Trims.Add((owned.Group.Stream.Id, number));
        Dictionary<string, long> files = round.Held.FilesOf(owned) ?? await FilesAsync(round, owned).ConfigureAwait(false);
        if (owned.Rows > 0) await round.SaveAsync().ConfigureAwait(false);       // what commits of this round have changed
        var state = new PartitionState(owned.Dispatched, owned.Done, owned.LastCommit,
            owned.Rows == 0 ? [] : await WaitingCalls.ListAsync(round, owned, null, PartitionState.MaxWaiting, withPayload: false)
                .ConfigureAwait(false), files);
        return new AcquireResult(AcquireStatus.Taken, owned.Ownership, state, owned.Version);
    }

    private static async Task<Dictionary<string, long>> FilesAsync(Round round, OwnedRow owned)
    {
        await round.SaveAsync().ConfigureAwait(false);
        var files = new Dictionary<string, long>(StringComparer.Ordinal);
        await round.ReadAsync([round.Sql.Command("SELECT name, length FROM ~file WHERE grp = $1 AND part = $2").With(owned.Group.Id)
            .With(owned.Number)], (_, row) => files.Add(row.GetString(0), row.GetInt64(1))).ConfigureAwait(false);
        return files;
    }

    public static async ValueTask<bool> ReleaseAsync(Round round, Ownership owner)
    {
        if (await round.HeldAsync(owner).ConfigureAwait(false) is not { } owned) return false;
        await WaitingCalls.GiveBackAsync(round, owned).ConfigureAwait(false);
        foreach (SequenceRange range in owned.FirstTimers().Take(1).ToArray()) owned.Dispatched = range.First - 1;
        owned.Owner = null;
        owned.IsChanged = true;
        round.Touched++;
        if (!round.Held.HasNoReserved(owned)) await UnreserveAsync(round, owned.Group, owner.Partition).ConfigureAwait(false);
        round.Rows.Trims.Add((owned.Group.Stream.Id, owner.Partition));
        round.Changes.AddEntries(owner.Group.Stream, owner.Partition);
        return true;
    }

    public static Quarantine? AcquireQuarantine(Round round, GroupId id, string member, long expectedEpoch)
    {
        GroupRow group = round.Group(id);
        if (group.QuarantineEpoch != expectedEpoch) return null;
        (group.QuarantineOwner, group.QuarantineEpoch) = (member, StoreRules.NextEpoch(expectedEpoch, group.Id));
        group.IsChanged = true;
        round.Touched++;
        return new Quarantine(id, group.QuarantineEpoch);
    }

    public static void ReleaseQuarantine(Round round, Quarantine quarantine)
    {
        GroupRow group = round.Group(quarantine.Group);
        if (group.QuarantineEpoch != quarantine.Epoch) return;
        (group.QuarantineOwner, group.IsChanged) = (null, true);
        round.Touched++;
        round.Changes.Add(quarantine.Group.Stream);
    }

    // Rows of reservations are changed only under the lock of the owner's stream. Those who look at the sum see it a moment later.
    private static async ValueTask UnreserveAsync(Round round, GroupRow group, int? partition)
    {
        List<string> streams = [];
        if (partition is { } one && group.Owned.GetValueOrDefault(one) is { } owned) round.Held.Forget(owned);
        await round.SaveAsync().ConfigureAwait(false);
        await round.ReadAsync([round.Sql.Command("WITH d AS (DELETE FROM ~reserved WHERE grp = $1 AND part = COALESCE($2, part) "
            + "RETURNING stream) SELECT DISTINCT s.name FROM d JOIN ~stream s ON s.id = d.stream").With(group.Id).With(partition)],
            (_, row) => streams.Add(row.GetString(0))).ConfigureAwait(false);
        foreach (string stream in streams)
        {
            round.Touched++;
            round.Changes.AddRoom(stream);
        }
    }
}
