using System.Text;

namespace Sluice;

/// <summary>The shapes that are stored beside the state of a partition's nodes: written by the first commit in which a node has state, and when its shape has changed.</summary>
/// <remarks>Belongs to whoever the scope belongs to.</remarks>
internal sealed class StateShapes(StatePlan plan)
{
    private readonly Dictionary<string, (int Version, string Text)> known = new(StringComparer.Ordinal);
    private readonly List<string> added = [];        // it is not certain that they are committed

    /// <summary>Begins with what is stored.</summary>
    public void Load(IEnumerable<StoredNode> stored)
    {
        foreach (StoredNode node in stored)
            if (node.Shape is { } text) known[node.Node] = (node.Version, text);
    }

    /// <summary>What was saved is committed, or was forgotten.</summary>
    public void Begin() => added.Clear();

    /// <summary>A node has rows in a commit: adds its shape, unless that is stored.</summary>
    public void Save(string node, List<StateRow> rows)
    {
        (StateShape shape, string text) = plan.Of(node);
        if (known.TryGetValue(node, out var stored) && stored == (shape.Version, text)) return;
        known[node] = (shape.Version, text);
        added.Add(node);
        rows.Add(new(StateCheck.Node, node, shape.Version, Encoding.UTF8.GetBytes(text)));
    }

    /// <summary>What was not committed is written again.</summary>
    public void Forget()
    {
        foreach (string node in added) known.Remove(node);
        added.Clear();
    }
}
