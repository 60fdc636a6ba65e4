using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Sluice.Diagnostics;

/// <summary>
/// Telemetry of graphs whose nodes run once: a span for each resolve, and within it one for each node. Without a listener it costs the test
/// of a field.
/// </summary>
internal static class OnceTelemetry
{
    private static readonly Counter<long> Resolves = Telemetry.Meter.CreateCounter<long>("sluice.graph.resolves", "{resolve}",
        "Resolves of graphs that have ended, by graph and how.");

    /// <summary>Whether a listener observes resolves.</summary>
    public static bool IsWatched => Telemetry.Spans.HasListeners() || Resolves.Enabled;

    public static bool IsTraced => Telemetry.Spans.HasListeners();

    /// <summary>Calls a function within a span. The calls inside have their own child spans.</summary>
    /// <param name="kind">The kind of span, such as <c>sluice.node</c>.</param>
    /// <param name="name">The name in the display name.</param>
    /// <param name="call">The function.</param>
    public static async ValueTask<T> TracedAsync<T>(string kind, string? name, Func<ValueTask<T>> call)
    {
        // A separate async method, so that its current span does not become the caller's.
        using Activity? span = Telemetry.Spans.StartActivity(kind);
        if (span is not null && name is not null) span.DisplayName = $"{kind} {name}";
        string outcome = "completed";
        try
        {
            return await call().ConfigureAwait(false);
        }
        catch (Exception e)
        {
            outcome = e is OperationCanceledException ? "cancelled" : "failed";
            span?.SetStatus(ActivityStatusCode.Error, e.Message);
            throw;
        }
        finally
        {
            span?.SetTag("outcome", outcome);
            if (kind == "sluice.graph" && Resolves.Enabled)
                Resolves.Add(1, new KeyValuePair<string, object?>("graph", name), new("outcome", outcome));
        }
    }
}
