namespace Sluice.Delivery;

/// <summary>
/// Finds the items that need other code than this: a newer version, a node that this code does not have, or a listener of batches. They
/// wait in the store until such code starts.
/// </summary>
/// <remarks>Immutable.</remarks>
internal sealed class CodeVersionGate(int present, NodeTable nodes, bool hasListener)
{
    /// <returns>Why a waiting entry has to wait, for people; null if it need not.</returns>
    public string? Why(WaitingEntry waiting)
    {
        EntryHeaders headers = waiting.Entry.Headers.IsEmpty ? default : EntryHeaders.Read(waiting.Entry.Headers.Span);
        return Why(waiting.Entry.CodeVersion, waiting.Node, headers.Namesakes) ?? Why(headers.EndOf);
    }

    /// <param name="ended">The batch whose end the entry marks; null if the entry is an item.</param>
    /// <returns>Why the end has to wait, for people; null if it need not wait.</returns>
    public string? Why(BatchTag? ended) => ended is null || hasListener ? null
        : $"It is the end of the batch '{ended.Name}', and this code has no OnBatchCompleted: it waits until code starts that has one. If "
            + "it was removed for good, set one that does nothing until the open batches have ended.";

    /// <param name="codeVersion">The version of the code that wrote the item.</param>
    /// <param name="node">The node at which the item enters; null or empty if it enters at the source.</param>
    /// <param name="namesakes">The number of nodes that had the node's default name, but for its number, when the item was stored; null if
    /// the user named the node, or if it is not known.</param>
    /// <returns>Why the item has to wait, for people; null if it need not wait.</returns>
    public string? Why(int codeVersion, string? node, int? namesakes = null)
    {
        if (codeVersion > present)
            return $"It was written by code version {codeVersion}, and this is {present}: it waits until code of that version starts.";
        if (string.IsNullOrEmpty(node) || nodes.IsDropped(node)) return null;
        if (nodes.Find(node) is { } number)
            return namesakes is null || nodes.NamesakesOf(number) is not { } now || now == namesakes ? null
                : $"It is for '{node}', which is the default name of a stage. The code had {namesakes} such stages when the item was "
                + $"stored, and has {now} now, so it is not known which one is meant. The item waits until you name its stage: "
                + $"Stage.Named(\"{node}\").";
        return $"This code has no node '{node}'. The item waits until a version that has one starts. If the node has another name now, say "
            + $"so: ConsecutorOptions.State = [StateChange.Renamed(\"{node}\", \"…\")]. If it was removed, StateChange.Dropped(\"{node}\") "
            + "makes the item a dead letter.";
    }
}
