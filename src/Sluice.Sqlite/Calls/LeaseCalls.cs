namespace Sluice.Sqlite;

/// <summary>Calls that lease entries and reserve room.</summary>
internal static class LeaseCalls
{
    private const int MaxExpected = 4096; // the bound of the first array: the number that fits the byte limit is unknown before reading

    public static ReserveStatus Reserve(Session session, Ownership owner, string streamName, long items, long bytes)
    {
        StoredStream output = session.Stream(streamName);
        if (GroupCalls.Owned(session, owner) is not { Owner: not null } partition) return ReserveStatus.Stale;
        if (output.End is not null) return ReserveStatus.Ended;
        if (StreamCalls.Swept(output).IsFullFor(items, bytes)) return ReserveStatus.Full;
        session.Living.Reserved.Add(partition, output, items, bytes);
        return ReserveStatus.Reserved;
    }

    public static LeaseResult Lease(Session session, LeaseRequest request)
    {
        var owned = new List<(Ownership Owner, StoredPartition Partition)>(request.Owned.Count);
        List<Ownership> stale = [];
        DateTimeOffset? pausedAt = null;
        foreach (Ownership owner in request.Owned)
            if (GroupCalls.Owned(session, owner) is not { Owner: not null } partition) stale.Add(owner);
            else if (partition.Group.PausedAt is { } since) pausedAt = since;
            else owned.Add((owner, partition));
        if (pausedAt is not null && owned.Count == 0) return new([], stale) { PausedAt = pausedAt };

        if (request.Quarantine is { } quarantine) return LeaseSuspect(session, quarantine, owned, stale) with { PausedAt = pausedAt };
        foreach (StoredStream gate in request.BackpressureStreams.Select(session.Stream))
            if (StreamCalls.Swept(gate).IsFullFor(1, 1))
                return new([], stale) { FullStream = gate.Name, NextDue = gate.NextExpiry(), PausedAt = pausedAt };

        List<LeasedBatch> batches = [];
        List<LeaseDamage> damaged = [];
        var room = new LeaseRoom { Items = request.MaxItems, Bytes = request.MaxBytes };
        foreach ((Ownership owner, StoredPartition partition) in owned)
        {
            if (room.Items <= 0 || room.Bytes <= 0 || batches.Count == request.MaxBatches) break;
            ReadOnlyMemory<Entry> entries = Lease(partition, owner, ref room, damaged);
            if (entries.Length > 0) batches.Add(new(owner, entries));
        }
        long? due = owned.Min(one => StoredRows.NextDue(one.Partition));
        return new(batches, stale)
        {
            Damaged = damaged,
            PausedAt = pausedAt,
            NextDue = due is { } at ? TimeSpan.FromTicks(Math.Max(0, at - session.Now.UtcTicks)) : null,
            IsEnded = batches.Count + damaged.Count == 0 && owned.Count > 0 && pausedAt is null
                && owned.All(one => one.Partition.Group.Stream.End is not null && one.Partition.IsEmpty),
        };
    }

    private static ReadOnlyMemory<Entry> Lease(StoredPartition partition, Ownership owner, ref LeaseRoom room, List<LeaseDamage> damaged)
    {
        var entries = new Entries();
        bool mayHaveNew = true;
        if (partition.Rows > partition.Flying)
        {
            long now = partition.Group.Session.Now.UtcTicks;
            while (room.Items > 0 && room.Bytes > 0)
            {
                // The first entry is given whatever its length; the others share the remaining bytes.
                var due = StoredRows.Due(partition, now, room.IsFirst ? 1 : room.Items, room.Limit);
                foreach (LeasableRow row in due)
                {
                    StoredRows.Lease(partition, row.Row, alone: false);
                    if (row.Damage is null) entries.Add(row.Entry with { Attempt = row.Row.Attempts + 1 });
                    else damaged.Add(row.Damaged(owner));
                    room.Take(row.Row.Bytes);
                }
                if (due.Count == 0) break;
            }
            mayHaveNew = StoredRows.NextDue(partition) is not { } next || next > now;
        }
        if (mayHaveNew) LeaseNew(partition, owner, ref room, ref entries, damaged);
        return entries.Memory;
    }

    private static void LeaseNew(StoredPartition partition, Ownership owner, ref LeaseRoom room, ref Entries entries,
        List<LeaseDamage> damaged)
    {
        long mark = partition.SkipPassed(partition.Dispatched);
        entries.Expect((int)Math.Min(Math.Min(room.Items, MaxExpected), partition.Log.Tail - mark));
        while (room.Items > 0 && room.Bytes > 0 && mark < partition.Log.Tail)
        {
            StoredChunk chunk;
            try
            {
                chunk = partition.Log.ChunkOf(mark + 1);
            }
            catch (StreamStoreException damage)
            {
                TakeUnreadable(partition, owner, ref mark, ref room, damaged, damage);
                continue;
            }
            if (!LeaseFrom(chunk, partition, owner, ref mark, ref room, ref entries, damaged)) break;
        }
        if (mark > partition.Dispatched) partition.DispatchTo(mark);
    }

    /// <returns>Whether there was room for the whole chunk.</returns>
    private static bool LeaseFrom(
        StoredChunk chunk, StoredPartition partition, Ownership owner, ref long mark, ref LeaseRoom room, ref Entries entries,
            List<LeaseDamage> damaged)
    {
        while (chunk.Has(mark + 1))
        {
            if (room.Items <= 0 || room.Bytes <= 0 || chunk.LengthOf(mark + 1) > room.Limit) return false;
            try
            {
                Entry entry = chunk.Read(mark + 1, partition.Group.Stream.Name, partition.Number);
                entries.Add(entry with { Attempt = 1 });
                room.Take(entry.Headers.Length + entry.Payload.Length);
            }
            catch (StreamStoreException damage)
            {
                damaged.Add(new(owner, new(mark + 1, mark + 1), damage.Message) { Raw = chunk.BytesAt(mark + 1) });
                room.Take(0);
            }
            mark = partition.SkipPassed(mark + 1);
        }
        return true;
    }

    // Up to the next chunk, but not beyond the next entry that has ended.
    private static void TakeUnreadable(StoredPartition partition, Ownership owner, ref long mark, ref LeaseRoom room,
        List<LeaseDamage> damaged, StreamStoreException damage)
    {
        long first = mark + 1, last = Math.Min(partition.Log.EndOfUnreadable(first), first + room.Items - 1);
        while (mark < last && partition.SkipPassed(mark) == mark) mark++;
        damaged.Add(new(owner, new(first, mark), damage.Message));
        room.Take(0, (int)(mark - first + 1));
    }

    private static LeaseResult LeaseSuspect(
        Session session, Quarantine quarantine, List<(Ownership Owner, StoredPartition Partition)> owned, List<Ownership> stale)
    {
        StoredGroup group = session.Group(quarantine.Group);
        if (!StoreRules.HasQuarantine(quarantine, group.QuarantineEpoch, group.QuarantineOwner, group.Id))
            return new([], stale) { IsQuarantineLost = true };
        foreach ((Ownership owner, StoredPartition partition) in owned)
        {
            if (owner.Group != quarantine.Group || StoredRows.FirstSuspect(partition) is not { } suspect) continue;
            session.Write();
            StoredRows.Lease(partition, suspect.Row, alone: true);
            return suspect.Damage is null
                ? new([new(owner, new[] { suspect.Entry with { Attempt = suspect.Row.Attempts + 1 } })], stale)
                : new([], stale) { Damaged = [suspect.Damaged(owner)] };
        }
        return new([], stale);
    }

    /// <summary>A list of leased entries in one array, which is sized in advance because entries are large.</summary>
    private struct Entries()
    {
        private Entry[] entries = [];

        public int Count { get; private set; }
        public readonly ReadOnlyMemory<Entry> Memory => entries.AsMemory(0, Count);

        public void Expect(int more)
        {
            if (Count + more > entries.Length) Array.Resize(ref entries, Count + more);
        }

        public void Add(in Entry entry)
        {
            if (Count == entries.Length) Expect(Math.Max(4, Count));
            entries[Count++] = entry;
        }
    }

    private struct LeaseRoom()
    {
        public int Items;
        public long Bytes;
        public bool IsFirst = true;

        public readonly long Limit => IsFirst ? long.MaxValue : Bytes;

        public void Take(long bytes, int items = 1)
        {
            Items -= items;
            Bytes -= bytes;
            IsFirst = false;
        }
    }
}
