using Sluice.Diagnostics;
using Sluice.Storage;

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
    public Task PauseAsync(CancellationToken cancellation = default) => SetPausedAsync(true, cancellation);

    /// <summary>Ends a pause in all processes, whoever began it. Does nothing if the consecutor is not paused.</summary>
    /// <param name="cancellation">Gives up waiting for the store, which may or may not have noted the end of the pause.</param>
    /// <exception cref="StreamStoreException">The store failed.</exception>
    public Task ResumeAsync(CancellationToken cancellation = default) => SetPausedAsync(false, cancellation);

    private async Task SetPausedAsync(bool isPaused, CancellationToken cancellation)
    {
        await core.OpenAsync(cancellation).ConfigureAwait(false);
        core.BeginPausing();
        try
        {
            await core.Store.PauseGroupAsync(core.Group, isPaused, cancellation).ConfigureAwait(false);
            long question = core.Pump.Ask();
            GroupInfo? group = await core.Store.FindGroupAsync(core.Group, cancellation).ConfigureAwait(false);
            core.LearnPause(group?.PausedAt, question);
        }
        finally
        {
            core.EndPausing();
        }
    }

    private ConsecutorStatus Status
        => State is ConsecutorStatus.Running && core.Pump.PausedAt is not null ? ConsecutorStatus.Paused : State;
}
