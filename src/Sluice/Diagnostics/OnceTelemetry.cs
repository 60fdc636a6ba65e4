using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Sluice;

/// <summary>The same meter and activity source for graphs whose nodes run once: a span for each resolve, and in it one for each node. Costs a test of a field where nobody listens.</summary>
internal static class OnceTelemetry
{
    private static readonly Counter<long> Resolves = Telemetry.Meter.CreateCounter<long>("sluice.graph.resolves", "{resolve}", "Resolves of graphs that have ended, by graph and how.");

    /// <summary>Whether anybody wants to know of a resolve.</summary>
    public static bool IsWatched => Telemetry.Spans.HasListeners() || Resolves.Enabled;

    public static bool IsTraced => Telemetry.Spans.HasListeners();

    /// <summary>Calls a function in a span that ends with it; what it calls has its own spans in there.</summary>
    /// <param name="kind">Such as <c>sluice.node</c>.</param>
    /// <param name="name">What is shown.</param>
    /// <param name="call">What to call.</param>
    public static async ValueTask<T> TracedAsync<T>(string kind, string? name, Func<ValueTask<T>> call)
    {
        // An asynchronous method of its own: what it makes the current span is not the caller's.
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
            if (kind == "sluice.graph" && Resolves.Enabled) Resolves.Add(1, new KeyValuePair<string, object?>("graph", name), new("outcome", outcome));
        }
    }
}
