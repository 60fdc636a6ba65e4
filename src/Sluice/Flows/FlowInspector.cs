using Sluice.Storage;

namespace Sluice.Flows;

/// <summary>Reads the runs of flows in a store, without a supervisor and without changing anything.</summary>
/// <remarks>
/// Thread-safe. Without a supervisor, <see cref="ProcessorInfo.NoHostFor"/> is always null. Failures of the store are thrown at once.
/// </remarks>
public static class FlowInspector
{
    /// <summary>Lists all runs in the store, by id, without their streams. A run whose journal is unreadable is left out.</summary>
    /// <param name="store">The store.</param>
    /// <param name="warn">Receives a sentence for each run that is left out.</param>
    /// <param name="cancellation">Ends the list.</param>
    public static IAsyncEnumerable<FlowRunInfo> ListAsync(IStreamStore store, Action<string>? warn = null,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(store);
        return FlowReports.ListAsync(Calls(store, warn), cancellation);
    }

    /// <summary>Reports on a run, with its streams; null if there is no such run.</summary>
    /// <param name="store">The store.</param>
    /// <param name="run">The id of the run.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    /// <exception cref="ArgumentException">The text cannot be the id of a run.</exception>
    /// <exception cref="FlowException">The journal of the run is unreadable.</exception>
    public static Task<FlowRunInfo?> FindAsync(IStreamStore store, string run, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(store);
        FlowNames.CheckRun(run, nameof(run));
        return FlowReports.StatusAsync(Calls(store, null), run, cancellation);
    }

    private static StoreRetrier Calls(IStreamStore store, Action<string>? warn)
        => new(store, TimeProvider.System, warn ?? (static _ => { }), TimeSpan.Zero) { GiveUp = new(canceled: true) };
}
