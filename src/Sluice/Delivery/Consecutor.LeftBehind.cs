using Sluice.Delivery;
using Sluice.Diagnostics;
using Sluice.Policies;

namespace Sluice;

// What a stop has left behind, for its warnings and exceptions.
public sealed partial class Consecutor<T>
{
    /// <summary>Whether items are in flight, or windows and timers that came out by time.</summary>
    private bool IsAtWork => core.InFlight.Count > 0 || core.Rounds is { AreOver: false };

    /// <summary>Says which code of the user still runs after the end of the runs; null if none does.</summary>
    private string? LeftBehind
    {
        get
        {
            PipelineRun?[] runs = [run, core.Entrances.Run];
            string[] nodes = [.. runs.SelectMany(static one => one?.StillRunning ?? []).Distinct()];
            if (nodes.Length == 0 && !Array.Exists(runs, static one => one is { IsOver: false })) return null;
            return $"code {(nodes.Length > 0 ? $"of {string.Join(", ", nodes)} " : "")}that does not heed its CancellationToken still runs";
        }
    }

    /// <summary>Says which methods of sinks have not returned.</summary>
    private List<string> SilentSinks => [.. core.Sinks.All.Where(static sink => sink.Running is not null)
        .Select(static sink => $"{sink.Running} of the sink {sink.Node} has not returned")];

    private TimeoutException CutOff()
    {
        List<string> left = [];
        // Without items, it is the consecutor's own source that runs: it waits for the store.
        if (IsAtWork && LeftBehind is { } code) left.Add(code);
        left.AddRange(SilentSinks);
        string why = left.Count > 0 ? "and has not given everything back in that time" : "and the store did not answer in that time";
        if (core.InFlight.Count is > 0 and var items) left.Add($"{items:N0} items were in flight");
        if (core.Partitions.Owned is { Length: > 0 } owned)
            left.Add($"{NumberText.Of(owned.Select(static partition => partition.Number), "partition")} not given back");
        TimeSpan? limit;
        lock (sync) limit = asked;
        return new(
            $"The consecutor {Name} was to stop within {DurationText.Of(limit ?? core.Options.LeaseDuration)}, {why}: "
                + $"{(left.Count > 0 ? string.Join("; ", left) : $"the member {Member} could not leave")}. "
            + "Nothing is lost: the next owner goes on where the store is. Another member takes over when this one has been silent for "
            + "the lease duration.");
    }
}
