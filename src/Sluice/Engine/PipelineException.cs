namespace Sluice;

/// <summary>The failure of a run: the node, the item, and the exception that user code threw.</summary>
/// <remarks>The user's exception is the <see cref="Exception.InnerException"/>.</remarks>
public class PipelineException : SluiceException
{
    /// <summary>Creates the failure of a node.</summary>
    /// <param name="node">The node's name.</param>
    /// <param name="item">The item that the node failed on; null if the failure is not about one item.</param>
    /// <param name="cause">The exception that was thrown.</param>
    public PipelineException(string node, object? item, Exception cause) : this(node, item, cause, -1) { }

    internal PipelineException(string node, object? item, Exception cause, int index, bool isAboutItem = false)
        : base(Describe(node, item, cause, isAboutItem), cause) => (Node, Item, Index) = (node, item, index);

    /// <summary>The name of the node that failed.</summary>
    public string Node { get; }

    /// <summary>The item that the node failed on, as it entered the node; null if the failure is not about one item.</summary>
    public object? Item { get; }

    /// <summary>The number of the node in the topology.</summary>
    internal int Index { get; }

    /// <summary>Whether the root item has recorded the failure: it is then about that item only, and the run continues.</summary>
    internal bool IsKept { get; set; }

    /// <summary>Whether the run fails, whatever the policy of the node: more items are concerned than the node can name.</summary>
    internal bool EndsRun { get; init; }

    private static string Describe(string node, object? item, Exception? cause, bool isAboutItem)
    {
        string what = cause is null ? "unknown failure" : FailureText.MessageOf(cause);
        return item is null && !isAboutItem ? $"'{node}' failed: {what}" : $"'{node}' failed on item {ItemText.Of(item)}: {what}";
    }
}

/// <summary>Unwinds the work of a run that was cancelled or has failed elsewhere. Never surfaces.</summary>
internal sealed class RunStoppedException() : OperationCanceledException("The run has been stopped.");
