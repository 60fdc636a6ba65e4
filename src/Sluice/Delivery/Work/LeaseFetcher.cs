namespace Sluice;

/// <summary>Gets entries from the store: suspects of a crash first, one at a time and with nothing else in the process; then what is due and what is new.</summary>
/// <remarks>Used by the pump.</remarks>
internal sealed class LeaseFetcher(ConsecutorCore core)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan First = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(5);

    private readonly LeaseWidth width = new();
    private int next;                                // the number of the partition that is served first
    private bool isAsking;
    private Quarantine? quarantine;
    private TimeSpan pause;                          // before everything is taken anew once more; zero if that has not failed
    private long failedAt;
    private int refusals;                            // leases that have failed one behind the other
    private long refusedAt;

    /// <summary>What keeps the store from answering; null if nothing does.</summary>
    public string? Problem { get; private set; }

    /// <summary>When to look again although nothing has changed.</summary>
    public TimeSpan? TryAgainAfter { get; private set; }

    /// <summary>The partitions that the last lease was asked for.</summary>
    public OwnedPartition[] Asked { get; private set; } = [];

    /// <summary>Null if nothing is wanted now.</summary>
    public async ValueTask<LeaseResult?> NextAsync()
    {
        TryAgainAfter = null;
        if (!core.IsLeasing || core.SinksWait) StopAsking();
        else if (core.Stopped.AreAny) await LookAgainAsync();
        if (core.Owned.Length > 0) pause = TimeSpan.Zero;
        else if (core.IsLeasing && pause > TimeSpan.Zero) await ReloadAgainAsync();
        if (!core.IsLeasing || core.SinksWait || core.Owned.Length == 0)
        {
            core.Alone.Withdraw();
            core.Alone.Rest();
            if (quarantine is not null && core.InFlight == 0) await TryAsync(GiveQuarantineBackAsync);          // others may have suspects too
            return null;
        }
        if (Refused is { } refused && refused > TimeSpan.Zero)
        {
            TryAgainAfter = refused;
            return null;
        }
        if (core.Books.Suspects > 0 || quarantine is not null) return await TryAsync(NextSuspectAsync);
        core.Alone.Withdraw();
        int room = core.Alone.MayWork() ? core.Options.MaxInFlight - core.InFlight : 0;
        OwnedPartition[] owned = Staying();
        int most = Math.Min(room, Math.Max(1, core.Options.MaxInFlight / 2));
        if (room > 0 && core.Epochs is { } epochs) (owned, most) = epochs.Choose(owned, most);
        Asked = owned;
        if (room <= 0 || owned.Length == 0)
        {
            StopAsking();                            // an epoch may run for long in all that is this member's
            TryAgainAfter = core.Stopped.NextLook;
            return null;
        }
        int batches = core.Epochs is null ? int.MaxValue : width.Most;
        var request = new LeaseRequest(Owners(owned)) { MaxItems = most, MaxBatches = batches, BackpressureStreams = core.Outputs.GateStreams };
        LeaseResult? lease = await LeaseAsync(request);
        if (lease is not null) core.Epochs?.HaveAsked(owned, request, lease);
        return lease;
    }

    /// <summary>Entries were leased: from here on they are under way.</summary>
    /// <returns>Their partition; null if it was lost meanwhile.</returns>
    public OwnedPartition? Begin(LeasedBatch leased)
    {
        OwnedPartition? partition = Array.Find(core.Owned, owned => owned.Owner == leased.Owner);
        if (partition is null) return null;
        lock (core.Books.Sync)
        {
            if (partition.IsVoid) return null;
            partition.Begin(leased.Entries.Length);
            foreach (Entry entry in leased.Entries.Span) core.Books.Lease(partition, entry.Sequence, entry.Attempt);
        }
        core.Begin(leased.Entries.Length);
        return partition;
    }

    /// <summary>Whether the root must not be started: it has used up its starts by crashes, or is meant for code that this is not.</summary>
    public bool IsSpent(Root root, int codeVersion)
    {
        if (root.Partition.Damaged.Count > 0 && root.Partition.Damaged.TryGetValue(root.EntrySequence, out LeaseDamage? damage))
        {
            if (core.Epochs is null) root.Partition.Damaged.Remove(root.EntrySequence);          // an epoch may be begun again
            root.Damage = damage;
            root.Fail(new PipelineException(core.Name, null, new StreamStoreException(damage.Message), core.Recorder.Count - 1), isFinal: true);
            return true;
        }
        if (CodeVersionGate.Why(core, codeVersion, null) is { } newer) return Park(root, newer);
        DeliveryGuarantee delivery = core.Options.Delivery;
        int replays = delivery.Level == DeliveryLevel.Replay ? delivery.Count : 0;
        if (root.Attempt - 1 > replays)
        {
            var cause = new InvalidOperationException($"The process ended {root.Attempt - 1} times while nothing but this item was being processed.");
            root.Fail(new PipelineException(core.Name, null, cause, core.Recorder.Count - 1), isFinal: true);
            return true;
        }
        return CodeVersionGate.Why(core, codeVersion, root.Headers.Node) is { } missing && Park(root, missing);
    }

    private bool Park(Root root, string why)
    {
        core.Parked = root.Park = why;
        root.Settle(Outcome.Skipped);
        return true;
    }

    private async ValueTask<LeaseResult?> TryAsync(Func<ValueTask<LeaseResult?>> step)
    {
        try
        {
            return await step();
        }
        catch (Exception e) when (e is StreamStoreException or ObjectDisposedException && !core.Life.IsCancellationRequested)
        {
            if (core.EndIfClosed(e)) return null;
            core.Problem = Problem = $"The store does not say who has the quarantine; it is asked again: {FailureText.Of(e)}";
            TryAgainAfter = Patience;
            core.Alone.Withdraw();
            return null;
        }
    }

    private async ValueTask<LeaseResult?> GiveQuarantineBackAsync()
    {
        if (quarantine is { } over) await core.Store.ReleaseQuarantineAsync(over, core.Life);
        quarantine = null;
        return null;
    }

    private async ValueTask<LeaseResult?> NextSuspectAsync()
    {
        if (core.InFlight > 0 || core.Epochs is { AreOver: false }) return null;          // it is to run alone: the end of the last one wakes the pump
        core.Alone.Rest();
        if (core.Books.Suspects == 0)
        {
            await GiveQuarantineBackAsync();
            core.Alone.Withdraw();
            core.Changed();
            return null;
        }
        if (quarantine is null)
        {
            GroupInfo group = await core.Store.FindGroupAsync(core.Group, core.Life) ?? throw new StreamStoreException($"The group {core.Group} was removed.");
            core.Members.See(group);
            if (group.QuarantineOwner is { } owner && owner != core.Options.InstanceId && !core.Members.IsSilent(owner))
            {
                core.Alone.Withdraw();
                TryAgainAfter = Patience;
                return null;
            }
            quarantine = await core.Store.AcquireQuarantineAsync(core.Group, core.Options.InstanceId, group.QuarantineEpoch, core.Life);
            if (quarantine is null)
            {
                TryAgainAfter = Patience;            // somebody else was faster, and may die without a word
                return null;
            }
        }
        if (!core.Alone.TryBeAlone()) return null;
        OwnedPartition[] owned = Staying();
        if (owned.Length == 0)
        {
            TryAgainAfter = core.Stopped.NextLook;
            return null;
        }
        LeaseResult? lease = await LeaseAsync(new(Owners(owned)) { MaxItems = 1, Quarantine = quarantine });
        if (lease is { IsQuarantineLost: true })
        {
            quarantine = null;
            TryAgainAfter = Patience;
        }
        if (lease is not { Batches.Count: > 0 }) core.Alone.Withdraw();
        if (lease is { IsQuarantineLost: false, Batches.Count: 0, Damaged.Count: 0 }) core.Books.ForgetSuspects(owned);
        return lease;
    }

    private OwnedPartition[] Staying()
    {
        OwnedPartition[] owned = core.Owned;
        if (core.Stopped.AreAny) owned = Array.FindAll(owned, partition => !core.Stopped.IsStopped(partition));
        return Array.Exists(owned, static partition => partition.IsLeaving) ? Array.FindAll(owned, static partition => !partition.IsLeaving) : owned;
    }

    /// <summary>Gives back and takes anew each partition that has been stopped long enough and has no item in flight.</summary>
    private async ValueTask LookAgainAsync()
    {
        try
        {
            foreach (OwnedPartition partition in core.Owned)
                if (core.Stopped.IsStopped(partition) && core.Stopped.IsDue(partition.Number)) await core.Members.RenewAsync(partition);
        }
        catch (Exception e) when (!core.Life.IsCancellationRequested)
        {
            if (!core.EndIfClosed(e)) core.Problem = Problem = $"The store does not answer: {FailureText.Of(e)}";
        }
    }

    /// <summary>How long no lease is asked for, as some have failed one behind the other; null or less if one may be.</summary>
    private TimeSpan? Refused
    {
        get
        {
            if (refusals < 2) return null;
            TimeSpan after = First * (1 << Math.Min(refusals - 2, 16));
            return (after < Longest ? after : Longest) - core.Time.GetElapsedTime(refusedAt);
        }
    }

    /// <summary>Nothing is wanted: that nothing is given out is not the store's fault.</summary>
    private void StopAsking()
    {
        if (isAsking) core.Leases.Answer();
        isAsking = false;
    }

    private async ValueTask<LeaseResult?> LeaseAsync(LeaseRequest request)
    {
        try
        {
            if (!isAsking) core.Leases.Ask();
            isAsking = true;
            LeaseResult lease = await core.Store.LeaseAsync(request, core.Life);
            refusals = 0;
            StopAsking();
            if (core.Stopped.AreAny) core.Stopped.Learn(lease, Asked);
            lease = DamagedEntries.Sort(core, lease);
            if (core.Stopped.NextLook is { } look && !(lease.NextDue <= look)) lease = lease with { NextDue = look };
            Learn(lease);
            foreach (Ownership stale in lease.Stale)
                if (Array.Find(core.Owned, owned => owned.Owner == stale) is { } lost) core.Lose(lost);
            Problem = lease.FullStream is { } gate ? core.Outputs.Wait(gate) : null;
            if (Problem is not null) TryAgainAfter = Patience;
            core.Problem = Problem;
            return lease;
        }
        catch (Exception e) when (!core.Life.IsCancellationRequested)
        {
            if (core.EndIfClosed(e)) return null;

            // Whether anything was leased is not known: given back, it is as before.
            core.Problem = Problem = $"The store does not give out entries; it is asked again: {FailureText.Of(e)}";
            TryAgainAfter = Patience;
            (refusals, refusedAt) = (refusals + 1, core.Time.GetTimestamp());
            quarantine = null;
            pause = TimeSpan.Zero;
            if (!await core.Losses.NoticeAsync(e)) await ReloadAsync();
            return null;
        }
    }

    /// <summary>After a pause that grows: the next heartbeat may be long in coming. What it brings before that is as good.</summary>
    private async ValueTask ReloadAgainAsync()
    {
        TimeSpan left = pause - core.Time.GetElapsedTime(failedAt);
        if (left > TimeSpan.Zero) TryAgainAfter = left;
        else if (core.Losses.IsRecovering) pause = TimeSpan.Zero;
        else await ReloadAsync();
    }

    private async ValueTask ReloadAsync()
    {
        if (await core.Members.ReloadAsync())
        {
            pause = TimeSpan.Zero;
            return;
        }
        failedAt = core.Time.GetTimestamp();
        pause = pause == TimeSpan.Zero ? First : pause * 2 < Longest ? pause * 2 : Longest;
        TryAgainAfter = pause;
    }

    private void Learn(LeaseResult lease)
    {
        int entries = 0;
        foreach (LeasedBatch batch in lease.Batches) entries += batch.Entries.Length;
        width.Learn(lease.Batches.Count, entries);
        if (lease.Batches.Count > 0) next = lease.Batches[^1].Owner.Partition + 1;
    }

    /// <summary>By number, from the next one on; if nothing comes of it, from the one behind that the next time.</summary>
    private Ownership[] Owners(OwnedPartition[] owned)
    {
        var request = new Ownership[owned.Length];
        var places = new uint[owned.Length];         // a number before the next one is far behind
        for (int i = 0; i < owned.Length; i++) (request[i], places[i]) = (owned[i].Owner, (uint)(owned[i].Number - next));
        Array.Sort(places, request);
        next = request[0].Partition + 1;
        return request;
    }
}
