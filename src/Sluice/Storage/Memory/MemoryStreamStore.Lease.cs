namespace Sluice;

public sealed partial class MemoryStreamStore
{
    private Entry[] scratch = new Entry[64];         // collects a lease before its length is known; used under the lock

    /// <inheritdoc/>
    public override ValueTask<LeaseResult> LeaseAsync(LeaseRequest request, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentOutOfRangeException.ThrowIfLessThan(request.MaxItems, 1, nameof(request));
        ArgumentOutOfRangeException.ThrowIfLessThan(request.MaxBatches, 1, nameof(request));
        return Locked(() => Lease(request), cancellation);
    }

    /// <inheritdoc/>
    public override ValueTask<ReserveStatus> ReserveAsync(Ownership owner, string stream, long items, long bytes,
        CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(items, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(bytes, 0);
        return Locked(() =>
        {
            StoredStream output = Stream(stream);
            if (Owned(owner) is not { Owner: not null } partition) return ReserveStatus.Stale;
            if (output.End is not null) return ReserveStatus.Ended;
            output.Sweep(clock.Now);
            if (output.IsFullFor(items, bytes)) return ReserveStatus.Full;
            Backlog reserved = partition.Reserved.GetValueOrDefault(output);
            reserved.Add(items, bytes);
            partition.Reserved[output] = reserved;
            output.Reserved.Add(items, bytes);
            return ReserveStatus.Reserved;
        }, cancellation);
    }

    private LeaseResult Lease(LeaseRequest request)
    {
        DateTimeOffset now = clock.Now;
        List<(Ownership Owner, StoredPartition Partition)> owned = [];
        List<Ownership> stale = [];
        (StoredGroup? group, DateTimeOffset? pausedAt) = (null, null);
        foreach (Ownership owner in request.Owned)
            if (Owned(owner) is not { Owner: not null } partition) stale.Add(owner);
            else
            {
                if (group?.Id != owner.Group) group = Group(owner.Group);
                if (group.PausedAt is { } at) pausedAt = at;
                else owned.Add((owner, partition));
            }
        if (pausedAt is not null && owned.Count == 0) return new([], stale) { PausedAt = pausedAt };

        if (request.Quarantine is { } quarantine) return LeaseSuspect(quarantine, owned, stale) with { PausedAt = pausedAt };
        foreach (StoredStream gate in request.BackpressureStreams.Select(Stream))
        {
            gate.Sweep(now);
            if (!gate.IsFullFor(1, 1)) continue;
            return new([], stale) { FullStream = gate.Name, NextDue = gate.NextExpiry(now), PausedAt = pausedAt };
        }

        List<LeasedBatch> batches = [];
        List<LeaseDamage> damaged = [];
        (int items, long bytes) = (request.MaxItems, request.MaxBytes);
        bool isFirst = true;
        foreach ((Ownership owner, StoredPartition partition) in owned)
        {
            if (batches.Count == request.MaxBatches) break;
            int count = 0;
            while (items > 0 && bytes > 0)
            {
                long room = isFirst ? long.MaxValue : bytes;
                if (!partition.TryLease(now, room, out Entry entry, out string? damage)) break;
                items--;
                if (damage is not null)
                {
                    damaged.Add(Damaged(owner, entry, damage));
                    continue;
                }
                if (count == scratch.Length) Array.Resize(ref scratch, 2 * count);
                scratch[count++] = entry;
                bytes -= entry.Headers.Length + entry.Payload.Length;
                isFirst = false;
            }
            if (count > 0) batches.Add(new(owner, scratch.AsSpan(0, count).ToArray()));
            Array.Clear(scratch, 0, count);          // it must not keep payloads alive
        }
        return new(batches, stale)
        {
            Damaged = damaged,
            PausedAt = pausedAt,
            NextDue = Until(owned.Min(one => one.Partition.NextDue), now),
            IsEnded = batches.Count == 0 && damaged.Count == 0 && pausedAt is null
                && owned.All(one => Stream(one.Owner.Group.Stream).End is not null && one.Partition.IsEmpty) && owned.Count > 0,
        };
    }

    private LeaseResult LeaseSuspect(Quarantine quarantine, List<(Ownership Owner, StoredPartition Partition)> owned, List<Ownership> stale)
    {
        StoredGroup group = Group(quarantine.Group);
        if (!StoreRules.HasQuarantine(quarantine, group.QuarantineEpoch, group.QuarantineOwner, group.Number))
            return new([], stale) { IsQuarantineLost = true };
        foreach ((Ownership owner, StoredPartition partition) in owned)
            if (owner.Group == quarantine.Group && partition.TryLeaseSuspect(out Entry entry, out string? damage))
                return damage is null ? new([new(owner, new[] { entry })], stale)
                    : new([], stale) { Damaged = [Damaged(owner, entry, damage)] };
        return new([], stale);
    }

    private static LeaseDamage Damaged(Ownership owner, in Entry entry, string message)
        => new(owner, new(entry.Sequence, entry.Sequence), message) { Attempt = entry.Attempt, Raw = entry.Payload };

    private static TimeSpan? Until(DateTimeOffset? due, DateTimeOffset now)
        => due is { } at ? (at > now ? at - now : TimeSpan.Zero) : null;
}
