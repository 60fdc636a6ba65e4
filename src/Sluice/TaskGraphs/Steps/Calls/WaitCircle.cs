namespace Sluice;

/// <summary>Finds bodies that wait for each other: a body that awaits its own future, or one that can only end after it.</summary>
/// <remarks>
/// Only an await can close such a circle: the arguments of a call are older than the call. So it is looked for when a body has begun to await, in the direction in which ends are told: from the call of the
/// body to those who wait for it. Of two bodies that begin to await each other at one time, the later one finds it. Locking rule: none; the lists of those who wait may change meanwhile.
/// </remarks>
internal static class WaitCircle
{
    private const int MaxLookedAt = 2000;           // a search is cheap, or given up: larger circles are not found

    /// <returns>Who waits for whom, if the future that the body awaits waits for the body; otherwise null.</returns>
    public static string? ClosedBy(IBody body, Future awaited)
        => (awaited.MayWait || ReferenceEquals(awaited, body.Call)) && Search(body.Call, awaited) is { } path ? Describe(body.Call, path) : null;

    /// <exception cref="InvalidOperationException">The future that the body awaits waits for the body: the message names the path.</exception>
    public static void Refuse(IBody body, Future awaited)
    {
        if (Search(body.Call, awaited) is { } path) throw new InvalidOperationException(Describe(body.Call, path));
    }

    /// <exception cref="InvalidOperationException">A call in the scope, whose end the body awaits, waits for the body: the message names the path.</exception>
    public static void Refuse(IBody body, StepScope awaited)
    {
        if (Search(body.Call, awaited) is { } path) throw new InvalidOperationException(Describe(body.Call, path));
    }

    /// <param name="call">Of a body.</param>
    /// <param name="goal">A future, or a scope whose calls are looked for.</param>
    /// <returns>From the goal to the call; null if there is no such path.</returns>
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
                if (ReferenceEquals(next, goal) || (goal is StepScope scope && next is ICall inScope && ReferenceEquals(inScope.Scope, scope))) return PathFrom(next, from);
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
            ? $"{call.Name} waits for its own end: it could never end. Let it end without waiting: return what it has, and combine the results in a step behind it."
            : $"{call.Name} waits for {string.Join(", which waits for ", names)}: none of them could ever end. Let one of them end without the other: return what it has, and combine the results in a step behind both.";
    }
}
