namespace Sluice;

/// <summary>The nodes of the pipeline by name, and the ways that lead to them.</summary>
internal sealed class NodeTable(TopologyRecorder recorder, StatePlan state)
{
    private readonly Dictionary<string, int> numbers = Numbers(recorder);

    /// <summary>The node of a name, or the one that it was renamed to.</summary>
    public int? Find(string name)
        => numbers.TryGetValue(name, out int number) || (state.TryFollow(name, out string? to) && to is not null && numbers.TryGetValue(to, out number)) ? number : null;

    /// <summary>A fan-out that is no node of its own is called after what it leads to. Several may lead to the same, and one to a single node: the name is the node's, at which items fail.</summary>
    private static Dictionary<string, int> Numbers(TopologyRecorder recorder)
    {
        var numbers = new Dictionary<string, int>(recorder.Count, StringComparer.Ordinal);
        foreach (int node in Enumerable.Range(0, recorder.Count).OrderBy(node => recorder.NodeOf(node) is null)) numbers.TryAdd(recorder.NameOf(node), node);
        return numbers;
    }

    /// <summary>A way from the source to a node, for people.</summary>
    public string PathTo(int node)
    {
        var path = new List<string>();
        for (int at = node; at >= 0 && path.Count < 100; at = recorder.Feeding(at).DefaultIfEmpty(-1).First()) path.Add(recorder.NameOf(at));
        path.Reverse();
        return string.Join(" -> ", path);
    }
}
