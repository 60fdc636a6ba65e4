using System.Runtime.CompilerServices;
using Sluice.Delivery;

namespace Sluice.Diagnostics;

/// <summary>Lists the state that a store holds for a consecutor, without the consecutor's code: for operators, tools and exports.</summary>
public static partial class StateListing
{
    private const int PageSize = 1000;
    private const int NodesAtOnce = 500;

    /// <summary>Lists the nodes of a consecutor that have state, by name, with their numbers of rows.</summary>
    /// <remarks>The store counts the rows, which takes longer the more there are. A concurrent commit may or may not be counted.</remarks>
    /// <param name="store">Where the consecutor keeps its items.</param>
    /// <param name="consecutor">The consecutor's name.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="StreamStoreException">The store failed, or has no such consecutor; the message lists similar names.</exception>
    public static async Task<IReadOnlyList<NodeState>> ListStateAsync(this IStreamStore store, string consecutor,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(store);
        var group = new GroupId(consecutor, consecutor);
        SortedDictionary<string, NodeState> found = new(StringComparer.Ordinal);
        foreach (int partition in await PartitionsAsync(store, group, cancellation).ConfigureAwait(false))
        {
            await foreach (StateNodeInfo node in NodesAsync(store, group, partition, cancellation).ConfigureAwait(false))
            {
                NodeState before = found.GetValueOrDefault(node.Node) ?? new(node.Node, 0, []);
                found[node.Node] = before with
                {
                    Rows = before.Rows + (node.Rows ?? 0),
                    Partitions = [.. before.Partitions, partition]
                };
            }
            await foreach (StateRow row in RowsAsync(store, group, partition, StateCheck.Node, PageSize, cancellation)
                .ConfigureAwait(false))
                if (found.TryGetValue(row.Key, out NodeState? node) && row.Version >= node.Version)
                    found[row.Key] = node with { Version = row.Version, Shape = StoredNode.Of(partition, row.Key, row).Shape };
        }
        return [.. found.Values];
    }

    /// <summary>Lists the rows of one node, by partition and key, as stored. Reads page by page; a concurrent commit may or may not be
    /// visible.</summary>
    /// <param name="store">Where the consecutor keeps its items.</param>
    /// <param name="consecutor">The consecutor's name.</param>
    /// <param name="node">The node's name.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>The rows; none if all keys of the node have ended.</returns>
    /// <exception cref="StreamStoreException">The store failed, or has no such consecutor or no state of such a node; the message lists
    /// similar names.</exception>
    public static async IAsyncEnumerable<StoredState> ListStateAsync(
        this IStreamStore store, string consecutor, string node, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentException.ThrowIfNullOrEmpty(node);
        var group = new GroupId(consecutor, consecutor);
        bool isKnown = false;
        foreach (int partition in await PartitionsAsync(store, group, cancellation).ConfigureAwait(false))
            await foreach (StateRow row in RowsAsync(store, group, partition, node, PageSize, cancellation).ConfigureAwait(false))
            {
                isKnown = true;
                yield return new(row.Key, row.Version, row.Value!.Value) { Partition = partition };
            }
        if (!isKnown) await StateNames.CheckAsync(store, group, node, cancellation).ConfigureAwait(false);
    }

    private static async Task<IReadOnlyList<int>> PartitionsAsync(IStreamStore store, GroupId group, CancellationToken cancellation)
        => await store.FindStreamAsync(group.Stream, cancellation).ConfigureAwait(false) is not null
            && await store.FindGroupAsync(group, cancellation).ConfigureAwait(false) is { } info
            ? [.. info.Partitions.Select(static partition => partition.Partition)]
            : throw await StateNames.NoConsecutorAsync(store, group.Name, cancellation).ConfigureAwait(false);

    private static async IAsyncEnumerable<StateRow> RowsAsync(IStreamStore store, GroupId group, int partition, string node, int pageSize,
        [EnumeratorCancellation] CancellationToken cancellation)
    {
        for (string? after = null; ;)
        {
            IReadOnlyList<StateRow> page = await store.ListStateAsync(group, partition, node, after, pageSize, cancellation)
                .ConfigureAwait(false);
            foreach (StateRow row in page)
                if (row.Value is not null) yield return row;
            if (page.Count < pageSize) yield break;
            after = page[^1].Key;
        }
    }

    private static async IAsyncEnumerable<StateNodeInfo> NodesAsync(IStreamStore store, GroupId group, int partition,
        [EnumeratorCancellation] CancellationToken cancellation)
    {
        for (string? after = null; ;)
        {
            IReadOnlyList<StateNodeInfo> page = await store.ListStateNodesAsync(group, partition, after, NodesAtOnce, counted: true,
                cancellation).ConfigureAwait(false);
            foreach (StateNodeInfo node in page)
                if (!node.Node.StartsWith('$')) yield return node;
            if (page.Count < NodesAtOnce) yield break;
            after = page[^1].Node;
        }
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

    /// <summary>Whether the state is windows (<see cref="StateListing.ListWindowsAsync"/>).</summary>
    public bool HasWindows => Shape is { } shape && StateShape.KindOf(shape).EndsWith("window", StringComparison.Ordinal);

    /// <summary>The newest stored version of the state.</summary>
    public int Version { get; init; }
}
