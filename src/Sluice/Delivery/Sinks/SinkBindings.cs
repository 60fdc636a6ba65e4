namespace Sluice.Delivery;

/// <summary>The sinks of a consecutor by node, and whether they still wait to begin.</summary>
/// <remarks>Thread-safe: the table is under its lock.</remarks>
internal sealed class SinkBindings(PumpSignal pump, TopologyRecorder recorder) : ISinkBindings
{
    private readonly string[] names = [.. recorder.Topology.Nodes.Where(static node => node.Kind == CommitSinkKind.Name)
        .Select(static node => node.Name)];
    private readonly Dictionary<string, SinkBinding> sinks = new(StringComparer.Ordinal);
    private volatile bool areWaiting;

    /// <summary>All sinks, as a copy.</summary>
    public IReadOnlyCollection<SinkBinding> All
    {
        get { lock (sinks) return [.. sinks.Values]; }
    }

    /// <summary>
    /// Whether the sinks wait for partitions whose owner may be dead. Until the sinks have begun, no item starts and nothing is
    /// committed. A write wakes the pump.
    /// </summary>
    public bool AreWaiting
    {
        get => areWaiting;
        set
        {
            areWaiting = value;
            pump.Changed();
        }
    }

    /// <summary>Whether a file in the store belongs to a sink of the code. If not, an earlier version of the code had its sink.</summary>
    /// <param name="file">The name of the file in the store (<see cref="FileNames"/>).</param>
    public bool Know(string file) => Array.Exists(names, name => FileNames.IsOf(name, file));

    /// <inheritdoc/>
    public SinkBinding<T> Bind<T>(string node, Func<SinkBinding<T>> make)
    {
        lock (sinks)
        {
            if (!sinks.TryGetValue(node, out SinkBinding? known)) sinks.Add(node, known = make());
            return (SinkBinding<T>)known;
        }
    }
}
