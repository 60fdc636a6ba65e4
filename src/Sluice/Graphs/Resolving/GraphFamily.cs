namespace Sluice.Graphs;

/// <summary>A graph and its changed copies: handles of their nodes are valid for all of them, and for no other graph.</summary>
internal sealed class GraphFamily(string? name)
{
    public string? Name => name;

    /// <summary>Names the graph in a sentence.</summary>
    public override string ToString() => name is null ? "a graph without a name" : $"the graph '{name}'";
}
