namespace Sluice.Graphs;

/// <summary>Finds circles of bodies: a body that awaits its own future, or one that can only end after it.</summary>
/// <remarks>
/// Only an await can close a circle, because the arguments of a call are older than the call. So each await searches, from the call of the
/// body to those who wait for it. Of two bodies that begin to await each other at the same time, the later one finds the circle. Locking
/// rule: none; the lists may change during the search.
/// </remarks>
internal static class WaitCircle
{
    private const int MaxLookedAt = 2000;           // keeps a search cheap; larger circles are not found

    /// <returns>A description of the circle, if the awaited future waits for the body; otherwise null.</returns>
    public static string? ClosedBy(IBody body, Future awaited)
        => (awaited.MayWait || ReferenceEquals(awaited, body.Call)) && Search(body.Call, awaited) is { } path ? Describe(body.Call, path)
        : null;

    /// <exception cref="InvalidOperationException">The awaited future waits for the body; the message names the path.</exception>
    public static void Refuse(IBody body, Future awaited)
    {
        if (Search(body.Call, awaited) is { } path) throw new InvalidOperationException(Describe(body.Call, path));
    }

    /// <exception cref="InvalidOperationException">A call of the awaited scope waits for the body; the message names the path.</exception>
    public static void Refuse(IBody body, StepScope awaited)
    {
        if (Search(body.Call, awaited) is { } path) throw new InvalidOperationException(Describe(body.Call, path));
    }

    /// <param name="call">The call of the body.</param>
    /// <param name="goal">A future, or a scope any of whose calls counts.</param>
    /// <returns>The path from the goal to the call; null if there is none.</returns>
    private static List<Future>? Search(ICall call, object goal)
    {
        var start = (Future)call;
        if (ReferenceEquals(start, goal)) return [start];
        Dictionary<Future, Future?> from = new() { [start] = null };
        Queue<Future> open = new([start]);
        while (open.TryDequeue(out Future? at))
        {
            foreach (Future next in at.WaitedForBy())
            {
                if (from.Count == MaxLookedAt) return null;
                if (next.IsCompleted || !from.TryAdd(next, at)) continue;
                if (ReferenceEquals(next, goal) || (goal is StepScope scope && next is ICall inScope
                    && ReferenceEquals(inScope.Scope, scope))) return PathFrom(next, from);
                open.Enqueue(next);
            }
        }
        return null;
    }

    private static List<Future> PathFrom(Future goal, Dictionary<Future, Future?> from)
    {
        List<Future> path = [];
        for (Future? at = goal; at is not null; at = from[at]) path.Add(at);
        return path;
    }

    private static string Describe(ICall call, List<Future> path)
    {
        string[] names = [.. path.Where(each => each is ICall).Select(each => each.Name)];
        return names.Length <= 1
            ? $"{call.Name} waits for its own end: it could never end. Let it end without waiting: return what it has, and combine the "
            + $"results in a step behind it."
            : $"{call.Name} waits for {string.Join(", which waits for ", names)}: none of them could ever end. Let one of them end "
            + $"without the other: return what it has, and combine the results in a step behind both.";
    }
}
