using Sluice.Membership;
using Sluice.Scheduling;

namespace Sluice.Flows;

/// <summary>
/// The membership of this service in the group that hosts a processor: joins, sends heartbeats, and says which partitions to acquire and
/// release.
/// </summary>
/// <remarks>
/// Locking rule: no lock. <c>latest</c> and <c>replaced</c> pass from the heartbeat thread to the loop of the <see cref="WorkGroup"/> by
/// interlocked exchanges, and epochs have a lock of their own; the loop makes all other calls, except for <see cref="NoteAnswer"/>, which
/// any thread may make. If the store leaves commits or calls of the loop unanswered for a lease duration, this service sends no heartbeats,
/// so that others can take over.
/// </remarks>
internal sealed class WorkMembers
{
    private const int LeaseTimesStuck = 40;          // runs last longer than items, and the orders there would wait anyway

    private readonly SupervisorCore core;
    private readonly GroupId group;
    private readonly Signal changed;
    private readonly GroupMember member;
    private readonly GroupHeartbeat heartbeat;
    private readonly PartitionShare share;
    private readonly KnownEpochs epochs;
    private Seen? latest;                            // the group as it was seen last, until it was used
    private MemberInUseException? replaced;          // a heartbeat was refused, and the loop has not seen it
    private bool mayBeKnown;                         // to the others; the loop's
    private bool hasWarned;                          // of the present silence; the heartbeat thread's

    /// <param name="core">The service.</param>
    /// <param name="group">The group of the processor.</param>
    /// <param name="changed">Set when the group was seen.</param>
    /// <param name="commits">How long commits have had no answer.</param>
    /// <param name="silence">How long the calls of the loop have had no answer.</param>
    public WorkMembers(SupervisorCore core, GroupId group, Signal changed, Func<TimeSpan> commits, CallSilenceTracker silence)
    {
        (this.core, this.group, this.changed) = (core, group, changed);
        (TimeProvider time, TimeSpan leaseTime) = (core.Options.Time, core.Options.LeaseDuration);
        var others = new MemberWatch(time);
        member = new(core.Store, group, Self, core.Instance, leaseTime, time);
        heartbeat = new(member, others, leaseTime, time, () => commits() >= leaseTime, () => silence.Silence >= leaseTime);
        silence.Answered = heartbeat.NoteAnswer;
        share = new(Self, others, leaseTime, time, LeaseTimesStuck);
        epochs = new(core.Store);
    }

    private string Self => core.Options.Name;

    public async Task JoinAsync(CancellationToken cancellation)
    {
        mayBeKnown = true;
        long askedAt = core.Options.Time.GetTimestamp();
        See(await core.Calls.DoAsync(group.Stream, () => new ValueTask<GroupInfo>(member.JoinAsync(Tell, cancellation)), cancellation)
            .ConfigureAwait(false), askedAt, isAiling: false);
        Volatile.Write(ref replaced, null);          // the heartbeats have gone on during the join
        heartbeat.Start(BeatAsync, failure => core.Warn($"A heartbeat of {Self} for {group} has failed: {failure.Message}"));
    }

    /// <summary>Stops the heartbeats.</summary>
    public void Drop() => _ = heartbeat.StopAsync();

    /// <summary>Releases the partitions, and leaves the group. Never throws.</summary>
    /// <returns>Whether the store has answered.</returns>
    public async Task<bool> LeaveAsync(IEnumerable<Ownership> owned)
    {
        if (!mayBeKnown) return true;                // stopped before it has joined
        await heartbeat.StopAsync().ConfigureAwait(false);
        try
        {
            foreach (Ownership owner in owned) await core.Calls.DoAsync([], () => core.Store.ReleaseAsync(owner), CancellationToken.None)
                .ConfigureAwait(false);
            await core.Calls.DoAsync([], () => member.LeaveAsync(), CancellationToken.None).ConfigureAwait(false);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;                            // the time for it is over: the end of the service says so
        }
        catch (Exception e) when (e is StreamStoreException or ObjectDisposedException)
        {
            core.Warn(
                $"What {Self} hosted could not be given back; others take it when it has been silent for the lease duration: {e.Message}");
            return false;
        }
    }

    /// <summary>
    /// Looks at the group before the next heartbeat if this service may get more partitions. Called after a change of the work stream: an
    /// order may be in a partition that another service has just released for this one.
    /// </summary>
    /// <param name="calls">The store, for the calls of the loop.</param>
    /// <param name="owned">The number of partitions that this service owns.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="MemberInUseException">Another instance has taken the name since.</exception>
    public async Task LookEarlyAsync(StoreRetrier calls, int owned, CancellationToken cancellation)
    {
        if (heartbeat.IsAiling || !share.MayGetMore(owned)) return; // a look of a heartbeat may be older than the change: it does not do
        long askedAt = core.Options.Time.GetTimestamp();
        if (await calls.DoAsync(group.Stream, () => core.Store.FindGroupAsync(group, cancellation), cancellation).ConfigureAwait(false)
            is not { } info) return;
        if (member.Replaced(info) is { } other) throw other;
        share.See(info, askedAt);
        epochs.See(info);
        Volatile.Write(ref latest, new(info, IsAiling: false));
    }

    /// <summary>Decides which partitions to acquire, and which ones to release once they are idle, after the group was seen.</summary>
    /// <param name="owned">The partitions that this service knows it owns.</param>
    /// <returns>The decision; null for no new one about releases.</returns>
    /// <exception cref="MemberInUseException">Another instance has taken the name since.</exception>
    public (List<PartitionInfo> Acquire, HashSet<int>? Release) Share(IReadOnlyCollection<PartitionInUse> owned)
    {
        if (Interlocked.Exchange(ref replaced, null) is { } other) throw other;
        if (Interlocked.Exchange(ref latest, null) is not var (info, isAiling)) return ([], null);
        return (share.ToAcquire(info, [.. owned.Select(static partition => partition.Number)],
            isAiling ? AcquireScope.Own : AcquireScope.Share), isAiling ? [] : share.ToRelease(info, owned));
    }

    /// <inheritdoc cref="PartitionShare.IsStillFree"/>
    public bool IsStillFree(PartitionInfo partition) => share.IsStillFree(partition);

    /// <summary>Makes the request for a partition that is to be acquired.</summary>
    public AcquireRequest Ask(PartitionInfo partition) => new(Self)
    {
        ExpectedEpoch = partition.Epoch,
        KnownEpoch = epochs.Of(partition.Partition),
        Instance = core.Instance.Id
    };

    /// <inheritdoc cref="KnownEpochs.Take"/>
    public void NoteTaken(Ownership taken, long known) => epochs.Take(taken, known);

    /// <inheritdoc cref="PartitionShare.NoteRelease"/>
    public void NoteRelease(Ownership owner) => share.NoteRelease(owner);

    /// <inheritdoc cref="PartitionShare.ForgetReleases"/>
    public void ForgetReleases() => share.ForgetReleases();

    /// <inheritdoc cref="GroupHeartbeat.NoteAnswer"/>
    public void NoteAnswer() => heartbeat.NoteAnswer();

    // On the heartbeat threads, also after each await.
    private async Task BeatAsync()
    {
        try
        {
            WarnOfSilence();
            long askedAt = core.Options.Time.GetTimestamp();
            var (info, isAiling) = await heartbeat.SendAsync(core.Life).ConfigureAwait(true);
            See(info, askedAt, isAiling);
            await heartbeat.RemoveGoneAsync(info, core.Life).ConfigureAwait(true);
        }
        catch (MemberInUseException e)
        {
            Volatile.Write(ref replaced, e);
            changed.Set();
        }
        catch (Exception e)
        {
            // If commits have no answer, a warning has said so.
            if (!core.Life.IsCancellationRequested && !core.HasGivenUp && !heartbeat.IsAiling)
                core.Warn($"The store does not take heartbeats of {Self} for {group}: {e.Message}");
        }
    }

    private void WarnOfSilence()
    {
        bool isAiling = heartbeat.IsAiling;
        if (isAiling && !hasWarned) core.Warn(
            $"The store has left a call for {group} unanswered for {core.Options.LeaseDuration.TotalSeconds:0.#} s. While this lasts, {Self} "
                + "sends no heartbeats if it owns work there, so that other services take over.");
        hasWarned = isAiling;
    }

    private void Tell(string? why)
    {
        if (why is not null) core.Warn(why);
    }

    private void See(GroupInfo info, long askedAt, bool isAiling)
    {
        share.See(info, askedAt);
        epochs.See(info);
        Volatile.Write(ref latest, new(info, isAiling));
        changed.Set();
    }

    private sealed record Seen(GroupInfo Group, bool IsAiling);
}
