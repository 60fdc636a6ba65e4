namespace Sluice.Delivery;

/// <summary>The shapes that are stored beside the state of a partition's nodes. A shape is written by the first commit in which its node
/// has state, and when it has changed.</summary>
/// <remarks>It follows the locking rule of the scope.</remarks>
internal sealed class StateShapes(StatePlan plan)
{
    private readonly Dictionary<string, (int Version, string Text)> known = new(StringComparer.Ordinal);
    private readonly List<string> added = [];        // may not be committed

    /// <summary>Loads the stored shapes.</summary>
    public void Load(IEnumerable<StoredNode> stored)
    {
        foreach (StoredNode node in stored)
            if (node.Shape is { } text) known[node.Node] = (node.Version, text);
    }

    /// <summary>Notes that saved shapes are committed, or were forgotten.</summary>
    public void Begin() => added.Clear();

    /// <summary>Adds the shape of a node that has rows in a commit, unless the shape is stored.</summary>
    public void Save(string node, List<StateRow> rows)
    {
        (StateShape shape, string text) = plan.Of(node);
        // A text of an earlier version of Sluice stays: members with that version may get the partition again.
        if (known.TryGetValue(node, out var stored) && stored.Version == shape.Version && (stored.Text == text
            || stored.Text == shape.Older)) return;
        known[node] = (shape.Version, text);
        added.Add(node);
        rows.Add(new(StateCheck.Node, node, shape.Version, Encoding.UTF8.GetBytes(text)));
    }

    /// <summary>Forgets uncommitted shapes, so that they are written again.</summary>
    public void Forget()
    {
        foreach (string node in added) known.Remove(node);
        added.Clear();
    }
}
