using Sluice.Flows;

namespace Sluice.Diagnostics;

/// <summary>
/// Looks at runs of flows in a store again and again, without changing anything. It keeps what it has read of the journals of the last
/// runs, so a further look at a run reads only what was added. For dashboards; <see cref="FlowInspector"/> is for a single look.
/// </summary>
/// <remarks>
/// Thread-safe: looks at one run wait for each other. Failures of the store are thrown at once. The inspector does not dispose the store.
/// </remarks>
public sealed class FlowRunInspector
{
    /// <summary>How many runs it keeps: those that were looked at last.</summary>
    public const int MaxKept = 100;

    private readonly StoreRetrier calls;
    private readonly Lock sync = new();              // the runs that are kept; what is in one under its own turn
    private readonly LinkedList<Kept> recent = new();
    private readonly Dictionary<string, LinkedListNode<Kept>> kept = new(StringComparer.Ordinal);

    /// <summary>Creates an inspector of the runs in a store.</summary>
    /// <param name="store">The store; the inspector calls only methods that change nothing.</param>
    public FlowRunInspector(IStreamStore store)
    {
        ArgumentNullException.ThrowIfNull(store);
        calls = FlowInspector.Calls(store, null);
    }

    /// <summary>Lists the ids of all runs in the store, in ordinal order, without reading them.</summary>
    /// <remarks>An id may belong to a run whose start has not committed; <see cref="GlanceAsync"/> then finds none.</remarks>
    /// <param name="cancellation">Gives up waiting.</param>
    public async Task<IReadOnlyList<string>> ListIdsAsync(CancellationToken cancellation = default)
    {
        IReadOnlyList<string> journals = await calls.Store.ListStreamsAsync(FlowNames.Runs, cancellation).ConfigureAwait(false);
        return [.. journals.Select(static journal => journal[FlowNames.Runs.Length..])];
    }

    /// <summary>Reports on a run, without its streams and without keeping what it has read; null if there is no such run.</summary>
    /// <param name="run">The id of the run.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    /// <exception cref="ArgumentException">The text cannot be the id of a run.</exception>
    /// <exception cref="FlowException">The journal of the run is unreadable.</exception>
    public async Task<FlowRunInfo?> GlanceAsync(string run, CancellationToken cancellation = default)
    {
        FlowNames.CheckRun(run, nameof(run));
        RunWatch? watch = await RunWatch.OpenAsync(calls, run, cancellation).ConfigureAwait(false);
        if (watch is null) return null;
        await using (watch.ConfigureAwait(false)) return StatusBook.Of(watch, []);
    }

    /// <summary>Reports on a run, with its streams; null if there is no such run.</summary>
    /// <param name="run">The id of the run.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    /// <exception cref="ArgumentException">The text cannot be the id of a run.</exception>
    /// <exception cref="FlowException">The journal of the run is unreadable.</exception>
    public async Task<FlowRunInfo?> FindAsync(string run, CancellationToken cancellation = default)
    {
        FlowNames.CheckRun(run, nameof(run));
        Kept one = Keep(run);
        await one.Turn.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            if (one.Watch is { } before && !await ReadOnAsync(one, before, cancellation).ConfigureAwait(false)) one.Watch = null;
            if (one.Watch is null)
            {
                one.Timeline = new();
                one.Watch = await RunWatch.OpenAsync(calls, run, cancellation, timeline: one.Timeline).ConfigureAwait(false);
            }
            return one.Watch is { } watch
                ? await FlowReports.StatusAsync(calls, watch, one.Timeline, cancellation).ConfigureAwait(false) : null;
        }
        finally
        {
            one.Turn.Release();
        }
    }

    // A look that was given up, or has failed, may have noted a part of what it has read: the next one begins anew.
    private static async Task<bool> ReadOnAsync(Kept one, RunWatch watch, CancellationToken cancellation)
    {
        one.Watch = null;
        if (!await watch.TryReadOnAsync(cancellation).ConfigureAwait(false)) return false;
        one.Watch = watch;
        return true;
    }

    private Kept Keep(string run)
    {
        lock (sync)
        {
            if (kept.TryGetValue(run, out LinkedListNode<Kept>? known)) recent.Remove(known);
            else kept.Add(run, known = new(new(run)));
            recent.AddLast(known);
            if (recent.Count > MaxKept)
            {
                kept.Remove(recent.First!.Value.Run);
                recent.RemoveFirst();
            }
            return known.Value;
        }
    }

    // A watch that is not followed holds nothing that must be disposed.
    private sealed class Kept(string run)
    {
        public string Run => run;

        public SemaphoreSlim Turn { get; } = new(1);

        public RunWatch? Watch { get; set; }

        public RunTimeline Timeline { get; set; } = new();
    }
}
