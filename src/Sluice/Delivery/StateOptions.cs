namespace Sluice;

/// <summary>Declares changes to nodes that have stored state but are missing in the code; see
/// <see cref="ConsecutorOptions.State"/>.</summary>
/// <remarks>
/// State belongs to its node by name. If a store has state of a node that the code lacks, the consecutor refuses to start and lists it:
/// declare then that the node was renamed or dropped. A declaration may stay as long as you like. If nothing is stored under the old name,
/// it changes nothing.
/// </remarks>
/// <example><code>
/// var options = new ConsecutorOptions { Store = store, State = [StateOptions.Renamed("balance", "totals"), StateOptions.Dropped("visits")]
/// };
/// </code></example>
public static class StateOptions
{
    /// <summary>Declares a node as renamed. In each partition, its state moves to the new name before the first item goes through. Items
    /// that wait for the old name go to the new node too.</summary>
    /// <param name="from">The old name; the code has no node of that name.</param>
    /// <param name="to">The new name: a node that keeps state, or another old name that is renamed in turn.</param>
    /// <exception cref="ArgumentException">A name is empty, or both are equal.</exception>
    public static StateChange Renamed(string from, string to)
    {
        ArgumentException.ThrowIfNullOrEmpty(from);
        ArgumentException.ThrowIfNullOrEmpty(to);
        if (from == to) throw new ArgumentException($"The node '{from}' cannot be renamed to itself.", nameof(to));
        return new(from, to);
    }

    /// <summary>Declares a node as removed and its state as unwanted. In each partition, the state is deleted before the first item goes
    /// through. This cannot be undone.</summary>
    /// <param name="node">The old name; the code has no node of that name.</param>
    /// <exception cref="ArgumentException">The name is empty.</exception>
    public static StateChange Dropped(string node)
    {
        ArgumentException.ThrowIfNullOrEmpty(node);
        return new(node, null);
    }
}

/// <summary>A declared change to the state of one node, made by <see cref="StateOptions"/>. Immutable.</summary>
public sealed record StateChange
{
    internal StateChange(string node, string? to) => (Node, To) = (node, to);

    /// <summary>The old name of the node.</summary>
    public string Node { get; }

    /// <summary>The new name of the node; null if its state is dropped.</summary>
    public string? To { get; }
}
