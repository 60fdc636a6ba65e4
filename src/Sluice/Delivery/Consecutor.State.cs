using System.Runtime.CompilerServices;
using Sluice.Diagnostics;
using Sluice.Topologies;

namespace Sluice;

// Reads the committed state of nodes from the store, whether the consecutor runs or not.
public sealed partial class Consecutor<T>
{
    /// <summary>Lists the committed state of a node, by partition and key, as stored. Use it to inspect, export or move state.</summary>
    /// <remarks>Reads page by page; a concurrent commit may or may not be visible. A <see cref="StatefulStageNode{TIn, TOut, TState}"/> has
    /// one row for each key; an operator defines its own rows.</remarks>
    /// <param name="node">The node's name.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="ArgumentException">The pipeline has no node of that name.</exception>
    /// <exception cref="StreamStoreException">The store failed.</exception>
    public async IAsyncEnumerable<StoredState> ListStateAsync(string node,
        [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        Check(node);
        await core.OpenAsync(cancellation).ConfigureAwait(false);
        int partitions = (await core.Store.FindStreamAsync(Name, cancellation).ConfigureAwait(false))!.Options.Partitions;
        for (int partition = 0; partition < partitions; partition++)
        {
            for (string? after = null; ;)
            {
                IReadOnlyList<StateRow> page = await core.Store.ListStateAsync(core.Group, partition, node, after, PageSize, cancellation)
                    .ConfigureAwait(false);
                foreach (StateRow row in page)
                    if (row.Value is { } value) yield return new(row.Key, row.Version, value) { Partition = partition };
                if (page.Count < PageSize) break;
                after = page[^1].Key;
            }
        }
    }

    /// <summary>Lists the committed states of a <see cref="StatefulStageNode{TIn, TOut, TState}"/>, by key.</summary>
    /// <inheritdoc cref="ListStateAsync(string, CancellationToken)"/>
    /// <typeparam name="TState">The type of the state. A state that was stored in another version is read as this type, without
    /// <c>Migrate</c>.</typeparam>
    /// <param name="node">The node's name.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="PayloadException">A stored state cannot be read as that type.</exception>
    public async IAsyncEnumerable<KeyValuePair<string, TState>> ListStateAsync<TState>(string node,
        [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        IPayloadSerializer<TState> serializer = core.StateSerializers.For<TState>();
        await foreach (StoredState stored in ListStateAsync(node, cancellation).ConfigureAwait(false))
            yield return new(stored.Key, Read(serializer, node, stored));
    }

    private static TState Read<TState>(IPayloadSerializer<TState> serializer, string node, StoredState stored)
    {
        try
        {
            return serializer.Deserialize(stored.Payload.Span);
        }
        catch (Exception e)
        {
            throw new PayloadException(
                $"The state of {node} for the key '{stored.Key}' in partition {stored.Partition} (version {stored.Version}) is "
                    + $"no {TypeNames.Of(typeof(TState))}: {FailureText.MessageOf(e)}", e);
        }
    }

    private void Check(string node)
    {
        ArgumentException.ThrowIfNullOrEmpty(node);
        if (core.Nodes.Find(node) is null)
            throw new ArgumentException(
                $"The consecutor {Name} has no node '{node}'. It has {string.Join(", ", Topology.Nodes.Select(one => one.Name))}.",
                    nameof(node));
    }
}
