using Sluice.Membership;
using Sluice.Scheduling;

namespace Sluice.Delivery;

/// <summary>
/// The membership of a consecutor in its group: sends heartbeats, acquires partitions, and hands surplus partitions to other members.
/// </summary>
/// <remarks>
/// Locking rule: <c>taking</c> admits one caller at a time that acquires or gives partitions. Any thread may call. A member is silent when
/// its heartbeats have not changed for their lease duration, by this process's monotonic clock. One thread of the process sends all
/// heartbeats, and does nothing else (<see cref="GroupHeartbeat"/>). <see cref="PartitionShare"/> decides which partitions move.
/// </remarks>
internal sealed partial class GroupMembership
{
    private readonly ConsecutorCore core;
    private readonly MemberWatch others;
    private readonly GroupMember member;
    private readonly GroupHeartbeat heartbeat;
    private readonly PartitionAcquirer taker;
    private readonly PartitionShare share;
    private readonly AsyncLock taking = new();
    private Seen? latest;                            // the group at the last heartbeat, until it was used
    private int isTaking;
    private volatile int partitions;                 // the number of partitions; zero if it is not known
    private readonly CancellationTokenSource leaving;
    private volatile bool hasStarted;
    private volatile bool mayBeKnown;                // to the store, as a member
    private volatile bool mayHoldQuarantine;
    private MemberInUseException? refusal;           // of a heartbeat during the start

    public GroupMembership(ConsecutorCore core)
    {
        this.core = core;
        others = new(core.Time);
        TimeSpan leaseTime = core.Options.LeaseDuration;
        member = new(core.Store, core.Group, Self, Instance, leaseTime, core.Time);
        heartbeat = new(member, others, leaseTime, core.Time, () => core.Commits.Silence >= leaseTime,
            () => core.Leases.Silence >= leaseTime);
        (taker, share) = (new(core), new(Self, others, leaseTime, core.Time));
        leaving = CancellationTokenSource.CreateLinkedTokenSource(core.Lifetime.Token);
    }

    private string Self => core.Options.InstanceId;

    /// <summary>By how much this machine's clock and the store's differed at the start; null if they agreed.</summary>
    public string? ClockSkew { get; private set; }

    /// <summary>This start of the member.</summary>
    public MemberInstance Instance { get; } = new();

    /// <summary>Whether the store may know more than the ledger: others own partitions, others send, or there is a doubt.</summary>
    private bool MayBeBehind => HasStarted
        && (core.Doubts.AreAny || core.Partitions.Owned.Length < partitions || (core.Local is null && core.Ledger.MayLack));

    /// <summary>Whether partitions may be acquired and given: not while this member leaves, or a recovery is about to acquire all anew.
    /// </summary>
    private bool MayMove => !leaving.IsCancellationRequested && !core.Recovery.IsRecovering;

    /// <summary>Cancelled when the member wants to leave.</summary>
    public CancellationToken Leaving => leaving.Token;

    /// <summary>Whether it has joined the group and acquired its first partitions.</summary>
    public bool HasStarted { get => hasStarted; private set => hasStarted = value; }

    /// <summary>Whether the pump has the quarantine, is acquiring it, or does not know whether it has it. Set by the pump.</summary>
    public bool MayHoldQuarantine { get => mayHoldQuarantine; set => mayHoldQuarantine = value; }

    /// <inheritdoc cref="GroupMember.IsReplacedIn"/>
    public bool IsReplacedIn(GroupInfo group) => member.IsReplacedIn(group);

    public bool IsSilent(string member) => others.IsSilent(member);

    /// <summary>Opens the stream and the group, joins, acquires free partitions, and sets the ledger from the store.</summary>
    public async Task StartAsync(CancellationToken cancellation)
    {
        await core.OpenAsync(cancellation).ConfigureAwait(false);
        ClockSkew = await Sluice.Storage.ClockSkew.TellAsync(core.Store, core.Given, core.Time, core.Lifetime.Warn, cancellation)
            .ConfigureAwait(false);
        // a sender may have noticed a loss of the store: one load after the other
        await taking.EnterAsync(cancellation).ConfigureAwait(false);
        try
        {
            core.Commits.Answered = core.Leases.Answered = heartbeat.NoteAnswer;
            core.Partitions.Own(await LoadAsync(joins: true, cancellation).ConfigureAwait(false));
            HasStarted = true;
            if (Volatile.Read(ref refusal) is { } refused) throw refused;
        }
        finally
        {
            taking.Leave();
        }
    }

    /// <summary>Notes the members and partitions of the group.</summary>
    /// <param name="group">The group.</param>
    /// <param name="asked">Made before the call that returned the group.</param>
    public void See(GroupInfo group, in StoreQuestion asked)
    {
        share.See(group, asked.At);
        taker.See(group);
        core.Partitions.Acknowledged.See(group);
        partitions = group.Partitions.Count;
        core.Stopped.Learn(group, Self);
        core.Ledger.Learn(group.Partitions.Sum(static info => info.Tail));
        core.LearnPause(group.PausedAt, asked.Number);
        SeeDrain(group);
    }

    /// <summary>Ends the acquiring of partitions, and waits for a reload that the pump has left.</summary>
    public async Task StopTakingAsync()
    {
        await leaving.CancelAsync().ConfigureAwait(false);
        await taking.EnterAsync(CancellationToken.None).ConfigureAwait(false);
        taking.Leave();
        await reloading.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>Gives all partitions back and leaves the group, unless it has never tried to join. Costs no item an attempt. Called behind
    /// <see cref="StopTakingAsync"/>, although that may not have ended: a partition that is acquired still is left to the next owner.
    /// </summary>
    public async Task LeaveAsync()
    {
        await heartbeat.StopAsync().ConfigureAwait(false);          // otherwise a heartbeat would join again
        await Task.WhenAll(core.Partitions.Owned.Concat(reloaded).Select(partition => core.Store.ReleaseAsync(partition.Owner).AsTask()))
            .ConfigureAwait(false);
        if (mayBeKnown) await member.LeaveAsync().ConfigureAwait(false);
    }

    /// <summary>Ends the heartbeats.</summary>
    public void Drop()
    {
        _ = heartbeat.StopAsync();
        Instance.End();
    }

    /// <summary>Runs an action during which no partition is acquired or given.</summary>
    /// <param name="action">The action; its token is cancelled when the member wants to leave. It must not wait for items in flight: the
    /// pump waits for this lock, and items wait for the pump.</param>
    public async Task AloneAsync(Func<CancellationToken, Task> action)
    {
        await taking.EnterAsync(CancellationToken.None).ConfigureAwait(false);
        try
        {
            await action(leaving.Token).ConfigureAwait(false);
        }
        finally
        {
            taking.Leave();
        }
    }

    /// <summary>Hands over leaving partitions soon. Called when an item of such a partition has ended. Any thread.</summary>
    public void LetGo() => _ = LetGoAsync();

    private async Task LetGoAsync()
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);          // the caller goes on at once
        try
        {
            await GiveAsync().ConfigureAwait(false);
        }
        catch (Exception e)
        {
            if (!core.Lifetime.Token.IsCancellationRequested && !core.Recovery.Learn(e))
                core.Problems.OfSharing = $"A partition could not be given to another member; it is taken back: {FailureText.Of(e)}";
        }
    }

    /// <summary>Acquires free partitions and sets the ledger, with no item in flight, inside <see cref="AloneAsync"/>.</summary>
    public Task<List<OwnedPartition>> LoadAsync(CancellationToken cancellation) => LoadAsync(joins: HasStarted, cancellation);

    private async Task<List<OwnedPartition>> LoadAsync(bool joins, CancellationToken cancellation)
    {
        reloaded = [];                               // the store may be an earlier one, which has given other members these epochs
        core.Partitions.Acknowledged.Forget();
        StoreQuestion asked = core.Ask();
        if (joins) mayBeKnown = true;
        GroupInfo? group = joins ? await member.JoinAsync(why => core.Problems.Latest = why, cancellation).ConfigureAwait(false) : null;
        if (group is not null)
        {
            See(group, asked);
            // Before the load, which may take longer than the lease duration: others would take over what is being loaded.
            heartbeat.Start(BeatAsync, failure => core.Lifetime.Failed?.Invoke(failure));
        }
        if (group is not null && !HasStarted) await ReleaseEarlierQuarantineAsync(group, cancellation).ConfigureAwait(false);
        using IDisposable closed = await core.Accepting.CloseAsync(cancellation).ConfigureAwait(false); // so that each item is counted once
        share.ForgetReleases();
        List<OwnedPartition> taken = group is null ? []
            : await taker.TakeAsync(ToAcquire(group), cancellation).ConfigureAwait(false);
        await taker.LoadBooksAsync(taken, cancellation).ConfigureAwait(false);
        return taken;
    }

    // An earlier instance of this member died while it ran a suspect. Others see that the member lives, and would wait for it without end.
    private ValueTask ReleaseEarlierQuarantineAsync(GroupInfo group, CancellationToken cancellation)
        => group.QuarantineOwner == Self
            ? core.Store.ReleaseQuarantineAsync(new(core.Group, group.QuarantineEpoch), cancellation)
            : default;

    /// <summary>Whether all items of all members have ended. False if the store does not answer: the next heartbeat looks again.</summary>
    public async Task<bool> AreAllIdleAsync()
    {
        try
        {
            return !MayBeBehind || (await RefreshCountsAsync(int.MaxValue).ConfigureAwait(false) && core.Ledger.IsIdle);
        }
        catch (Exception e) when (e is StreamStoreException or ObjectDisposedException or OperationCanceledException)
        {
            return false;
        }
    }

    /// <summary>Counts what other processes have sent and ended; while items are in flight, as a difference.</summary>
    private async Task<bool> RefreshCountsAsync(int maxReads)
    {
        bool areFresh = false;
        await AloneAsync(async leaving =>
        {
            if (!MayMove) return;
            areFresh = await taker.RefreshCountsAsync(maxReads, leaving).ConfigureAwait(false);
            if (!areFresh && core.Local is null) await CompareCountsAsync(leaving).ConfigureAwait(false);
        }).ConfigureAwait(false);
        return areFresh;
    }
}
