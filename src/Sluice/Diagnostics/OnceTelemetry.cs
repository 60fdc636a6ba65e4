using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Sluice.Diagnostics;

/// <summary>
/// Telemetry of steps, and of graphs whose nodes run once: a span for each step; a span for each resolve, and within it one for each node.
/// Without a listener it costs the test of a field.
/// </summary>
internal static class OnceTelemetry
{
    private static readonly Counter<long> Resolves = Telemetry.Meter.CreateCounter<long>("sluice.graph.resolves", "{resolve}",
        "Resolves of graphs that have ended, by graph and outcome.");

    public static bool IsTraced => Telemetry.IsTraced;

    /// <summary>Counts a resolve that has ended.</summary>
    /// <param name="graph">The name of the graph.</param>
    /// <param name="problem">Why it has failed; null if it has not.</param>
    public static void Count(string? graph, Exception? problem)
    {
        if (!Resolves.Enabled) return;
        string outcome = problem switch { null => "completed", OperationCanceledException => "cancelled", _ => "failed" };
        Telemetry.Record(static ended => Resolves.Add(1, new KeyValuePair<string, object?>(TelemetryNames.Graph, ended.graph),
            new(TelemetryNames.Outcome, ended.outcome)), (graph, outcome));
    }

    /// <summary>
    /// Starts the span of a step's call in the caller's trace, and makes it current for the body. Null without a listener.
    /// </summary>
    public static Activity? StepStarted(string step)
    {
        if (!Telemetry.IsTraced) return null;
        if (Telemetry.Start("sluice.step", $"step {step}", tags: [new(TelemetryNames.Step, step)]) is not { } span) return null;
        Activity.Current = span;
        return span;
    }

    /// <summary>Calls a graph or a data flow within a span. The calls inside have their own child spans.</summary>
    public static ValueTask<T> GraphAsync<T>(string? name, Func<ValueTask<T>> call)
        => TracedAsync("sluice.graph", "graph", TelemetryNames.Graph, name, call);

    /// <summary>Calls the function of a node within a span.</summary>
    /// <param name="name">The name of the node.</param>
    /// <param name="call">The function.</param>
    /// <param name="isCancelled">Whether the resolve must stop. The type of the exception does not tell: the time limit of a client
    /// throws a cancellation, too, and a client that is cancelled may throw any exception.</param>
    public static ValueTask<T> NodeAsync<T>(string name, Func<ValueTask<T>> call, Func<bool> isCancelled)
        => TracedAsync("sluice.node", "node", TelemetryNames.Node, name, call, isCancelled);

    private static async ValueTask<T> TracedAsync<T>(string operation, string what, string attribute, string? name,
        Func<ValueTask<T>> call, Func<bool>? isCancelled = null)
    {
        // A separate async method, so that its current span does not become the caller's.
        Activity? span = name is null ? Telemetry.Start(operation, what)
            : Telemetry.Start(operation, $"{what} {name}", tags: [new(attribute, name)]);
        if (span is not null) Activity.Current = span;
        string outcome = "completed";
        Exception? failure = null;
        try
        {
            return await call().ConfigureAwait(false);
        }
        catch (Exception e)
        {
            failure = e;
            outcome = isCancelled?.Invoke() ?? e is OperationCanceledException ? "cancelled" : "failed";
            throw;
        }
        finally
        {
            if (span is not null) Telemetry.End(span, failure, outcome);
        }
    }
}
