namespace Sluice.Delivery;

/// <summary>Finds the nodes of the pipeline by name, also by an earlier name.</summary>
/// <remarks>Immutable.</remarks>
/// <param name="recorder">The pipeline as it was drawn.</param>
/// <param name="renamed">The present name of a node that was renamed; null for other names.</param>
/// <param name="isDropped">Whether a node was declared as dropped.</param>
internal sealed class NodeTable(TopologyRecorder recorder, Func<string, string?> renamed, Func<string, bool> isDropped)
{
    private readonly Dictionary<string, int> numbers = Numbers(recorder);

    /// <summary>The number of a node, by its name or an earlier one; null if the code does not have it.</summary>
    public int? Find(string name)
        => numbers.TryGetValue(name, out int number) || (renamed(name) is { } to && numbers.TryGetValue(to, out number)) ? number : null;

    /// <summary>Whether the code lacks a node because it was dropped: items on the way to it have nowhere to go.</summary>
    public bool IsDropped(string name) => Find(name) is null && isDropped(name);

    /// <inheritdoc cref="TopologyRecorder.NamesakesOf"/>
    public int? NamesakesOf(int node) => recorder.NamesakesOf(node);

    /// <summary>Whether a node gets items as they were accepted: nothing but fan-outs stands between it and the source.</summary>
    public bool IsFirst(int node)
    {
        int[] feeding = [.. recorder.Feeding(node)];
        return feeding.Length > 0 && Array.TrueForAll(feeding, from => recorder[from].Output == recorder[node].Input
            && (recorder[from].Input is null || (recorder[from].IsOnlyEdges && IsFirst(from))));
    }

    /// <summary>A fan-out without a node of its own has the name of a node behind it. Several fan-outs may share that name: it then means
    /// the node itself, where items fail.</summary>
    private static Dictionary<string, int> Numbers(TopologyRecorder recorder)
    {
        var numbers = new Dictionary<string, int>(recorder.Count, StringComparer.Ordinal);
        foreach (int node in Enumerable.Range(0, recorder.Count).OrderBy(node => recorder.NodeOf(node) is null))
            numbers.TryAdd(recorder.NameOf(node), node);
        return numbers;
    }

    /// <summary>A path from the source to a node, for people.</summary>
    public string PathTo(int node)
    {
        var path = new List<string>();
        for (int at = node; at >= 0 && path.Count < 100; at = recorder.Feeding(at).DefaultIfEmpty(-1).First())
            path.Add(recorder.NameOf(at));
        path.Reverse();
        return string.Join(" -> ", path);
    }
}
