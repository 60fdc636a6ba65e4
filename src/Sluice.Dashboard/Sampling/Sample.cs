namespace Sluice.Dashboard.Sampling;

/// <summary>Everything at one look.</summary>
/// <param name="Stores">The stores, those of the host first.</param>
/// <param name="Consecutors">The consecutors, by name.</param>
/// <param name="Pipelines">The pipelines, the urgent ones first.</param>
/// <param name="Graphs">The graphs that are resolved by request, the urgent ones first.</param>
internal sealed record Sample(IReadOnlyList<StoreSample> Stores, IReadOnlyList<ConsecutorSample> Consecutors,
    IReadOnlyList<PipelineSample> Pipelines, IReadOnlyList<GraphSample> Graphs)
{
    /// <summary>Why the graphs of the host are not shown; null if they are.</summary>
    public string? GraphProblem { get; init; }

    /// <summary>The scopes of steps by their names, the urgent ones first.</summary>
    public IReadOnlyList<ScopeRecords> Steps { get; init; } = [];

    /// <summary>Finds a consecutor by its name, in one of the stores if the name of a store is given. Of several members in this program,
    /// it finds the one that is named, or else the first one.</summary>
    public ConsecutorSample? Find(string name, string? store, string? member = null)
        => Consecutors.Where(one => one.Name == name && (store is null || one.Store.Name == store)
            && (member is null || member == (one.Member ?? one.Snapshot?.InstanceId))).MinBy(static one => one.Number);

    /// <summary>Finds a store by its name; the first one if no name is given.</summary>
    public StoreSample? FindStore(string? name)
        => name is null ? (Stores.Count > 0 ? Stores[0] : null) : Stores.FirstOrDefault(one => one.Store.Name == name);
}
