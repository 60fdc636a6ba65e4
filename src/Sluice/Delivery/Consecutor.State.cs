using System.Runtime.CompilerServices;

namespace Sluice;

// What its nodes remember, read from the store: what is committed, whether the consecutor runs or not.
public sealed partial class Consecutor<T>
{
    /// <summary>What a node remembers, by partition and key, as it is stored: to look at it, to export it, or to move it elsewhere.</summary>
    /// <remarks>Read page by page; what is committed meanwhile may be in it or not. Of a <see cref="StatefulStageNode{TIn, TOut, TState}"/> there is a row for each key; of an operator there are rows of its own making.</remarks>
    /// <param name="node">The node's name.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="ArgumentException">The pipeline has no node of that name.</exception>
    /// <exception cref="StreamStoreException">The store failed.</exception>
    public async IAsyncEnumerable<StoredState> ListStateAsync(string node, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        Check(node);
        await core.OpenAsync(cancellation).ConfigureAwait(false);
        int partitions = (await core.Store.FindStreamAsync(Name, cancellation).ConfigureAwait(false))!.Options.Partitions;
        for (int partition = 0; partition < partitions; partition++)
        {
            for (string? after = null; ;)
            {
                IReadOnlyList<StateRow> page = await core.Store.ListStateAsync(core.Group, partition, node, after, PageSize, cancellation).ConfigureAwait(false);
                foreach (StateRow row in page)
                    if (row.Value is { } value) yield return new(row.Key, row.Version, value) { Partition = partition };
                if (page.Count < PageSize) break;
                after = page[^1].Key;
            }
        }
    }

    /// <summary>The states of a <see cref="StatefulStageNode{TIn, TOut, TState}"/>, by key, as they were committed last.</summary>
    /// <inheritdoc cref="ListStateAsync(string, CancellationToken)"/>
    /// <typeparam name="TState">The type of the state. One that was stored in another version is read as this one, without <c>Migrate</c>.</typeparam>
    /// <param name="node">The node's name.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="PayloadException">A state is none of that type.</exception>
    public async IAsyncEnumerable<KeyValuePair<string, TState>> ListStateAsync<TState>(string node, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        IPayloadSerializer<TState> serializer = core.StateSerializers.For<TState>();
        await foreach (StoredState stored in ListStateAsync(node, cancellation).ConfigureAwait(false)) yield return new(stored.Key, Read(serializer, node, stored));
    }

    private static TState Read<TState>(IPayloadSerializer<TState> serializer, string node, StoredState stored)
    {
        try
        {
            return serializer.Deserialize(stored.Payload.Span);
        }
        catch (Exception e)
        {
            throw new PayloadException($"The state of {node} for the key '{stored.Key}' in partition {stored.Partition} (version {stored.Version}) is no {typeof(TState).Name}: {e.Message}", e);
        }
    }

    private void Check(string node)
    {
        ArgumentException.ThrowIfNullOrEmpty(node);
        if (core.Nodes.Find(node) is null)
            throw new ArgumentException($"The consecutor {Name} has no node '{node}'. It has {string.Join(", ", Topology.Nodes.Select(one => one.Name))}.", nameof(node));
    }
}
