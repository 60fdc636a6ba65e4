using Sluice.Topologies;

namespace Sluice.Delivery;

/// <summary>The nodes of the code that keep state, with their shapes, and the declared changes to state that is stored under other
/// names.</summary>
/// <remarks>Immutable, once the consecutor has its key.</remarks>
internal sealed class StatePlan
{
    private readonly Dictionary<string, StateShape> shapes;
    private readonly Dictionary<string, StateChange> changes = new(StringComparer.Ordinal);
    private readonly string consecutor;
    private readonly Func<bool> isKeyed;
    private Dictionary<string, (StateShape Shape, string Text)>? stored;

    /// <param name="consecutor">The name of the consecutor.</param>
    /// <param name="recorder">The pipeline as it was drawn.</param>
    /// <param name="said">The declared changes.</param>
    /// <param name="isKeyed">Whether accepted items have keys. Called once the consecutor has its key.</param>
    /// <exception cref="ArgumentException">A declared change contradicts the code or another change.</exception>
    public StatePlan(string consecutor, TopologyRecorder recorder, IReadOnlyList<StateChange> said, Func<bool> isKeyed)
    {
        (this.consecutor, this.isKeyed, shapes) = (consecutor, isKeyed, recorder.States);
        IReadOnlyList<TopologyNode> nodes = recorder.Topology.Nodes;
        foreach (StateChange change in said)
        {
            if (shapes.ContainsKey(change.Node))
                throw Wrong(
                    $"says that '{change.Node}' was {(change.To is null ? "removed" : "renamed")}, and the code has a node of that name "
                        + $"which keeps state. If that is another node, give it a name that was never used");
            if (change.To is not null && Enumerable.Range(0, recorder.Count).Any(node => recorder.NameOf(node) == change.Node))
                throw Wrong($"says that '{change.Node}' was renamed, and the code has a node of that name. Items that wait for the renamed "
                    + "node would enter the other one: give that one a name that was never used");
            if (nodes.Any(node => node.Kind == CommitSinkKind.Name && node.Name == (change.To ?? change.Node)))
                throw Wrong(change.To is null ? $"says that '{change.Node}' was removed, and the code has a sink of that name"
                    : $"says that '{change.Node}' is called '{change.To}' now, which is a sink that commits: its commits keep their name");
            if (!changes.TryAdd(change.Node, change)) throw Wrong($"names '{change.Node}' twice");
        }
        foreach (IGrouping<string, StateChange> same in said.Where(static change => change.To is not null)
            .GroupBy(static change => change.To!, StringComparer.Ordinal))
            if (same.Count() > 1) throw Wrong($"says that {string.Join(" and ", same.Select(static change =>
                $"'{change.Node}'"))} are called '{same.Key}' now. The state of two nodes cannot become that of one");
        foreach (StateChange change in said)
            if (change.To is not null && nodes.All(node => node.Name != change.To) && !changes.ContainsKey(change.To))
                throw Wrong(
                    $"says that '{change.Node}' is called '{change.To}' now, and the code has no node of that name. Its nodes that keep "
                        + $"state: {Names}");
        foreach (StateChange change in said) _ = FollowFrom(change);
    }

    /// <summary>The names of the nodes that keep state, as a text for people.</summary>
    public string Names => shapes.Count == 0 ? "none" : string.Join(", ", shapes.Keys.Select(static name => $"'{name}'"));

    public bool Knows(string node) => shapes.ContainsKey(node);

    /// <summary>Returns the shape of the state of a node in the code.</summary>
    public (StateShape Shape, string Text) Of(string node) => LazyInitializer.EnsureInitialized(ref stored, Stored)[node];

    /// <summary>Refuses state that a store could not keep, before an item changes it.</summary>
    /// <exception cref="PayloadException">The type of a node's state would not come back from a store as it was.</exception>
    public void CheckTypes(PayloadSerializers serializers)
    {
        foreach ((string node, StateShape shape) in shapes)
            foreach (Type type in shape.Parts ?? (shape.Type is null ? [] : [shape.Type]))
                if (serializers.Lacks(type) is { } why)
                    throw new PayloadException($"The consecutor {consecutor} cannot store what '{node}' remembers. {why}");
    }

    /// <summary>Looks up the declared change to the state of a node that the code lacks.</summary>
    /// <param name="node">The node.</param>
    /// <param name="to">The new name; null if the state is dropped.</param>
    /// <returns>False if no change is declared.</returns>
    public bool TryFollow(string node, out string? to)
    {
        to = null;
        if (!changes.TryGetValue(node, out StateChange? change)) return false;
        to = FollowFrom(change);
        return true;
    }

    private Dictionary<string, (StateShape Shape, string Text)> Stored() => shapes.ToDictionary(static state => state.Key, state =>
    {
        StateShape shape = state.Value with { IsByPartition = state.Value.IsByPartition && !isKeyed() };
        return (shape, shape.ToString());
    }, StringComparer.Ordinal);

    private string? FollowFrom(StateChange first)
    {
        StateChange change = first;
        for (int steps = 0; steps <= changes.Count; steps++)
        {
            if (change.To is null || shapes.ContainsKey(change.To) || !changes.TryGetValue(change.To, out StateChange? next))
                return change.To;
            change = next;
        }
        throw Wrong($"renames '{first.Node}' in a circle");
    }

    private ArgumentException Wrong(string why) => new(
        $"{nameof(ConsecutorOptions)}.{nameof(ConsecutorOptions.State)} of the consecutor {consecutor} {why}.");
}
