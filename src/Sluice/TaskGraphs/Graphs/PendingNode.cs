namespace Sluice;

/// <summary>A node that did not end at once: goes on with its resolve when it has. Used again and again, so that waiting allocates nothing.</summary>
/// <remarks>Belongs to whoever awaits, until it goes back to the thread that it went on with. A thread keeps some.</remarks>
internal sealed class PendingNode<T>
{
    private const int MostKept = 256;

    [ThreadStatic]
    private static PendingNode<T>? kept;             // the first of those that are not in use
    [ThreadStatic]
    private static int count;

    private readonly Action goOn;
    private Resolution resolution = null!;
    private NodeSlot<T> slot = null!;
    private int number;
    private ValueTask<T> pending;
    private PendingNode<T>? next;

    private PendingNode() => goOn = GoOn;

    /// <summary>Others may go on with the resolve before this returns.</summary>
    public static void Await(Resolution resolution, NodeSlot<T> slot, int number, ValueTask<T> pending)
    {
        PendingNode<T> node = Rent();
        (node.resolution, node.slot, node.number, node.pending) = (resolution, slot, number, pending);
        resolution.Suspend(number);
        pending.ConfigureAwait(false).GetAwaiter().UnsafeOnCompleted(node.goOn);
    }

    private static PendingNode<T> Rent()
    {
        if (kept is not { } node) return new();
        (kept, node.next) = (node.next, null);
        count--;
        return node;
    }

    private void GoOn()
    {
        // In the context in which the resolve was asked for; the one here is that of whoever has ended the node's work.
        if (resolution.Flow is { } flow) ExecutionContext.Run(flow, static node => ((PendingNode<T>)node!).Finish(), this);
        else Finish();
    }

    private void Finish()
    {
        (Resolution resolution, int number) = (this.resolution, this.number);
        try
        {
            slot.Succeed(resolution, pending.GetAwaiter().GetResult());
        }
        catch (Exception e)
        {
            slot.Fail(resolution, e);
        }
        Return();
        resolution.GoOn(number);
    }

    private void Return()
    {
        (resolution, slot, pending) = (null!, null!, default);
        if (count == MostKept) return;
        (next, kept) = (kept, this);
        count++;
    }
}
