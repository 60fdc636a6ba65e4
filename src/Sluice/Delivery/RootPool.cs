namespace Sluice.Delivery;

/// <summary>Keeps roots for reuse, so that an item allocates none.</summary>
/// <remarks>Thread-safe: the stack is under its lock.</remarks>
internal sealed class RootPool(EndedRoots ended, ConsecutorTelemetry telemetry)
{
    private readonly Lock sync = new();
    private readonly Stack<Root> unused = new();

    /// <summary>Takes a root that is not in use, or makes one.</summary>
    public Root Rent()
    {
        lock (sync)
        {
            if (unused.TryPop(out Root? root)) return root;
        }
        return new(this, ended, telemetry);
    }

    /// <summary>Takes back a root that nothing refers to.</summary>
    public void Return(Root root)
    {
        lock (sync) unused.Push(root);
    }
}
