using System.Diagnostics;
using System.Globalization;
using Sluice.Diagnostics;

namespace Sluice.Delivery;

/// <summary>The spans of the items of a consecutor: they are sent, processed, put out to other consecutors, and committed.</summary>
/// <remarks>
/// Thread-safe. The trace of an item begins with its sender. An item whose sender was not recorded costs nothing further on. An attempt is
/// a child of the span that sent its item, so a trace reads from top to bottom, over restarts and processes.
/// </remarks>
internal static class ItemSpans
{
    private const int MaxLinks = 128;                // OpenTelemetry drops further ones

    /// <summary>Begins to send items, in the trace of the caller.</summary>
    /// <param name="to">The telemetry of the consecutor that gets them.</param>
    /// <param name="items">The number of items.</param>
    /// <param name="trace">The trace to store with the items; null if there is none.</param>
    /// <returns>The span to end when they are accepted; null if no listener records it.</returns>
    public static Activity? BeginSend(ConsecutorTelemetry to, int items, out EntryTrace? trace)
    {
        Activity? span = null;
        if (Telemetry.IsTraced)
        {
            // Attributes only once it is recorded: senders are the hot path of those who sample few traces.
            span = Telemetry.Start("sluice.send", to.SendName, ActivityKind.Producer);
            if (span is not null)
            {
                foreach ((string key, object? value) in to.SendTags) span.SetTag(key, value);
                if (items > 1) span.SetTag(TelemetryNames.BatchCount, items);
            }
        }
        Activity? context = span ?? Activity.Current;
        trace = context is { IdFormat: ActivityIdFormat.W3C } && (span is not null || context.Recorded) ? new(context.Context) : null;
        return span;
    }

    /// <summary>Begins an attempt at an item.</summary>
    public static Activity? BeginProcess(ConsecutorTelemetry consecutor, Root root, EntryTrace trace)
    {
        if (!Telemetry.IsTraced || Telemetry.Start("sluice.process", $"process {consecutor.Name}", ActivityKind.Consumer, trace.Context,
            consecutor.ProcessTags) is not { } span) return null;
        return span.SetTag(TelemetryNames.Message, root.Id)
            .SetTag(TelemetryNames.Partition, root.Partition.Number.ToString(CultureInfo.InvariantCulture))
            .SetTag(TelemetryNames.Attempt, root.Attempt);
    }

    /// <summary>Begins to process an item that a node has made of several items.</summary>
    /// <param name="consecutor">The consecutor.</param>
    /// <param name="node">The node.</param>
    /// <param name="from">The traces of the items; the last one is the parent, the others are links.</param>
    public static Activity? BeginCombined(ConsecutorTelemetry consecutor, string node, IReadOnlyList<ActivityContext> from)
    {
        if (!Telemetry.IsTraced || from.Count == 0) return null;
        return Telemetry.Start("sluice.process", $"process {consecutor.Name}", ActivityKind.Consumer, from[^1], consecutor.ProcessTags,
            Links(from.SkipLast(1)))?.SetTag(TelemetryNames.Node, node);
    }

    /// <summary>Makes an item for another consecutor.</summary>
    /// <returns>The trace to store with it.</returns>
    public static EntryTrace? Create(ConsecutorTelemetry to, Root from)
    {
        if (from.Trace is not { } process) return from.Headers.Trace;
        // In the node that puts it out, if its span is current.
        ActivityContext parent = Activity.Current is { IdFormat: ActivityIdFormat.W3C } current && current.TraceId == process.TraceId
            ? current.Context : process.Context;
        if (Telemetry.Start("sluice.create", $"create {to.Name}", ActivityKind.Producer, parent,
        [
            new(TelemetryNames.System, TelemetryNames.Sluice), new(TelemetryNames.Operation, "create"),
            new(TelemetryNames.OperationType, "create"), new(TelemetryNames.Destination, to.Name),
        ]) is not { } span) return new(parent);
        Telemetry.End(span);
        return new(span.Context);
    }

    /// <summary>Begins the commit of items: a child of the first one that is traced, with links to the others.</summary>
    public static Activity? BeginCommit(ConsecutorTelemetry consecutor, List<Root> roots)
    {
        if (!Telemetry.IsTraced) return null;
        List<ActivityContext>? traced = null;
        foreach (Root root in roots)
            if (root.Trace is { } span) (traced ??= []).Add(span.Context);
        if (traced is null) return null;
        return Telemetry.Start("sluice.commit", $"commit {consecutor.Name}", ActivityKind.Client, traced[0], consecutor.CommitTags,
            Links(traced.Skip(1)))?.SetTag(TelemetryNames.BatchCount, roots.Count);
    }

    private static IEnumerable<ActivityLink> Links(IEnumerable<ActivityContext> contexts)
        => contexts.Take(MaxLinks).Select(static context => new ActivityLink(context));
}
