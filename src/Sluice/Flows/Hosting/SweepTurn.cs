using Sluice.Membership;

namespace Sluice.Flows;

/// <summary>
/// Elects one sweeper among the services with the same retention: the owner of a group's only partition. The others check whether it still
/// beats.
/// </summary>
/// <remarks>Not thread-safe. Two services may have the turn for a moment, which is harmless: deletions can be repeated.</remarks>
internal sealed class SweepTurn(SupervisorCore core, TimeSpan pause)
{
    private const int PausesUntilSilent = 3;

    private readonly GroupId group = new("flow-sweep", $"keep {core.Options.RunRetentionDuration}");
    private readonly MemberWatch others = new(core.Options.Time);
    private Ownership? owned;

    /// <summary>How often the owner of the turn asks for it, at least.</summary>
    public TimeSpan BeatInterval => pause;

    private string Self => core.Options.Name;

    /// <summary>Whether this service has the turn; takes it if no live service has it.</summary>
    public async Task<bool> IsOursAsync(CancellationToken cancellation)
    {
        long askedAt = core.Options.Time.GetTimestamp();
        GroupInfo info = await core.Store.FindGroupAsync(group, cancellation).ConfigureAwait(false)
            ?? await JoinAsync(cancellation).ConfigureAwait(false);
        others.See(info, askedAt);
        PartitionInfo turn = info.Partitions[0];
        if (owned is null || (owned.Value.Epoch, Self) != (turn.Epoch, turn.Owner))
        {
            owned = null;
            if (turn.Owner is { } owner && owner != Self && !others.IsSilent(owner)) return false;
            if (!await BeatAsync(cancellation).ConfigureAwait(false)) return false;
            AcquireResult taken = await core.Store.AcquireAsync(group, 0, new(Self) { ExpectedEpoch = turn.Epoch }, cancellation)
                .ConfigureAwait(false);
            if (taken.Status != AcquireStatus.Taken) return false;
            owned = taken.Ownership;
        }
        else if (!await BeatAsync(cancellation).ConfigureAwait(false)) return false;
        foreach (MemberInfo member in others.Gone(info))
        {
            await core.Store.LeaveAsync(group, member.Name, member.Instance, cancellation).ConfigureAwait(false);
            others.Forget(member.Name);
        }
        return true;
    }

    /// <summary>Gives up the turn, so that another service gets it at once. Never throws.</summary>
    public async Task LeaveAsync()
    {
        if (owned is not { } owner || core.IsAbandoned) return;
        try
        {
            await core.Calls.DoAsync([], () => core.Store.ReleaseAsync(owner), CancellationToken.None).ConfigureAwait(false);
            await core.Calls.DoAsync([], () => core.Store.LeaveAsync(group, Self, core.Instance.Id), CancellationToken.None)
                .ConfigureAwait(false);
        }
        catch (Exception e) when (e is StreamStoreException or ObjectDisposedException or OperationCanceledException)
        {
            // Others take it once this service has been silent for long enough.
        }
    }

    private async Task<GroupInfo> JoinAsync(CancellationToken cancellation)
    {
        await core.Store.OpenStreamAsync(group.Stream, new() { Partitions = 1 }, cancellation).ConfigureAwait(false);
        await core.Store.AddGroupAsync(group, cancellation: cancellation).ConfigureAwait(false);
        return await core.Store.FindGroupAsync(group, cancellation).ConfigureAwait(false)
            ?? throw new StreamStoreException($"The group {group} is not there.") { Stream = group.Stream };
    }

    /// <summary>Beats; false while an earlier start of this name may be alive.</summary>
    private async Task<bool> BeatAsync(CancellationToken cancellation)
    {
        core.Instance.Begin();
        var request = new HeartbeatRequest(group, Self, core.Instance.Id, pause * PausesUntilSilent);
        HeartbeatResult answer = await core.Store.HeartbeatAsync(request, cancellation).ConfigureAwait(false);
        if (answer.Status == HeartbeatStatus.Refused && others.IsSilent(Self))
            answer = await core.Store.HeartbeatAsync(request with { Replaces = answer.Holder }, cancellation).ConfigureAwait(false);
        return answer.Status == HeartbeatStatus.Accepted;
    }
}
