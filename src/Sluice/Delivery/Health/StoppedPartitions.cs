using Sluice.Diagnostics;

namespace Sluice.Delivery;

/// <summary>The partitions of this member that stand still because of damage. Each is tried again, after pauses that grow.</summary>
/// <remarks>Thread-safe: everything is under its lock.</remarks>
internal sealed class StoppedPartitions(string name, TimeProvider time, ItemLedger ledger, PumpSignal pump, ConsecutorLifetime lifetime)
{
    private static readonly TimeSpan First = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(1);

    private readonly Lock sync = new();
    private readonly SortedDictionary<int, Standing> stops = [];
    private readonly Dictionary<int, Standing> refusals = [];        // the last ones of partitions that go on
    private volatile bool areAny;

    /// <summary>Whether any partition stands still.</summary>
    public bool AreAny => areAny;

    /// <summary>The damage of each partition.</summary>
    public IReadOnlyList<StoppedPartition> All
    {
        get
        {
            if (!areAny) return [];
            lock (sync) return [.. stops.Values.Select(static stop => stop.Told)];
        }
    }

    /// <summary>Describes these partitions for people; null if there are none.</summary>
    public static string? Describe(IReadOnlyList<StoppedPartition> stopped)
    {
        if (stopped.Count == 0) return null;
        string others = stopped.Count > 1 ? $" {stopped.Count - 1} more partitions stand still as well (ConsecutorSnapshot.Stopped)." : "";
        return $"{stopped[0].Message}{others}";
    }

    /// <summary>Stops a partition whose leased entries cannot be read. No entry behind them is started.</summary>
    public void Stop(OwnedPartition partition, LeaseDamage damage)
    {
        string message =
            $"Partition {partition.Number} of {name} stands still, the others go on: {damage.Message} It is looked at again from time to "
            + $"time. To go on without the entry, which becomes a dead letter then, set ConsecutorOptions.OnDamage to "
            + $"DamagePolicy.DeadLetter.";
        Stop(new(partition.Number, message) { Entries = damage.Entries }, partition.Owner, partition.Owner.Epoch);
        ledger.ForgetSuspects([partition]);      // the partition is not asked for its suspects
    }

    /// <summary>Stops a partition that cannot be acquired, or whose state cannot be read.</summary>
    /// <param name="partition">The number of the partition.</param>
    /// <param name="epoch">The last epoch of which this member knows.</param>
    /// <param name="damage">What is damaged.</param>
    public void Stop(int partition, long epoch, string damage)
        => Stop(new(partition, $"Partition {partition} of {name} stands still, the others go on: {damage} It is looked at again from time "
            + "to time."), owner: null, epoch);

    /// <summary>Stops a partition whose commit the store refuses for good. A commit that it takes ends this, not an acquisition.</summary>
    public void Refuse(OwnedPartition partition, string damage)
        => Stop(new(partition.Number, $"Partition {partition.Number} of {name} stands still, the others go on: the store refuses a commit. "
            + $"{damage} Its items are started again from time to time."), owner: null, partition.Owner.Epoch, isRefused: true);

    private void Stop(StoppedPartition told, Ownership? owner, long epoch, bool isRefused = false)
    {
        bool isNew;
        lock (sync)
        {
            Standing? before = stops.GetValueOrDefault(told.Partition) ?? (isRefused ? LastRefusal(told.Partition) : null);
            isNew = before is null || before.Told.Entries?.First != told.Entries?.First
                || (told.Entries is null && before.Told.Message != told.Message);
            TimeSpan pause = before is null || before.Told.Entries?.First != told.Entries?.First ? First
                : before.Pause * 2 < Longest ? before.Pause * 2 : Longest;
            stops[told.Partition] = new(told, owner, epoch, isRefused, pause, time.GetTimestamp());
            areAny = true;
        }
        if (isNew) lifetime.Warn(told.Message);          // once for each damage, not for each look
        pump.Changed();
    }

    /// <summary>Whether the partition stands still, so that no entry of it is leased.</summary>
    public bool IsStopped(OwnedPartition partition)
    {
        if (!areAny) return false;
        lock (sync) return stops.TryGetValue(partition.Number, out Standing? stop) && stop.Owner == partition.Owner;
    }

    /// <summary>Whether the store has refused the last commit of the partition for good.</summary>
    public bool IsRefused(int partition)
    {
        if (!areAny) return false;
        lock (sync) return stops.TryGetValue(partition, out Standing? stop) && stop.IsRefused;
    }

    /// <summary>Whether the partition may be tried again now. True if it does not stand still.</summary>
    public bool IsDue(int partition)
    {
        if (!areAny) return true;
        lock (sync) return !stops.TryGetValue(partition, out Standing? stop) || Left(stop) <= TimeSpan.Zero;
    }

    /// <summary>The time until the next partition is tried again; null if none is.</summary>
    public TimeSpan? NextLook
    {
        get
        {
            if (!areAny) return null;
            lock (sync)
            {
                // An overdue partition waits for its items in flight, whose end wakes the pump.
                TimeSpan? next = stops.Values.Where(static stop => stop.Owner is not null).Select(stop => (TimeSpan?)Left(stop)).Min();
                return next is { } left && left <= TimeSpan.Zero ? First : next;
            }
        }
    }

    /// <summary>Forgets the partitions that another member has acquired since: that member tells whether they stand still.</summary>
    /// <param name="group">The group, as the store has it.</param>
    /// <param name="self">The name of this member.</param>
    public void Learn(GroupInfo group, string self)
    {
        if (!areAny) return;
        foreach (PartitionInfo info in group.Partitions)
            if (info.Owner is { } owner && owner != self) Forget(info.Partition, stop => info.Epoch > stop.Epoch);
    }

    /// <summary>The partition was acquired, so it does not stand still any more.</summary>
    public void Taken(int partition) => Forget(partition, static stop => stop is { Told.Entries: null, IsRefused: false });

    /// <summary>The store has taken a commit of the partition.</summary>
    public void Committed(int partition) => Forget(partition, static stop => stop.IsRefused);

    /// <summary>
    /// Forgets the partitions whose damage a lease has not met any more: it was repaired, or another member settled the entry.
    /// </summary>
    public void Learn(LeaseResult lease, OwnedPartition[] asked)
    {
        if (!areAny || lease.FullStream is not null) return;
        foreach (OwnedPartition partition in asked)
        {
            if (IsStopped(partition) || lease.Damaged.Any(damage => damage.Owner == partition.Owner)) continue;
            LeasedBatch? batch = lease.Batches.FirstOrDefault(batch => batch.Owner == partition.Owner);
            if (batch is null && lease.Batches.Count > 0) continue;          // its turn may not have come
            Forget(partition.Number, stop => stop.Told.Entries is { } entries
                && (batch is null || batch.Entries.Span[^1].Sequence >= entries.First));
        }
    }

    private void Forget(int partition, Func<Standing, bool> isMeant)
    {
        if (!areAny) return;
        lock (sync)
        {
            if (!stops.TryGetValue(partition, out Standing? stop) || !isMeant(stop)) return;
            stops.Remove(partition);
            if (stop.IsRefused) refusals[partition] = stop;
            areAny = stops.Count > 0;
        }
    }

    // Of a partition that goes on: another item of it may be refused again, so the pauses go on to grow, unless none is for a while.
    private Standing? LastRefusal(int partition)
        => refusals.Remove(partition, out Standing? last) && time.GetElapsedTime(last.Since) <= last.Pause + Longest ? last : null;

    private TimeSpan Left(Standing stop) => stop.Pause - time.GetElapsedTime(stop.Since);

    private sealed record Standing(
        StoppedPartition Told, Ownership? Owner, long Epoch, bool IsRefused, TimeSpan Pause, long Since);
}
