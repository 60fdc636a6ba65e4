using Sluice.Diagnostics;

namespace Sluice.Flows;

public sealed partial class Supervisor
{
    /// <summary>The store, as it was given to <see cref="Attach"/>.</summary>
    public IStreamStore Store => store;

    /// <summary>
    /// Starts a run that has ended once more, under another id: the same processors, bounds and outputs, with the same inputs.
    /// </summary>
    /// <remarks>
    /// <para>
    /// The store must have kept the inputs. It does for inputs whose stream has <see cref="Retention.All"/>
    /// (<see cref="FlowStreamOptions.Retention"/>); otherwise a value leaves the store once it was read.
    /// </para>
    /// <para>
    /// The results are kept for this service, as after <see cref="StartAsync"/>: find the run by its id to read them. Inputs of more than
    /// 200 values, or 256 KB, are put in by this service while the run goes on; the run fails if this service ends before.
    /// </para>
    /// </remarks>
    /// <param name="run">The id of the run that has ended.</param>
    /// <param name="newRun">The id of the new run: 1 to 64 letters, digits, and <c>-._</c>. A second call with the same ids changes
    /// nothing.</param>
    /// <param name="cancellation">Stops waiting; the new run may or may not have started.</param>
    /// <returns>Whether there is such a run.</returns>
    /// <exception cref="ArgumentException">An id is none, both are equal, or the new one belongs to a run that was started
    /// differently.</exception>
    /// <exception cref="InvalidOperationException">The run has not ended.</exception>
    /// <exception cref="FlowException">The store has not kept an input, or a function of this service has other types now.</exception>
    public async Task<bool> StartAgainAsync(string run, string newRun, CancellationToken cancellation = default)
    {
        FlowNames.CheckRun(run, nameof(run));
        FlowNames.CheckRun(newRun, nameof(newRun));
        if (run == newRun) throw new ArgumentException($"The new run needs another id than {run}.", nameof(newRun));
        ThrowIfStopped();
        return await core.AskAsync(() => StartAgainNowAsync(run, newRun, cancellation), cancellation).ConfigureAwait(false);
    }

    private async Task<bool> StartAgainNowAsync(string run, string newRun, CancellationToken cancellation)
    {
        RunWatch? watch = await RunWatch.OpenAsync(core.Calls, run, cancellation).ConfigureAwait(false);
        if (watch is null) return false;
        await using (watch.ConfigureAwait(false))
        {
            if (StatusBook.Of(watch, []) is { EndedAt: null, Status: not FlowStatus.Cancelled })
                throw new InvalidOperationException($"The run {run} has not ended: wait for its end, or cancel it, then start it again.");
            await new FlowRestart(core, watch.Plan, Find).StartAsync(newRun, cancellation).ConfigureAwait(false);
            return true;
        }
    }
}
