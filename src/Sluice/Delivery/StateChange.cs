namespace Sluice;

/// <summary>A change to a node that has stored state or waiting items but is missing in the code; see
/// <see cref="ConsecutorOptions.State"/>. Immutable.</summary>
/// <remarks>
/// State belongs to its node by name. If a store has state of a node that the code lacks, the consecutor refuses to start and lists it:
/// declare then that the node was renamed or dropped. A declaration may stay as long as you like. If nothing is stored under the old name,
/// it changes nothing.
/// </remarks>
/// <example><code>
/// var options = new ConsecutorOptions { Store = store, State = [StateChange.Renamed("balance", "totals"), StateChange.Dropped("visits")]
/// };
/// </code></example>
public sealed record StateChange
{
    private StateChange(string node, string? to) => (Node, To) = (node, to);

    /// <summary>The old name of the node.</summary>
    public string Node { get; }

    /// <summary>The new name of the node; null if its state is dropped.</summary>
    public string? To { get; }

    /// <summary>Declares a node as renamed. In each partition, its state moves to the new name before the first item goes through. Items
    /// that wait for the old name go to the new node too, also if the node keeps no state.</summary>
    /// <param name="from">The old name; the code has no node of that name.</param>
    /// <param name="to">The new name: a node of the code, or another old name that is renamed in turn.</param>
    /// <exception cref="ArgumentException">A name is empty, or both are equal.</exception>
    public static StateChange Renamed(string from, string to)
    {
        ArgumentException.ThrowIfNullOrEmpty(from);
        ArgumentException.ThrowIfNullOrEmpty(to);
        if (from == to) throw new ArgumentException($"The node '{from}' cannot be renamed to itself.", nameof(to));
        return new(from, to);
    }

    /// <summary>Declares a node as removed and its state as unwanted. In each partition, the state is deleted before the first item goes
    /// through. This cannot be undone. Items that wait for the node become dead letters. Of a sink that commits, the store forgets the
    /// files; the files themselves stay.</summary>
    /// <param name="node">The old name; the code has no node of that name.</param>
    /// <exception cref="ArgumentException">The name is empty.</exception>
    public static StateChange Dropped(string node)
    {
        ArgumentException.ThrowIfNullOrEmpty(node);
        return new(node, null);
    }
}
