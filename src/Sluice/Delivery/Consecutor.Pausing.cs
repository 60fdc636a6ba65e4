using Sluice.Diagnostics;

namespace Sluice;

// The pause of a consecutor is that of its group in the store. Locking rule: `sync` guards `state` only; the pump keeps the pause.
public sealed partial class Consecutor<T>
{
    /// <summary>
    /// Pauses the consecutor in all processes: no member begins an item until <see cref="ResumeAsync"/>. Items in flight end as usual, and
    /// sent items are accepted until the stream is full. The store keeps the pause: after a restart the consecutor is still paused.
    /// </summary>
    /// <remarks>
    /// Any number of calls are one pause, and one <see cref="ResumeAsync"/> ends it. Works before the start, too. When the call returns,
    /// the store gives out nothing more; a member may still begin items that it got before. Timers of stages do not fire during a pause.
    /// <c>sluice pause</c> and the dashboard do the same from outside.
    /// </remarks>
    /// <param name="cancellation">Gives up waiting for the store, which may or may not have noted the pause.</param>
    /// <exception cref="StreamStoreException">The store failed, or it cannot pause groups.</exception>
    public Task PauseAsync(CancellationToken cancellation = default)
        => SetAsync(() => core.Store.PauseGroupAsync(core.Group, true, cancellation), cancellation);

    /// <summary>
    /// Drains the consecutor in all processes: a pause (<see cref="PauseAsync"/>) during which every member also releases its partitions
    /// once nothing of them is in flight. Then its processes can be stopped in any way: no item becomes a suspect, and no other member has
    /// to wait for a lease duration. What waits stays in the store. <see cref="ResumeAsync"/> ends a drain, finished or not.
    /// </summary>
    /// <remarks>
    /// When the call returns, the store has noted the drain; <see cref="IStreamStore.FindGroupAsync"/> and the dashboard show which members
    /// still have partitions. A partition whose file a <c>Sink.ToFile</c> writes stays with its member. So do those of members whose
    /// version of Sluice knows no drain: they are paused. Without a store, this is a pause. <c>sluice drain</c> and the dashboard do the
    /// same from outside. To stop one process only, call <see cref="StopAsync"/> there: the other members take over.
    /// </remarks>
    /// <param name="cancellation">Gives up waiting for the store, which may or may not have noted the drain.</param>
    /// <exception cref="StreamStoreException">The store failed, or it cannot drain groups.</exception>
    public Task DrainAsync(CancellationToken cancellation = default)
        => SetAsync(() => core.Store.DrainGroupAsync(core.Group, cancellation), cancellation);

    /// <summary>Ends a pause or a drain in all processes, whoever began it. Does nothing if the consecutor is not paused.</summary>
    /// <remarks>After a drain, members acquire partitions again within a second or so.</remarks>
    /// <param name="cancellation">Gives up waiting for the store, which may or may not have noted the end of the pause.</param>
    /// <exception cref="StreamStoreException">The store failed.</exception>
    public Task ResumeAsync(CancellationToken cancellation = default)
        => SetAsync(() => core.Store.PauseGroupAsync(core.Group, false, cancellation), cancellation);

    private async Task SetAsync(Func<ValueTask> set, CancellationToken cancellation)
    {
        await core.OpenAsync(cancellation).ConfigureAwait(false);
        core.BeginPausing();
        try
        {
            await set().ConfigureAwait(false);
            long question = core.Pump.Ask();
            GroupInfo? group = await core.Store.FindGroupAsync(core.Group, cancellation).ConfigureAwait(false);
            if (core.LearnPause(group?.PausedAt, question)) core.Members.LookNow();
        }
        finally
        {
            core.EndPausing();
        }
    }

    private ConsecutorStatus Status
        => State is ConsecutorStatus.Running && core.Pump.PausedAt is not null ? ConsecutorStatus.Paused : State;
}
