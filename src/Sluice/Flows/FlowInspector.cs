using Sluice.Flows;

namespace Sluice.Diagnostics;

/// <summary>Reads the runs of flows in a store, without a supervisor and without changing anything.</summary>
/// <remarks>
/// Thread-safe. To look again and again, use <see cref="FlowRunInspector"/>. Failures of the store are thrown at once.
/// </remarks>
public static class FlowInspector
{
    /// <summary>Lists all runs in the store, by id, without their streams. A run whose journal is unreadable is left out.
    /// Damage of the whole store lets the list fail.</summary>
    /// <param name="store">The store.</param>
    /// <param name="warn">Receives a sentence for each run that is left out, and for each event of a run that is: a newer version has
    /// written it, or it is damaged. The run is listed without the event.</param>
    /// <param name="cancellation">Ends the list.</param>
    public static IAsyncEnumerable<FlowRunInfo> ListAsync(IStreamStore store, Action<string>? warn = null,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(store);
        return FlowReports.ListAsync(Calls(store, warn), cancellation);
    }

    /// <summary>Reports on a run, with its streams; null if there is no such run.</summary>
    /// <remarks>
    /// This is one look: <see cref="ProcessorInfo.NoHostFor"/> is zero if a processor has no host, or if its host was killed on this
    /// machine. A host that was killed on another machine counts as a host: <see cref="FlowRun.GetStatusAsync"/> finds it, and measures
    /// the time.
    /// </remarks>
    /// <param name="store">The store.</param>
    /// <param name="run">The id of the run.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    /// <exception cref="ArgumentException">The text cannot be the id of a run.</exception>
    /// <exception cref="FlowException">The journal of the run is unreadable.</exception>
    public static Task<FlowRunInfo?> FindAsync(IStreamStore store, string run, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(store);
        FlowNames.CheckRun(run, nameof(run));
        return FlowReports.StatusWithHostsAsync(Calls(store, null), new(store, TimeProvider.System), run, cancellation);
    }

    /// <summary>Reads values of a stream of a run, as they are stored. The store keeps no values for this, and loses none by it.</summary>
    /// <remarks>
    /// A value leaves the store when all readers have read it, unless the stream has <see cref="Retention.All"/>
    /// (<see cref="FlowStreamOptions.Retention"/>, or <c>keepOutputs</c> at the start): <see cref="ReadResult.Missed"/> counts those.
    /// </remarks>
    /// <param name="store">The store.</param>
    /// <param name="run">The id of the run.</param>
    /// <param name="stream">The stream, by its name in the flow.</param>
    /// <param name="from">The number of the first value; from 1. Beyond the last value, the answer is empty.</param>
    /// <param name="max">The maximum number of values; 1 to <see cref="StoreInspector.MaxPage"/>.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    /// <returns>The values; null if there is no such stream.</returns>
    /// <exception cref="ArgumentException">The text cannot be the id of a run, or the name of a stream.</exception>
    public static async Task<ReadResult?> ReadAsync(IStreamStore store, string run, string stream, long from = 1, int max = 50,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(store);
        FlowNames.CheckRun(run, nameof(run));
        FlowNames.Check(stream, nameof(stream));
        ArgumentOutOfRangeException.ThrowIfLessThan(from, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(max, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(max, StoreInspector.MaxPage);
        string name = FlowNames.Values(run, stream);
        if (await store.FindStreamAsync(name, cancellation).ConfigureAwait(false) is not { } info) return null;
        return await store.ReadAsync(new(name, 0, Math.Min(from, info.Appended + 1)) { MaxItems = max }, cancellation)
            .ConfigureAwait(false);
    }

    internal static StoreRetrier Calls(IStreamStore store, Action<string>? warn)
        => new(store, TimeProvider.System, warn ?? (static _ => { }), TimeSpan.Zero) { IsOneTry = true };
}
