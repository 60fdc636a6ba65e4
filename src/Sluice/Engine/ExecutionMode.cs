namespace Sluice;

/// <summary>How a pipeline is executed. The same pipeline runs in each mode without a change.</summary>
public enum ExecutionMode
{
    /// <summary>Sources, boundaries and parallel stages run at the same time, on the thread pool. The default.</summary>
    MultiThread,

    /// <summary>
    /// One thing at a time, on the thread that starts the run: an item is completely processed, depth first, branches in
    /// the order written, or rests in an operator that holds items, before the next one enters. Parallel stages and
    /// buffers keep their meaning for the result, but nothing overlaps. Start returns when the run has ended, or when it
    /// has to wait for something outside; it then goes on elsewhere, still one thing at a time.
    /// </summary>
    SingleThread,
}
