namespace Sluice.Delivery;

/// <summary>Leases entries from the store: suspects of a crash first, one at a time; then entries that are due or new.</summary>
/// <remarks>Used by the pump only. It has no lock.</remarks>
/// <param name="core">The consecutor.</param>
/// <param name="stopping">Cancelled when the run stops: then no answer of the store is awaited. What it may have leased goes back with its
/// partition.</param>
internal sealed partial class LeaseFetcher(ConsecutorCore core, CancellationToken stopping)
{
    private static readonly TimeSpan RetryInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan First = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(5);

    private readonly LeaseWidth width = new();
    private int next;                                // the number of the partition that is asked for first
    private bool isAsking;
    private Quarantine? quarantine;
    private Quarantine? doubtful;                    // after a failed lease: the store may still hold it for this member
    private TimeSpan pause;                          // before the next reload; zero if the last one succeeded
    private TimeSpan varied;                         // the same, with its random part
    private long failedAt;
    private int refusals;                            // leases that have failed in a row
    private long refusedAt;

    /// <summary>Why the store does not answer; null if it does.</summary>
    public string? Problem { get; private set; }

    /// <summary>The time after which the pump asks again, although nothing has changed; null if it need not.</summary>
    public TimeSpan? TryAgainAfter { get; private set; }

    /// <summary>The partitions of the last lease.</summary>
    public OwnedPartition[] Asked { get; private set; } = [];

    /// <summary>Leases the next entries; null if there is no room, or the consecutor stops or waits.</summary>
    public async ValueTask<LeaseResult?> NextAsync()
    {
        TryAgainAfter = null;
        if (!core.Pump.IsLeasing || core.Sinks.AreWaiting) StopAsking();
        else if (core.Stopped.AreAny) await LookAgainAsync();
        if (core.Partitions.Owned.Length > 0) pause = TimeSpan.Zero;
        else if (core.Pump.IsLeasing && pause > TimeSpan.Zero) await ReloadAgainAsync();
        if (!core.Pump.IsLeasing || core.Sinks.AreWaiting || core.Partitions.Owned.Length == 0)
        {
            core.Problems.OfSuspects = null;
            core.Alone.Withdraw();
            core.Alone.Rest();
            // others may have suspects too
            if ((quarantine ?? doubtful) is not null && core.InFlight.Count == 0) await TryAsync(GiveQuarantineBackAsync);
            return null;
        }
        if (Refused is { } refused && refused > TimeSpan.Zero)
        {
            TryAgainAfter = refused;
            return null;
        }
        if (core.Ledger.Suspects > 0 || (quarantine ?? doubtful) is not null) return await TryAsync(NextSuspectAsync);
        core.Problems.OfSuspects = null;
        core.Alone.Withdraw();
        int room = core.Alone.MayWork() && !core.EntranceTurns.IsTaken ? core.Options.MaxInFlight - core.InFlight.Count : 0;
        OwnedPartition[] owned = Staying();
        int most = Math.Min(room, Math.Max(1, core.Options.MaxInFlight / 2));
        if (room > 0 && core.Rounds is { } rounds) (owned, most) = rounds.Choose(owned, most);
        Asked = owned;
        if (room <= 0 || owned.Length == 0)
        {
            StopAsking();                            // rounds may run for long in all own partitions
            TryAgainAfter = core.Stopped.NextLook;
            return null;
        }
        int batches = core.Rounds is null ? int.MaxValue : width.Most;
        var request = new LeaseRequest(Owners(owned))
        {
            MaxItems = most,
            MaxBatches = batches,
            BackpressureStreams = core.Outputs.GateStreams
        };
        LeaseResult? lease = await LeaseAsync(request);
        if (lease is not null) core.Rounds?.HaveAsked(owned, request, lease);
        return lease;
    }

    /// <summary>Counts leased entries as in flight.</summary>
    /// <returns>Their partition; null if it was lost meanwhile, or a stop has begun.</returns>
    public OwnedPartition? Begin(LeasedBatch leased)
    {
        OwnedPartition? partition = Array.Find(core.Partitions.Owned, owned => owned.Owner == leased.Owner);
        if (partition is null || !core.InFlight.TryBegin(leased.Entries.Length)) return null;
        lock (core.Ledger.Sync)
        {
            if (partition.IsVoid)
            {
                core.InFlight.Undo(leased.Entries.Length);
                return null;
            }
            partition.Begin(leased.Entries.Length);
            foreach (Entry entry in leased.Entries.Span) core.Ledger.Lease(partition, entry.Sequence, entry.Attempt);
        }
        return partition;
    }

    private async ValueTask<LeaseResult?> TryAsync(Func<ValueTask<LeaseResult?>> step)
    {
        try
        {
            return await step();
        }
        catch (Exception e) when (e is StreamStoreException or ObjectDisposedException && !IsOver)
        {
            if (core.Lifetime.EndIfClosed(e)) return null;
            core.Problems.Latest = Problem = $"The store does not say who has the quarantine; it is asked again: {FailureText.Of(e)}";
            TryAgainAfter = RetryInterval;
            core.Alone.Withdraw();
            return null;
        }
    }

    private async ValueTask<LeaseResult?> GiveQuarantineBackAsync()
    {
        if ((quarantine ?? doubtful) is { } over) await core.Store.ReleaseQuarantineAsync(over, stopping);
        ForgetQuarantine();
        return null;
    }

    private async ValueTask<bool> TryAcquireQuarantineAsync(long expectedEpoch)
    {
        core.Members.MayHoldQuarantine = true;       // before the call, or a heartbeat would release what it sees
        try
        {
            quarantine = await core.Store.AcquireQuarantineAsync(core.Group, core.Options.InstanceId, expectedEpoch, stopping);
            if (quarantine is not null) doubtful = null;
        }
        finally
        {
            core.Members.MayHoldQuarantine = (quarantine ?? doubtful) is not null;
        }
        return quarantine is not null;
    }

    private void ForgetQuarantine()
    {
        quarantine = doubtful = null;
        core.Members.MayHoldQuarantine = false;
    }

    /// <summary>Suspects wait, and so no entry is wanted: the member is not silent meanwhile.</summary>
    private LeaseResult? Wait(TimeSpan? tryAgainAfter = null)
    {
        StopAsking();
        TryAgainAfter = tryAgainAfter;
        return null;
    }

    private async ValueTask<LeaseResult?> NextSuspectAsync()
    {
        // the suspect runs alone: the end of the last item wakes the pump
        if (core.InFlight.Count > 0 || core.Rounds is { AreOver: false }) return Wait();
        core.Alone.Rest();
        if (core.Ledger.Suspects == 0)
        {
            await GiveQuarantineBackAsync();
            core.Alone.Withdraw();
            core.Pump.Changed();
            return null;
        }
        if (quarantine is null)
        {
            StoreQuestion asked = core.Ask();
            GroupInfo group = await core.Store.FindGroupAsync(core.Group, stopping)
                ?? throw new StreamStoreException($"The group {core.Group} was removed.");
            core.Members.See(group, asked);
            if (Problem is not null) core.Problems.Latest = Problem = null;      // the store answers
            if (group.IsPaused)
            {
                core.Alone.Withdraw();               // without the quarantine: its release would wake all members, which would ask again
                core.Problems.OfSuspects = null;
                return Wait();
            }
            if (group.QuarantineOwner is { } owner && owner != core.Options.InstanceId && !core.Members.IsSilent(owner))
            {
                core.Alone.Withdraw();
                core.Problems.OfSuspects = $"Items that were in flight at a crash are to run alone, and {owner} runs one of its own: this "
                    + "member starts no item until then.";
                return Wait(RetryInterval);
            }
            core.Problems.OfSuspects = null;
            // another member may be faster, and may die without notice
            if (!await TryAcquireQuarantineAsync(group.QuarantineEpoch)) return Wait(RetryInterval);
        }
        if (!core.Alone.TryBeAlone()) return Wait();
        OwnedPartition[] owned = Staying();
        if (owned.Length == 0) return Wait(core.Stopped.NextLook);
        LeaseResult? lease = await LeaseAsync(new(Owners(owned)) { MaxItems = 1, Quarantine = quarantine });
        if (lease is { IsQuarantineLost: true })
        {
            ForgetQuarantine();
            TryAgainAfter = RetryInterval;
        }
        if (lease is not { Batches.Count: > 0 }) core.Alone.Withdraw();
        if (lease is { IsPaused: true, Batches.Count: 0, Damaged.Count: 0 }) return await GiveQuarantineBackAsync();
        if (lease is { IsQuarantineLost: false, Batches.Count: 0, Damaged.Count: 0 }) core.Ledger.ForgetSuspects(owned);
        return lease;
    }

    private OwnedPartition[] Staying()
    {
        OwnedPartition[] owned = core.Partitions.Owned;
        if (core.Stopped.AreAny) owned = Array.FindAll(owned, partition => !core.Stopped.IsStopped(partition));
        return Array.Exists(owned, static partition => partition.IsLeaving) ? Array.FindAll(owned, static partition => !partition.IsLeaving)
            : owned;
    }

    private async ValueTask<LeaseResult?> LeaseAsync(LeaseRequest request)
    {
        long began = 0;
        try
        {
            began = core.Telemetry.BeginOperation();
            if (!isAsking) core.Leases.Ask();
            isAsking = true;
            long question = core.Pump.Ask();
            LeaseResult lease = await core.Store.LeaseAsync(request, stopping);
            if (core.LearnPause(lease.PausedAt, question)) core.Members.LookNow();     // it may be a drain
            core.Telemetry.Leased(began, lease.Batches);
            refusals = 0;
            StopAsking();
            if (core.Stopped.AreAny) core.Stopped.Learn(lease, Asked);
            lease = DamagedEntries.Sort(lease, core.Partitions, core.Stopped, core.Options.OnDamage);
            if (core.Stopped.NextLook is { } look && !(lease.NextDue <= look)) lease = lease with { NextDue = look };
            Learn(lease);
            foreach (Ownership stale in lease.Stale)
                if (Array.Find(core.Partitions.Owned, owned => owned.Owner == stale) is { } lost) core.Partitions.Lose(lost);
            Problem = lease.FullStream is { } gate ? core.Outputs.Wait(gate) : null;
            if (Problem is not null) TryAgainAfter = RetryInterval;
            core.Problems.Latest = Problem;
            return lease;
        }
        catch (Exception) when (IsOver)
        {
            StopAsking();                            // a stop may wait for items: this member is not silent meanwhile
            throw;
        }
        catch (Exception e)
        {
            if (core.Lifetime.EndIfClosed(e)) return null;

            core.Telemetry.NotLeased(began, e);
            // It is unknown whether entries were leased. A reload gives them back.
            core.Problems.Latest = Problem = $"The store does not give out entries; it is asked again: {FailureText.Of(e)}";
            TryAgainAfter = RetryInterval;
            (refusals, refusedAt) = (refusals + 1, core.Time.GetTimestamp());
            (doubtful, quarantine) = (quarantine ?? doubtful, null);
            pause = TimeSpan.Zero;
            if (!await core.Recovery.NoticeAsync(e).AsTask().WaitAsync(stopping)) await ReloadAsync();
            return null;
        }
    }
}
