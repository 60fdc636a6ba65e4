namespace Sluice;

/// <summary>What is to become of stored state whose node the code does not have any more: <see cref="ConsecutorOptions.State"/>.</summary>
/// <remarks>
/// State is found again by the name of its node. A consecutor that finds state of a node that it does not have refuses to start, and lists it. Then the node was renamed, or removed: say which.
/// It may be said for as long as you like; where nothing is stored under the old name, it changes nothing.
/// </remarks>
/// <example><code>
/// var options = new ConsecutorOptions { Store = store, State = [StateOptions.Renamed("balance", "totals"), StateOptions.Dropped("visits")] };
/// </code></example>
public static class StateOptions
{
    /// <summary>The node was renamed. Its state moves to the new name, in each partition before the first item of it goes through. Items that wait for the node under its old name go to it as well.</summary>
    /// <param name="from">The old name. The code has no node of that name.</param>
    /// <param name="to">The new name, of a node that keeps state; or an old name that is renamed as well.</param>
    /// <exception cref="ArgumentException">A name is empty, or both are equal.</exception>
    public static StateChange Renamed(string from, string to)
    {
        ArgumentException.ThrowIfNullOrEmpty(from);
        ArgumentException.ThrowIfNullOrEmpty(to);
        if (from == to) throw new ArgumentException($"The node '{from}' cannot be renamed to itself.", nameof(to));
        return new(from, to);
    }

    /// <summary>The node was removed, and its state is not wanted any more. It is deleted, in each partition before the first item of it goes through. That cannot be undone.</summary>
    /// <param name="node">The name. The code has no node of that name.</param>
    /// <exception cref="ArgumentException">The name is empty.</exception>
    public static StateChange Dropped(string node)
    {
        ArgumentException.ThrowIfNullOrEmpty(node);
        return new(node, null);
    }
}

/// <summary>What is to become of the state of one node: made by <see cref="StateOptions"/>. Immutable.</summary>
public sealed record StateChange
{
    internal StateChange(string node, string? to) => (Node, To) = (node, to);

    /// <summary>The name that the node had.</summary>
    public string Node { get; }

    /// <summary>The name that it has now; null if its state is dropped.</summary>
    public string? To { get; }
}
