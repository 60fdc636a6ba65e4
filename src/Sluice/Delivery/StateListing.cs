using System.Runtime.CompilerServices;
using Sluice.Delivery;
using Sluice.Storage;

namespace Sluice.Diagnostics;

/// <summary>Lists the state that a store holds for a consecutor, without the consecutor's code: for operators, tools and exports.</summary>
public static class StateListing
{
    private const int PageSize = 1000;
    private const int NodesAtOnce = 500;

    /// <summary>Lists the nodes of a consecutor that have state, by name, with their numbers of rows.</summary>
    /// <remarks>The store counts the rows, which takes longer the more there are. A concurrent commit may or may not be counted.</remarks>
    /// <param name="store">Where the consecutor keeps its items.</param>
    /// <param name="consecutor">The consecutor's name.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>The nodes; empty if the store does not know the consecutor.</returns>
    /// <exception cref="StreamStoreException">The store failed.</exception>
    public static async Task<IReadOnlyList<NodeState>> ListStateAsync(this IStreamStore store, string consecutor,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(store);
        var group = new GroupId(consecutor, consecutor);
        SortedDictionary<string, NodeState> found = new(StringComparer.Ordinal);
        foreach (int partition in await PartitionsAsync(store, group, cancellation).ConfigureAwait(false))
        {
            for (string? after = null; ;)
            {
                IReadOnlyList<StateNodeInfo> page = await store.ListStateNodesAsync(group, partition, after, NodesAtOnce, counted: true,
                    cancellation).ConfigureAwait(false);
                foreach (StateNodeInfo node in page)
                {
                    if (node.Node.StartsWith('$')) continue;
                    NodeState before = found.GetValueOrDefault(node.Node) ?? new(node.Node, 0, []);
                    found[node.Node] = before with
                    {
                        Rows = before.Rows + (node.Rows ?? 0),
                        Partitions = [.. before.Partitions, partition]
                    };
                }
                if (page.Count < NodesAtOnce) break;
                after = page[^1].Node;
            }
            for (string? after = null; ;)
            {
                IReadOnlyList<StateRow> page = await store.ListStateAsync(group, partition, StateCheck.Node, after, PageSize, cancellation)
                    .ConfigureAwait(false);
                foreach (StateRow row in page)
                    if (found.TryGetValue(row.Key, out NodeState? node) && row.Version >= node.Version)
                        found[row.Key] = node with { Version = row.Version, Shape = StoredNode.Of(partition, row.Key, row).Shape };
                if (page.Count < PageSize) break;
                after = page[^1].Key;
            }
        }
        return [.. found.Values];
    }

    /// <summary>Lists the rows of one node, by partition and key, as stored. Reads page by page; a concurrent commit may or may not be
    /// visible.</summary>
    /// <param name="store">Where the consecutor keeps its items.</param>
    /// <param name="consecutor">The consecutor's name.</param>
    /// <param name="node">The node's name.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>The rows; none if the store does not know the consecutor or the node.</returns>
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
                IReadOnlyList<StateRow> page = await store.ListStateAsync(group, partition, node, after, PageSize, cancellation)
                    .ConfigureAwait(false);
                foreach (StateRow row in page)
                    if (row.Value is { } value) yield return new(row.Key, row.Version, value) { Partition = partition };
                if (page.Count < PageSize) break;
                after = page[^1].Key;
            }
    }

    internal static async Task<IEnumerable<int>> PartitionsAsync(IStreamStore store, GroupId group, CancellationToken cancellation)
    {
        if (await store.FindStreamAsync(group.Stream, cancellation).ConfigureAwait(false) is null) return [];
        GroupInfo? info = await store.FindGroupAsync(group, cancellation).ConfigureAwait(false);
        return info?.Partitions.Select(static partition => partition.Partition) ?? [];
    }
}

/// <summary>A node of a consecutor that has state in a store.</summary>
/// <param name="Node">The name of the node.</param>
/// <param name="Rows">The number of rows in all partitions; a <see cref="StatefulStageNode{TIn, TOut, TState}"/> has one for each
/// key.</param>
/// <param name="Partitions">The partitions in which the node has rows.</param>
public sealed record NodeState(string Node, long Rows, IReadOnlyList<int> Partitions)
{
    /// <summary>The kind of the state and its type as the code names it, as a text for people; null if not stored.</summary>
    public string? Shape { get; init; }

    /// <summary>Whether the state is windows (<see cref="WindowListing"/>).</summary>
    public bool HasWindows => Shape is { } shape && StateShape.KindOf(shape) is "window" or "event-time window";

    /// <summary>The newest stored version of the state.</summary>
    public int Version { get; init; }
}
