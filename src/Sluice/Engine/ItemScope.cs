namespace Sluice;

/// <summary>
/// A scope around the code of a node while it works on one item, such as a scope of a logger. <see cref="RunOptions.BeginItem"/> begins
/// it.
/// </summary>
/// <remarks>
/// The scope ends when the code has returned. Code that continues asynchronously keeps the <see cref="AsyncLocal{T}"/> values that the
/// scope has set: for outputs of such code, <see cref="Suspend"/> and <see cref="Continue"/> are called after <see cref="Dispose"/>, on any
/// thread, and the first of them perhaps while <see cref="Dispose"/> runs. They may hide and show those values then, and must begin nothing
/// that has to be disposed. If <see cref="Suspend"/> throws within the call of the node, the item fails. If it throws later, or if
/// <see cref="Continue"/> or <see cref="Dispose"/> throws, the item goes on, and a warning says so once for each node.
/// </remarks>
public abstract class ItemScope : IDisposable
{
    /// <summary>Called before an output of the node goes to the next node: within the call of the node, or after <see cref="Dispose"/>
    /// where its code continues asynchronously.</summary>
    public virtual void Suspend() { }

    /// <summary>Called when the next node has taken the output, perhaps after <see cref="Dispose"/>.</summary>
    public virtual void Continue() { }

    /// <summary>Called when the code of the node has returned, on the thread that called it, and perhaps before its task has
    /// ended.</summary>
    public abstract void Dispose();
}
