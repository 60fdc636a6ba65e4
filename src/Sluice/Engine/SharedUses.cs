namespace Sluice.Engine;

/// <summary>Collects the users of each shared source while a run is built. A first build that makes nothing counts them.</summary>
/// <remarks>Not thread-safe, like its builder.</remarks>
/// <param name="count">Counts the uses of each shared source in the run.</param>
internal sealed class SharedUses(Func<Dictionary<object, int>> count)
{
    private readonly Dictionary<object, object> inlets = new(ReferenceEqualityComparer.Instance);
    private Dictionary<object, int>? expected;
    private Dictionary<object, int>? inPipes;        // sources that are shared inside a pipe

    private SharedUses() : this(static () => throw new NotSupportedException()) => Counted = new(ReferenceEqualityComparer.Instance);

    /// <summary>The counts, in a build that only counts; otherwise null.</summary>
    public Dictionary<object, int>? Counted { get; private init; }

    /// <summary>Creates an instance for a build that only counts.</summary>
    public static SharedUses Counting() => new();

    /// <summary>Adds a user of a shared source.</summary>
    /// <param name="source">The shared source.</param>
    /// <param name="inlet">The user's inlet.</param>
    /// <param name="countUpstream">Counts the shared sources upstream of this one.</param>
    /// <returns>All users, in the order they were built, if this was the last one; otherwise null.</returns>
    public List<Inlet<T>>? Add<T>(object source, Inlet<T> inlet, Action countUpstream)
    {
        bool isInPipe = inPipes is not null && inPipes.ContainsKey(source);
        if (Counted is not null && !isInPipe)
        {
            int known = Counted.GetValueOrDefault(source);
            Counted[source] = known + 1;
            if (known == 0) countUpstream();
            return null;
        }
        if (!isInPipe) expected ??= count();
        if (!inlets.TryGetValue(source, out object? all)) inlets.Add(source, all = new List<Inlet<T>>());
        var users = (List<Inlet<T>>)all;
        users.Add(inlet);
        return users.Count == (isInPipe ? inPipes : expected)![source] ? users : null;
    }

    /// <summary>Adds the shared sources inside a pipe.</summary>
    /// <param name="shared">The sources, each with its number of users.</param>
    public void Expect(Dictionary<object, int> shared)
    {
        inPipes ??= new(ReferenceEqualityComparer.Instance);
        foreach (var (source, users) in shared) inPipes[source] = users;
    }
}
