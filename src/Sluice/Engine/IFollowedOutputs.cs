namespace Sluice.Engine;

/// <summary>The named outputs of a tracked run (<see cref="ItemTracking"/>): its outputs are committed with their root items.</summary>
internal interface IFollowedOutputs
{
    /// <summary>
    /// Prepares an item for a named output; a blocking output waits here for room. Without a call of <c>Stage</c> it has no effect and
    /// needs no clean-up.
    /// </summary>
    /// <param name="node">The node that puts the item out.</param>
    /// <param name="name">The name of the output.</param>
    /// <param name="item">The item.</param>
    /// <param name="root">The root item that it comes from.</param>
    /// <param name="cancellation">Ends the wait for room.</param>
    /// <returns>The output item to stage; null if nothing is committed with the root.</returns>
    ValueTask<IOutputItem?> PrepareAsync<T>(int node, string name, T item, Ticket? root, CancellationToken cancellation);
}

/// <summary>An item for a named output, put out when its root ends.</summary>
internal interface IOutputItem
{
    /// <summary>Attaches the item to its root. At most once.</summary>
    void Stage(Ticket root);

    /// <summary>Discards the item instead of staging it: its node has failed.</summary>
    void Drop(Ticket root);
}
