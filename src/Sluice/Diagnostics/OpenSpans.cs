using System.Diagnostics;

namespace Sluice.Diagnostics;

/// <summary>The spans of items in flight, so that a stop can end those whose item does not end any more.</summary>
/// <remarks>Thread-safe. Only recorded spans come here, so an item without a trace costs nothing.</remarks>
internal sealed class OpenSpans
{
    private readonly Lock sync = new();
    private HashSet<Activity>? open = [];            // null after the stop

    /// <summary>Adds a span that has begun. After the stop it ends at once.</summary>
    public void Add(Activity span)
    {
        lock (sync)
            if (open?.Add(span) == true) return;
        Cancel(span);
    }

    /// <summary>Ends a span, unless the stop has ended it.</summary>
    public void End(Activity span, Exception? failure)
    {
        lock (sync)
            if (open?.Remove(span) != true) return;
        Telemetry.End(span, failure);
    }

    /// <summary>Ends all spans as cancelled, and those that are added later.</summary>
    public void Stop()
    {
        HashSet<Activity>? left;
        lock (sync) (left, open) = (open, null);
        foreach (Activity span in left ?? []) Cancel(span);
    }

    private static void Cancel(Activity span) => Telemetry.End(span, outcome: "cancelled");
}
