namespace Sluice.Delivery;

/// <summary>
/// Finds the items that need other code than this: a newer version, or a node that this code does not have. They wait in the store until
/// such code starts.
/// </summary>
/// <remarks>Immutable.</remarks>
internal sealed class CodeVersionGate(int present, NodeTable nodes)
{
    /// <param name="codeVersion">The version of the code that wrote the item.</param>
    /// <param name="node">The node at which the item enters; null or empty if it enters at the source.</param>
    /// <returns>Why the item has to wait, for people; null if it need not wait.</returns>
    public string? Why(int codeVersion, string? node)
    {
        if (codeVersion > present)
            return $"It was written by code version {codeVersion}, and this is {present}: it waits until code of that version starts.";
        if (string.IsNullOrEmpty(node) || nodes.Find(node) is not null || nodes.IsDropped(node)) return null;
        return $"This code has no node '{node}'. The item waits until a version that has one starts, or is renamed back.";
    }
}
