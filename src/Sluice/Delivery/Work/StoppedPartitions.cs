namespace Sluice;

/// <summary>The partitions of this member that stand still, because something in them is damaged. Each is looked at again, after pauses that grow.</summary>
/// <remarks>Thread-safe: everything is under its lock.</remarks>
internal sealed class StoppedPartitions(ConsecutorCore core)
{
    private static readonly TimeSpan First = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(1);

    private readonly Lock sync = new();
    private readonly SortedDictionary<int, Standing> stops = [];
    private volatile bool areAny;

    /// <summary>Whether anything stands still, or has until now.</summary>
    public bool AreAny => areAny;

    /// <summary>The damage, by partition.</summary>
    public IReadOnlyList<StoppedPartition> All
    {
        get
        {
            if (!areAny) return [];
            lock (sync) return [.. stops.Values.Select(static stop => stop.Told)];
        }
    }

    /// <summary>What people should know of these partitions; null if there are none.</summary>
    public static string? Describe(IReadOnlyList<StoppedPartition> stopped)
    {
        if (stopped.Count == 0) return null;
        string others = stopped.Count > 1 ? $" {stopped.Count - 1} more partitions stand still as well (ConsecutorSnapshot.Stopped)." : "";
        return $"{stopped[0].Message}{others}";
    }

    /// <summary>Leased entries cannot be read: nothing behind them is taken up.</summary>
    public void Stop(OwnedPartition partition, LeaseDamage damage)
    {
        string message = $"Partition {partition.Number} of {core.Name} stands still, the others go on: {damage.Message} It is looked at again from time to time. To go on without the entry, which becomes a dead letter then, set ConsecutorOptions.OnDamage to DamagePolicy.DeadLetter.";
        Stop(new(partition.Number, message) { Entries = damage.Entries }, partition.Owner);
        core.Books.ForgetSuspects([partition]);      // the partition is not asked for its suspects
    }

    /// <summary>A partition cannot be taken, or its state cannot be read.</summary>
    public void Stop(int partition, string damage)
        => Stop(new(partition, $"Partition {partition} of {core.Name} stands still, the others go on: {damage} It is looked at again from time to time."), owner: null);

    private void Stop(StoppedPartition told, Ownership? owner)
    {
        bool isNew;
        lock (sync)
        {
            isNew = !stops.TryGetValue(told.Partition, out Standing? before) || before.Told.Entries?.First != told.Entries?.First || (told.Entries is null && before.Told.Message != told.Message);
            TimeSpan pause = before is null || before.Told.Entries?.First != told.Entries?.First ? First
                : before.Pause * 2 < Longest ? before.Pause * 2 : Longest;
            stops[told.Partition] = new(told, owner, pause, core.Time.GetTimestamp());
            areAny = true;
        }
        if (isNew) core.Warn(told.Message);          // once for each damage, not for each look
        core.Changed();
    }

    /// <summary>Whether nothing of it is leased.</summary>
    public bool IsStopped(OwnedPartition partition)
    {
        if (!areAny) return false;
        lock (sync) return stops.TryGetValue(partition.Number, out Standing? stop) && stop.Owner == partition.Owner;
    }

    /// <summary>Whether it is to be looked at again.</summary>
    public bool IsDue(int partition)
    {
        if (!areAny) return true;
        lock (sync) return !stops.TryGetValue(partition, out Standing? stop) || Left(stop) <= TimeSpan.Zero;
    }

    /// <summary>When the next one is looked at; null if none is.</summary>
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

    /// <summary>It was taken: what could not be read then can be.</summary>
    public void Taken(int partition) => Forget(partition, static stop => stop.Told.Entries is null);

    /// <summary>A lease has not met the damage any more: it was repaired, or another member settled the entry.</summary>
    public void Learn(LeaseResult lease, OwnedPartition[] asked)
    {
        if (!areAny || lease.FullStream is not null) return;
        foreach (OwnedPartition partition in asked)
        {
            if (IsStopped(partition) || lease.Damaged.Any(damage => damage.Owner == partition.Owner)) continue;
            LeasedBatch? batch = lease.Batches.FirstOrDefault(batch => batch.Owner == partition.Owner);
            if (batch is null && lease.Batches.Count > 0) continue;          // its turn may not have come
            Forget(partition.Number, stop => stop.Told.Entries is { } entries && (batch is null || batch.Entries.Span[^1].Sequence >= entries.First));
        }
    }

    private void Forget(int partition, Func<Standing, bool> isMeant)
    {
        if (!areAny) return;
        lock (sync)
        {
            if (!stops.TryGetValue(partition, out Standing? stop) || !isMeant(stop)) return;
            stops.Remove(partition);
            areAny = stops.Count > 0;
        }
    }

    private TimeSpan Left(Standing stop) => stop.Pause - core.Time.GetElapsedTime(stop.Since);

    private sealed record Standing(StoppedPartition Told, Ownership? Owner, TimeSpan Pause, long Since);
}
