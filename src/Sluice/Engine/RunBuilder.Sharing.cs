using Sluice.Topologies;

namespace Sluice.Engine;

// Pieces that begin where other pieces begin too: open ends of pipes, and shared sources.
internal sealed partial class RunBuilder
{
    private object? openEnd;
    private object? openInlet;
    private Dictionary<object, object>? openEnds;    // further open ends, if sources are shared
    private SharedUses? uses;

    /// <summary>The uses of the run's shared sources.</summary>
    public SharedUses Uses => uses ??= new(CountUses);

    /// <summary>Whether a shared source was built.</summary>
    public bool HasShared => uses is not null;

    private Dictionary<object, int> CountUses()
    {
        var counting = SharedUses.Counting();
        blueprint.Build(new RunBuilder(blueprint, isFollowed: false, ItemTracking.Consecutor) { uses = counting });
        return counting.Counted!;
    }

    /// <summary>
    /// Refuses a stage that would deadlock: it blocks one input while it waits for the other, and both inputs use one shared source.
    /// </summary>
    /// <exception cref="InvalidTopologyException">Two inputs use one shared source.</exception>
    public static void CheckApart(string kind, params Dictionary<object, int>[] inputs)
    {
        for (int i = 0; i < inputs.Length; i++)
        {
            for (int j = 0; j < i; j++)
            {
                if (!inputs[i].Keys.Any(inputs[j].ContainsKey)) continue;
                throw new InvalidTopologyException(
                    $"A {kind} of two pieces that use one shared source (Share) could wait for ever: it holds up one of them while it "
                        + $"waits for the other, and so holds up both. "
                    + (kind == "concat" ? "Merge them; or use the source twice without Share, which makes its items twice."
                    : "Join what comes of one item by ForkJoin; or pair two branches: source.Zip(s => …, s => …, …), which holds what is "
                    + "ahead."));
            }
        }
    }

    /// <summary>Keeps the inlet at the open end of a pipe until <see cref="TakeOpen"/>.</summary>
    /// <param name="end">The open end.</param>
    /// <param name="inlet">The inlet that takes the items there.</param>
    /// <exception cref="InvalidTopologyException">The end was reached before: one of the two inlets would never be driven.</exception>
    public void LeaveOpen<T>(object end, Inlet<T> inlet)
    {
        if (openEnd is not null)
        {
            // With shared sources, the part before one may be built while another open end is still waiting.
            if (uses is null || ReferenceEquals(openEnd, end) || !(openEnds ??= new(ReferenceEqualityComparer.Instance)).TryAdd(end, inlet))
                throw UsedTwice();
            return;
        }
        (openEnd, openInlet) = (end, inlet);
    }

    /// <summary>Returns and removes the inlet at the beginning of a pipe that has just been built.</summary>
    /// <param name="end">The open end at which the pipe begins.</param>
    /// <exception cref="InvalidTopologyException">The pipe does not begin at its open end.</exception>
    public Inlet<T> TakeOpen<T>(object end)
    {
        if (openEnds?.Remove(end, out object? known) == true) return (Inlet<T>)known;
        if (openEnd is null || (openEnds is not null && !ReferenceEquals(openEnd, end)))
        {
            throw new InvalidTopologyException(
                "A branch does not use the source it is given, so nothing would take its items. Begin it with that source, as in s => s | "
                    + "F; "
                + "items of another source are added behind the branches, with Merge or Concat.");
        }
        if (!ReferenceEquals(openEnd, end)) throw UsedTwice();
        var inlet = (Inlet<T>)openInlet!;
        (openEnd, openInlet) = (null, null);
        return inlet;
    }

    /// <summary>Checks that no open end is left: its inlet would never be driven.</summary>
    /// <exception cref="InvalidTopologyException">An open end is left.</exception>
    private void CheckOpen()
    {
        if (openEnd is not null || openEnds is { Count: > 0 }) throw UsedTwice();
    }

    private static InvalidTopologyException UsedTwice() => new(
        "The source that a branch is given is used twice, or outside of its branch. It can be used once, in that branch: "
        + "to do two things with its items, broadcast them again, as in s => s | [t => t | F, t => t | G].");
}
