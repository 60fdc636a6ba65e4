namespace Sluice.Dashboard.Sampling;

/// <summary>Says what is wrong with a graph, and what to do: the first that applies.</summary>
internal static class GraphVerdict
{
    private const int Longer = 10;

    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(10);

    /// <param name="record">What is recorded of it.</param>
    /// <param name="names">The names of its nodes.</param>
    /// <param name="oldest">How long the oldest resolve has been running; null if none is.</param>
    public static Verdict Of(GraphRecord record, IReadOnlyList<string> names, TimeSpan? oldest)
        => OfEnded(record, names) is { Urgency: > Urgency.Held } bad ? bad
            : OfRunning(record, oldest) ?? OfEnded(record, names);

    // Ten times as long as the longest of the last ones is no chance.
    private static Verdict? OfRunning(GraphRecord record, TimeSpan? oldest)
    {
        TimeSpan longest = record.Last.Count == 0 ? TimeSpan.Zero : record.Last.Max(static one => one.Elapsed);
        return oldest is { } running && running >= Soon && running > longest * Longer
            ? new(Urgency.Warning, $"A resolve has been running for {Shown.Span(running)}"
                + $"{(record.Last.Count == 0 ? "" : $"; the last ones took {Shown.Duration(longest)} at most")}. If a node waits for "
                + "something that does not come, give it a time limit.") : null;
    }

    private static Verdict OfEnded(GraphRecord record, IReadOnlyList<string> names)
    {
        IReadOnlyList<ResolveOutcome> last = record.Outcomes;
        if (last.Count == 0) return new(Urgency.Fine, "Was not resolved since the dashboard began to watch.");
        int failed = last.Count(static one => one == ResolveOutcome.Failed);
        string? problem = record.LastFailed.Count > 0 ? record.LastFailed[0].Problem : null;
        if (failed == last.Count)
            return new(Urgency.Failing, $"{(last.Count == 1 ? "Its last resolve has" : $"All of its last {last.Count} resolves have")} "
                + $"failed: {problem} Mend the cause; a node that others can do without may be Optional, or have a Fallback.");
        if (failed > 0) return new(Urgency.Warning, $"{failed} of its last {last.Count} resolves failed: {problem}");
        foreach (ResolveRecord one in record.Last)
            for (int node = 0; node < one.Nodes.Length; node++)
                if (one.Nodes[node].HasFailed)
                    return new(Urgency.Warning, $"{names[node]} fails, and the resolves go on without it: {one.Nodes[node].Why}");
        int cancelled = last.Count(static one => one == ResolveOutcome.Cancelled);
        return cancelled > 0
            ? new(Urgency.Fine, $"{cancelled} of its last {Shown.Count(last.Count, "resolve")} {(cancelled == 1 ? "was" : "were")} "
                + "cancelled by the caller; the others succeeded.")
            : new(Urgency.Fine, $"{(last.Count == 1 ? "Its last resolve" : $"Its last {last.Count} resolves")} succeeded.");
    }
}
