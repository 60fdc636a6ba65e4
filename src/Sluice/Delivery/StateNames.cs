using Sluice.Topologies;

namespace Sluice.Delivery;

/// <summary>Explains names of consecutors and nodes that a store does not have, with the similar names that it has.</summary>
internal static class StateNames
{
    private const int PageSize = 500;

    /// <summary>Explains why a store has no state of a consecutor.</summary>
    public static async Task<StreamStoreException> NoConsecutorAsync(IStreamStore store, string name, CancellationToken cancellation)
    {
        IReadOnlyList<string> streams = await store.ListStreamsAsync("", cancellation).ConfigureAwait(false);
        if (streams.Contains(name)) return Explain(name, $"The stream \"{name}\" belongs to no consecutor, so it has no state.");
        // A consecutor has a group of its own name on its stream; flows and producers do not.
        List<string> near = [];
        foreach (string one in NearNames.Of(name, streams))
            if (await store.FindGroupAsync(new(one, one), cancellation).ConfigureAwait(false) is not null) near.Add(one);
        return Explain(name, $"The store has no consecutor \"{name}\"." + (near.Count > 0 ? $" Near it: {string.Join(", ", near)}." : ""));
    }

    /// <summary>Checks that a consecutor has, or had, state of a node: its keys may have ended.</summary>
    /// <exception cref="StreamStoreException">It has none.</exception>
    public static async Task CheckAsync(IStreamStore store, GroupId group, string node, CancellationToken cancellation)
    {
        SortedSet<string> names = new(StringComparer.Ordinal);
        int partitions = (await store.FindGroupAsync(group, cancellation).ConfigureAwait(false))?.Partitions.Count ?? 0;
        for (int partition = 0; partition < partitions; partition++)
        {
            await AddNodesAsync(store, group, partition, names, cancellation).ConfigureAwait(false);
            await AddDeclaredAsync(store, group, partition, names, cancellation).ConfigureAwait(false);
        }
        if (names.Contains(node)) return;
        string known = NearNames.Explain("node", node, names);
        throw Explain(group.Stream, $"In the stored state of the consecutor {group.Name}, t{known[1..]}");
    }

    private static async Task AddNodesAsync(IStreamStore store, GroupId group, int partition, SortedSet<string> names,
        CancellationToken cancellation)
    {
        for (string? after = null; ;)
        {
            IReadOnlyList<StateNodeInfo> page = await store.ListStateNodesAsync(group, partition, after, PageSize, counted: false,
                cancellation).ConfigureAwait(false);
            names.UnionWith(page.Select(static one => one.Node).Where(static name => !name.StartsWith('$')));
            if (page.Count < PageSize) return;
            after = page[^1].Node;
        }
    }

    private static async Task AddDeclaredAsync(IStreamStore store, GroupId group, int partition, SortedSet<string> names,
        CancellationToken cancellation)
    {
        for (string? after = null; ;)
        {
            IReadOnlyList<StateRow> page = await store.ListStateAsync(group, partition, StateCheck.Node, after, PageSize, cancellation)
                .ConfigureAwait(false);
            names.UnionWith(page.Where(static row => row.Value is not null).Select(static row => row.Key));
            if (page.Count < PageSize) return;
            after = page[^1].Key;
        }
    }

    private static StreamStoreException Explain(string stream, string message) => new(message) { Stream = stream, IsPermanent = true };
}
