namespace Sluice;

/// <summary>Who uses the shared sources of a run that is being built. How many there are of each is counted first, by building it once more without making anything.</summary>
/// <remarks>Used by one thread, as its builder.</remarks>
/// <param name="count">Counts the uses of each shared source in the run.</param>
internal sealed class SharedUses(Func<Dictionary<object, int>> count)
{
    private readonly Dictionary<object, object> inlets = new(ReferenceEqualityComparer.Instance);
    private Dictionary<object, int>? expected;
    private Dictionary<object, int>? inPipes;        // those that pipes share inside of themselves

    private SharedUses() : this(static () => throw new NotSupportedException()) => Counted = new(ReferenceEqualityComparer.Instance);

    /// <summary>What has been counted, where that is all that is done.</summary>
    public Dictionary<object, int>? Counted { get; private init; }

    /// <summary>For a builder that only counts.</summary>
    public static SharedUses Counting() => new();

    /// <summary>A user has been built.</summary>
    /// <param name="source">What it uses.</param>
    /// <param name="inlet">Where it takes its items in.</param>
    /// <param name="countUpstream">Counts what is before the source.</param>
    /// <returns>All users, the last one first, if this was the last to be built; else null.</returns>
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

    /// <summary>A pipe is built that shares sources inside.</summary>
    /// <param name="shared">The sources, and how many users each has.</param>
    public void Expect(Dictionary<object, int> shared)
    {
        inPipes ??= new(ReferenceEqualityComparer.Instance);
        foreach (var (source, users) in shared) inPipes[source] = users;
    }
}
