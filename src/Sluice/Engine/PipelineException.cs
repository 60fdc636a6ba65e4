namespace Sluice;

/// <summary>A run has failed: at which node, on which item, and why.</summary>
/// <remarks><see cref="Exception.InnerException"/> is what the user's code threw.</remarks>
public class PipelineException : SluiceException
{
    /// <summary>A failure of a node.</summary>
    /// <param name="node">The node's name.</param>
    /// <param name="item">The item it failed on, or null where it was not about one.</param>
    /// <param name="cause">What was thrown.</param>
    public PipelineException(string node, object? item, Exception cause) : this(node, item, cause, -1) { }

    internal PipelineException(string node, object? item, Exception cause, int index, bool isAboutItem = false)
        : base(Describe(node, item, cause, isAboutItem), cause) => (Node, Item, Index) = (node, item, index);

    /// <summary>The name of the node that failed.</summary>
    public string Node { get; }

    /// <summary>The item it failed on, as it entered the node; null where the failure was not about one item.</summary>
    public object? Item { get; }

    /// <summary>The number of the node in the topology.</summary>
    internal int Index { get; }

    /// <summary>Whether the root item knows of it: then it is about that item, and the run goes on with the others.</summary>
    internal bool IsKept { get; set; }

    private static string Describe(string node, object? item, Exception? cause, bool isAboutItem)
    {
        string what = cause is null ? "unknown failure" : FailureText.MessageOf(cause);
        return item is null && !isAboutItem ? $"'{node}' failed: {what}" : $"'{node}' failed on item {ItemText.Of(item)}: {what}";
    }
}

/// <summary>Unwinds what is under way in a run that has been cancelled or has failed elsewhere. Never surfaces.</summary>
internal sealed class RunStoppedException() : OperationCanceledException("The run has been stopped.");
