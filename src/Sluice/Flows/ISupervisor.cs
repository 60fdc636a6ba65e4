using Sluice.Diagnostics;
using Sluice.Topologies;

namespace Sluice.Flows;

/// <summary>Starts, finds, lists, cancels and deletes runs of flows, from any service that uses the store.</summary>
/// <remarks>
/// Thread-safe. If the store has lost writes, or everything in it was deleted, one call fails with a
/// <see cref="StoreRolledBackException"/>, and the next call uses the present content.
/// </remarks>
public interface ISupervisor
{
    /// <summary>
    /// Starts a run of a flow in one commit, and returns after that commit. From then on the run survives the death of any service.
    /// </summary>
    /// <param name="flow">The flow, resolved.</param>
    /// <param name="inputs">Values for all floating inputs, one or more for each. These streams are complete after them.</param>
    /// <param name="allOutputs">Whether this service can read all outputs, not only those that no processor reads.</param>
    /// <param name="run">
    /// The id of the run: 1 to 64 letters, digits, and <c>-._</c>; generated if null. A second start with the same id, flow, inputs, bounds
    /// and outputs returns the existing run, while it is in the store: an ended run is removed after
    /// <see cref="SupervisorOptions.RunRetentionDuration"/>, and a start with its id starts it again. If an input is a stream, its values
    /// are not compared.
    /// </param>
    /// <param name="keepOutputs">Whether the readable outputs stay in the store until the run is deleted, as with
    /// <see cref="Retention.All"/>, so that they can be read again. Otherwise a value leaves the store once it was read.</param>
    /// <param name="cancellation">Stops waiting; the run may or may not have started. To find out, repeat the call with the same
    /// id.</param>
    /// <returns>A handle to the run. Read its results while the run makes them.</returns>
    /// <exception cref="InvalidOperationException">The flow is not resolved.</exception>
    /// <exception cref="ArgumentException">Inputs are missing (the message lists them), an input is unknown, or a run with this id was
    /// started differently (the message says how).</exception>
    /// <exception cref="InvalidTopologyException">The types of a stream do not match, as far as this process knows them; or the flow is too
    /// large for the commit that starts it.</exception>
    /// <exception cref="PayloadException">A value cannot be serialized.</exception>
    Task<FlowRun> StartAsync(Flow flow, IEnumerable<IOVal> inputs, bool allOutputs = false, string? run = null, bool keepOutputs = false,
        CancellationToken cancellation = default);

    /// <summary>
    /// Finds a run by its id. Its results can be read if a service of this <see cref="SupervisorOptions.Name"/> has started it.
    /// </summary>
    /// <returns>A handle to the run; null if the store has no such run.</returns>
    Task<FlowRun?> FindAsync(string run, CancellationToken cancellation = default);

    /// <summary>
    /// Lists all runs in the store, by id. A run whose journal cannot be read is left out, with a warning
    /// (<see cref="SupervisorOptions.OnWarning"/>).
    /// </summary>
    IAsyncEnumerable<FlowRunInfo> ListAsync(CancellationToken cancellation = default);

    /// <summary>Cancels a run.</summary>
    /// <param name="run">The id of the run.</param>
    /// <param name="reason">The reason, which the errors of streams and processors repeat.</param>
    /// <param name="cancellation">Stops waiting; the run may or may not be cancelled then.</param>
    /// <returns>Whether the store has such a run.</returns>
    Task<bool> CancelAsync(string run, string reason = "", CancellationToken cancellation = default);

    /// <summary>
    /// Deletes a run that has ended, with its results, or the remains of a failed start. Ended runs are deleted after
    /// <see cref="SupervisorOptions.RunRetentionDuration"/> anyway. Functions that still run, because the run was cancelled a moment ago,
    /// have ten seconds to end.
    /// </summary>
    /// <returns>Whether the store had such a run, or remains of one.</returns>
    /// <exception cref="InvalidOperationException">The run has not ended: cancel it first. Or one of its functions goes on
    /// although the run is over.</exception>
    Task<bool> DeleteAsync(string run, CancellationToken cancellation = default);
}
