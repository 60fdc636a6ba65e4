using System.Runtime.CompilerServices;

namespace Sluice;

/// <summary>Lists the state that a store holds for a consecutor, without the consecutor's code: for operators of a system, tools and exports.</summary>
public static class StateListing
{
    private const int PageSize = 1000;
    private const int NodesAtOnce = 500;

    /// <summary>The nodes of a consecutor that have state, by name, with how many rows they have.</summary>
    /// <remarks>Rows are counted, which may take a store as long as there are many. What is committed meanwhile may be counted or not.</remarks>
    /// <param name="store">Where the consecutor keeps its items.</param>
    /// <param name="consecutor">The consecutor's name.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>None if the store does not know the consecutor.</returns>
    /// <exception cref="StreamStoreException">The store failed.</exception>
    public static async Task<IReadOnlyList<NodeState>> ListStateAsync(this IStreamStore store, string consecutor, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(store);
        var group = new GroupId(consecutor, consecutor);
        SortedDictionary<string, NodeState> found = new(StringComparer.Ordinal);
        foreach (int partition in await PartitionsAsync(store, group, cancellation).ConfigureAwait(false))
        {
            for (string? after = null; ;)
            {
                IReadOnlyList<StateNodeInfo> page = await store.ListStateNodesAsync(group, partition, after, NodesAtOnce, counted: true, cancellation).ConfigureAwait(false);
                foreach (StateNodeInfo node in page)
                {
                    if (node.Node.StartsWith('$')) continue;
                    NodeState before = found.GetValueOrDefault(node.Node) ?? new(node.Node, 0, []);
                    found[node.Node] = before with { Rows = before.Rows + (node.Rows ?? 0), Partitions = [.. before.Partitions, partition] };
                }
                if (page.Count < NodesAtOnce) break;
                after = page[^1].Node;
            }
            for (string? after = null; ;)
            {
                IReadOnlyList<StateRow> page = await store.ListStateAsync(group, partition, StateCheck.Node, after, PageSize, cancellation).ConfigureAwait(false);
                foreach (StateRow row in page)
                    if (found.TryGetValue(row.Key, out NodeState? node) && row.Version >= node.Version) found[row.Key] = node with { Version = row.Version, Shape = StoredNode.Of(partition, row.Key, row).Shape };
                if (page.Count < PageSize) break;
                after = page[^1].Key;
            }
        }
        return [.. found.Values];
    }

    /// <summary>The rows of one node, by partition and key, as they are stored. Read page by page; what is committed meanwhile may be among them or not.</summary>
    /// <param name="store">Where the consecutor keeps its items.</param>
    /// <param name="consecutor">The consecutor's name.</param>
    /// <param name="node">The node's name.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>None if the store does not know the consecutor or the node.</returns>
    /// <exception cref="StreamStoreException">The store failed.</exception>
    public static async IAsyncEnumerable<StoredState> ListStateAsync(
        this IStreamStore store, string consecutor, string node, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentException.ThrowIfNullOrEmpty(node);
        var group = new GroupId(consecutor, consecutor);
        foreach (int partition in await PartitionsAsync(store, group, cancellation).ConfigureAwait(false))
            for (string? after = null; ;)
            {
                IReadOnlyList<StateRow> page = await store.ListStateAsync(group, partition, node, after, PageSize, cancellation).ConfigureAwait(false);
                foreach (StateRow row in page)
                    if (row.Value is { } value) yield return new(row.Key, row.Version, value) { Partition = partition };
                if (page.Count < PageSize) break;
                after = page[^1].Key;
            }
    }

    private static async Task<IEnumerable<int>> PartitionsAsync(IStreamStore store, GroupId group, CancellationToken cancellation)
    {
        if (await store.FindStreamAsync(group.Stream, cancellation).ConfigureAwait(false) is null) return [];
        GroupInfo? info = await store.FindGroupAsync(group, cancellation).ConfigureAwait(false);
        return info?.Partitions.Select(static partition => partition.Partition) ?? [];
    }
}

/// <summary>A node of a consecutor that has state in a store.</summary>
/// <param name="Node">Its name.</param>
/// <param name="Rows">How many rows, in all partitions; of a <see cref="StatefulStageNode{TIn, TOut, TState}"/> there is one for each key.</param>
/// <param name="Partitions">The partitions that have some.</param>
public sealed record NodeState(string Node, long Rows, IReadOnlyList<int> Partitions)
{
    /// <summary>What it remembers, for people: its kind, and the type of its state as the code calls it; null if that is not stored.</summary>
    public string? Shape { get; init; }

    /// <summary>The newest version of its form.</summary>
    public int Version { get; init; }
}
