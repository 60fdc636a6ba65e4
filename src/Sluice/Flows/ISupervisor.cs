namespace Sluice;

/// <summary>Starts flows, watches them and stops them, from any service that uses the store.</summary>
/// <remarks>
/// Thread-safe. Where the store has lost writes, or everything in it was deleted, a call fails with a <see cref="StoreRolledBackException"/>, and the next one works with what is there.
/// </remarks>
public interface ISupervisor
{
    /// <summary>
    /// Starts a flow, as one commit: from then on it runs to its end, whoever dies. Returns as soon as that is done; results are read while they are made.
    /// </summary>
    /// <param name="flow">The flow, resolved.</param>
    /// <param name="inputs">Values for all its floating inputs, several for one if it has several; each of these streams is complete with them.</param>
    /// <param name="allOutputs">Whether all outputs can be read here, not only those that no processor reads.</param>
    /// <param name="run">
    /// The run's id: a second start with it, of the same flow with the same inputs, bounds and outputs, finds the run instead of starting another; of inputs that are streams only that they are is compared. 1 to 64 letters, digits, and <c>-._</c>. Made unless given.
    /// </param>
    /// <param name="keepOutputs">Whether the outputs that can be read here stay in the store until the run is deleted, as with <see cref="Retention.All"/>: then they can be read as often as is wanted, from the first value on. Otherwise a value leaves the store when it was read.</param>
    /// <param name="cancellation">Gives up; it may have been started or not: repeat it with the same id.</param>
    /// <returns>The run.</returns>
    /// <exception cref="InvalidOperationException">The flow is not resolved.</exception>
    /// <exception cref="ArgumentException">An input is missing (lists all that are), or is none of the flow's, or there is a run with this id that was started otherwise (says what differs).</exception>
    /// <exception cref="InvalidTopologyException">Types of streams do not fit, as far as they are known in this process.</exception>
    /// <exception cref="PayloadException">A value cannot be written.</exception>
    Task<FlowRun> StartAsync(Flow flow, IEnumerable<IOVal> inputs, bool allOutputs = false, string? run = null, bool keepOutputs = false, CancellationToken cancellation = default);

    /// <summary>Finds a run. If this service has started it, also under the same <see cref="SupervisorOptions.Name"/> in an earlier life, its results can be read.</summary>
    /// <returns>The run; null if it is not in the store.</returns>
    Task<FlowRun?> FindAsync(string run, CancellationToken cancellation = default);

    /// <summary>All runs in the store, by id. One whose journal cannot be read is left out, and the service is warned (<see cref="SupervisorOptions.OnWarning"/>).</summary>
    IAsyncEnumerable<FlowStatus> ListAsync(CancellationToken cancellation = default);

    /// <summary>Cancels a run.</summary>
    /// <param name="run">Its id.</param>
    /// <param name="reason">Why; everybody who is stopped by it is told.</param>
    /// <param name="cancellation">Gives up; it may have been cancelled or not.</param>
    /// <returns>Whether there is such a run.</returns>
    Task<bool> CancelAsync(string run, string reason = "", CancellationToken cancellation = default);

    /// <summary>Removes a run that has ended from the store, with its results. Runs that have ended are removed after <see cref="SupervisorOptions.RunRetentionDuration"/> anyway. What is left of a start that has failed is removed as well.</summary>
    /// <returns>Whether there was such a run, or something of one.</returns>
    /// <exception cref="InvalidOperationException">It has not ended, or a processor of it is still at work: cancel it first.</exception>
    Task<bool> DeleteAsync(string run, CancellationToken cancellation = default);
}
