namespace Sluice.Sqlite;

/// <summary>Calls about groups, their members, and the ownership of partitions.</summary>
internal static class GroupCalls
{
    public static void Add(Session session, GroupId id, StreamStart start)
    {
        StoredStream stream = session.Stream(id.Stream);
        if (stream.Groups.ContainsKey(id.Name)) return;
        session.Write();
        session.Sql("INSERT INTO sluice_group(stream, name) VALUES(?, ?)").Put(stream.Id).Put(id.Name).Run();
        Statement row = session.Sql("SELECT id FROM sluice_group WHERE stream = ? AND name = ?").Put(stream.Id).Put(id.Name);
        row.Next();
        var group = new StoredGroup(session, stream, row.Long(0), id.Name);
        row.Reset();
        session.ChangeRoots(StoreRoots.OfGroup(group.Id, stream.Id, id.Name));
        group.Partitions = new StoredPartition[stream.Logs.Length];
        for (int i = 0; i < stream.Logs.Length; i++)
        {
            StoredLog log = stream.Logs[i];
            StoredPartition partition = group.Partitions[i] = new(group, i);
            partition.StartAt(start == StreamStart.First ? log.Trimmed : log.Tail);
            group.Backlog.Add(partition.Backlog.Items, partition.Backlog.Bytes);
            session.Sql("INSERT INTO sluice_part VALUES(?, ?, 0, NULL, 0, 0, ?, ?, 0, 0, 0, 0, 0, 0, zeroblob(0), 0, 0)")
                .Put(group.Id).Put(i).Put(partition.Dispatched).Put(partition.Done).Run();
            session.Mark(partition);                 // writes its checksum
        }
        stream.Groups.Add(id.Name, group);
    }

    /// <returns>Whether it existed.</returns>
    public static bool Remove(Session session, GroupId id)
    {
        if (session.FindStream(id.Stream)?.Groups.GetValueOrDefault(id.Name) is not { } group) return false;
        Remove(session, group);
        return true;
    }

    public static void Remove(Session session, StoredGroup group)
    {
        session.Write();
        session.Save();                              // otherwise its marks would be written after the group is gone
        foreach (StoredPartition partition in group.Partitions) Unreserve(session, partition);
        session.Sql("DELETE FROM sluice_part WHERE grp = ?").Put(group.Id).Run();
        session.Sql("DELETE FROM sluice_row WHERE grp = ?").Put(group.Id).Run();
        session.Sql("DELETE FROM sluice_dead WHERE grp = ?").Put(group.Id).Run();
        session.Sql("DELETE FROM sluice_state WHERE grp = ?").Put(group.Id).Run();
        session.Sql("DELETE FROM sluice_file WHERE grp = ?").Put(group.Id).Run();
        session.Sql("DELETE FROM sluice_group WHERE id = ?").Put(group.Id).Run();
        session.ChangeRoots(-StoreRoots.OfGroup(group.Id, group.Stream.Id, group.Name));
        group.Stream.Groups.Remove(group.Name);
        session.Living.Forget(group.Id);
        for (int i = 0; i < group.Partitions.Length; i++) group.Stream.Trim(i);
        session.Changed(group.Stream.Name);
    }

    public static GroupInfo? Find(Session session, GroupId id)
        => session.FindStream(id.Stream)?.Groups.GetValueOrDefault(id.Name)?.Info();

    public static void Pause(Session session, GroupId id, bool isPaused)
    {
        StoredGroup group = session.Group(id);
        if (isPaused == group.PausedAt is not null) return;
        session.Mark(group);
        (group.PausedAt, group.IsDraining) = (isPaused ? session.Now : null, false);
        session.Changed(id.Stream);
    }

    public static void Drain(Session session, GroupId id)
    {
        StoredGroup group = session.Group(id);
        if (group.IsDraining) return;
        session.Mark(group);
        (group.PausedAt, group.IsDraining) = (session.Now, true);
        session.Changed(id.Stream);
    }

    public static HeartbeatResult Beat(Session session, HeartbeatRequest request)
        => session.Living.Beat(session.Group(request.Group).Id, request);

    public static void Leave(Session session, GroupId id, string member, string instance)
    {
        StoredGroup group = session.Group(id);
        if (session.Living.MembersOf(group.Id).TryGetValue(member, out MemberInfo holder) && holder.Instance != instance) return;
        if (group.QuarantineOwner == member)
        {
            session.Mark(group);
            group.QuarantineOwner = null;
        }
        session.Living.Leave(group.Id, member);
        session.Changed(id.Stream);
    }

    public static AcquireResult Take(Session session, GroupId id, int number, AcquireRequest request)
    {
        StoredPartition partition = session.Partition(id, number);
        if (request.ExpectedEpoch is { } expected && expected != partition.Epoch)
            return new(AcquireStatus.Changed, default, null, partition.Version);
        if (partition.Version > request.Version) return new(AcquireStatus.Newer, default, null, partition.Version);
        session.Mark(partition);
        if (partition.Owner is not null) Suspect(partition,
            isAlive: session.Living.Has(partition.Group.Id, number, partition.Epoch, request.Instance));
        Unreserve(session, partition);
        partition.Epoch = StoreRules.NextEpoch(partition.Epoch, partition.Group.Id, request.KnownEpoch);
        session.Living.Take(partition.Group.Id, number, partition.Epoch, request.Instance);
        (partition.Owner, partition.OwnerVersion) = (request.Member, request.Version);
        partition.Group.Stream.Trim(number);
        var state = new PartitionState(partition.Dispatched, partition.Done, partition.LastCommit,
            StoredRows.List(partition, withPayload: false, long.MinValue, PartitionState.MaxWaiting), Files(session, partition));
        return new(AcquireStatus.Taken, new(id, number, partition.Epoch), state, partition.Version);
    }

    public static bool Release(Session session, Ownership owner)
    {
        if (Owned(session, owner) is not { Owner: not null } partition) return false;
        session.Mark(partition);
        StoredRows.GiveBack(partition);
        partition.GiveBack();
        partition.Owner = null;
        Unreserve(session, partition);
        session.Changes.AddEntries(owner.Group.Stream, owner.Partition);
        return true;
    }

    public static Quarantine? TakeQuarantine(Session session, GroupId id, string member, long expectedEpoch)
    {
        StoredGroup group = session.Group(id);
        if (group.QuarantineEpoch != expectedEpoch) return null;
        session.Mark(group);
        (group.QuarantineOwner, group.QuarantineEpoch) = (member, StoreRules.NextEpoch(expectedEpoch, group.Id));
        return new Quarantine(id, group.QuarantineEpoch);
    }

    public static void ReleaseQuarantine(Session session, Quarantine quarantine)
    {
        StoredGroup group = session.Group(quarantine.Group);
        if (group.QuarantineEpoch != quarantine.Epoch) return;
        session.Mark(group);
        group.QuarantineOwner = null;
        session.Changed(quarantine.Group.Stream);
    }

    /// <summary>Returns the partition of an ownership; null if another member has acquired it, or the group is gone.</summary>
    public static StoredPartition? Owned(Session session, Ownership owner)
        => PartitionOf(session, owner) is { } partition && partition.Epoch == owner.Epoch ? partition : null;

    /// <summary>Returns the partition for any owner; null if the group is gone.</summary>
    /// <exception cref="StoreRolledBackException">The store never gave this epoch.</exception>
    public static StoredPartition? PartitionOf(Session session, Ownership owner)
    {
        if (session.FindStream(owner.Group.Stream)?.Groups.GetValueOrDefault(owner.Group.Name) is not { } group) return null;
        StoredPartition partition = group.Partitions[Session.Checked(owner.Partition, group.Stream)];
        if (partition.Damage is not null) return null;          // stale: the next acquisition reports the damage
        StoreRules.CheckEpoch(owner, partition.Epoch, group.Id);
        return partition;
    }

    // The owner did not release the partition: its entries in flight become suspects with rows.
    private static void Suspect(StoredPartition partition, bool isAlive)
    {
        StoredRows.Suspect(partition, isAlive);
        foreach (long sequence in partition.FirstTimers())
            try
            {
                StoredRows.Insert(partition, partition.Log.Read(sequence), WaitingStatus.Suspect, 0, null, "", "");
            }
            catch (StreamStoreException)
            {
                StoredRows.InsertDamaged(partition, sequence, WaitingStatus.Suspect);
            }
        partition.Pass(partition.Done + 1, partition.Dispatched);
        partition.Advance();
    }

    private static void Unreserve(Session session, StoredPartition partition)
    {
        foreach (string stream in session.Living.Reserved.End(partition.Group.Id, partition.Number)) session.Changes.AddRoom(stream);
    }

    private static Dictionary<string, long> Files(Session session, StoredPartition partition)
    {
        var files = new Dictionary<string, long>(StringComparer.Ordinal);
        Statement rows = session.Sql("SELECT name, length FROM sluice_file WHERE grp = ? AND part = ?").Put(partition.Group.Id)
            .Put(partition.Number);
        while (rows.Next()) files.Add(rows.Text(0), rows.Long(1));
        return files;
    }
}
