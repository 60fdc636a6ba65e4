namespace Sluice;

/// <summary>Where the named outputs of a run lead that follows its items for somebody else (<see cref="ItemTracking"/>).</summary>
/// <remarks>Thread-safe.</remarks>
internal interface IFollowedOutputs
{
    /// <summary>Makes ready what goes to an output; waits for a place there, if that is asked for. It is nothing before it is staged, and nothing has to be done if it never is.</summary>
    /// <param name="node">Who puts it out.</param>
    /// <param name="name">The output.</param>
    /// <param name="item">What goes there.</param>
    /// <param name="root">The root item that it comes from.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    /// <returns>What is to be staged; null if nothing is, because nothing is committed with the root.</returns>
    ValueTask<IOutputItem?> PrepareAsync<T>(int node, string name, T item, Ticket? root, CancellationToken cancellation);
}

/// <summary>What goes to a named output when its root ends.</summary>
internal interface IOutputItem
{
    /// <summary>Hangs it on its root. Once.</summary>
    void Stage(Ticket root);

    /// <summary>It is not staged: the node that has put it out has failed.</summary>
    void Drop(Ticket root);
}
