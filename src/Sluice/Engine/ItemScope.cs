namespace Sluice;

/// <summary>
/// A scope around the code of a node while it works on one item, such as a scope of a logger. <see cref="RunOptions.BeginItem"/> begins
/// it.
/// </summary>
/// <remarks>
/// The scope ends when the code has returned. Code that continues asynchronously keeps the <see cref="AsyncLocal{T}"/> values that the
/// scope has set. The methods are called by one thread at a time. If <see cref="Suspend"/> throws, the item fails. If
/// <see cref="Continue"/> or <see cref="Dispose"/> throws, the item may have ended already: it goes on, and a warning says
/// so once for each node.
/// </remarks>
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
