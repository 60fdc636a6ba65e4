namespace Sluice;

/// <summary>
/// What is in effect while the code of a node works on an item, such as a scope of a logger (<see cref="RunOptions.BeginItem"/>). It ends
/// when the code has returned; code that goes on asynchronously keeps it in its execution context.
/// </summary>
/// <remarks>The calls come from one thread at a time. An exception of theirs fails the item.</remarks>
public abstract class ItemScope : IDisposable
{
    /// <summary>Called before an output of the node goes to the next node, within this node's call.</summary>
    public virtual void Suspend() { }

    /// <summary>Called when the next node has taken the output.</summary>
    public virtual void Continue() { }

    /// <summary>Called when the code of the node has returned, on the thread that called it, and perhaps before its task has
    /// ended.</summary>
    public abstract void Dispose();
}
