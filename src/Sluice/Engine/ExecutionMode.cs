namespace Sluice;

/// <summary>The execution mode of a pipeline. Every pipeline runs in every mode without a change.</summary>
public enum ExecutionMode
{
    /// <summary>Sources, boundaries and parallel stages run at the same time, on the thread pool. The default.</summary>
    MultiThread,

    /// <summary>
    /// One item at a time, depth first, branches in the order written. Work starts on the thread that starts the run.
    /// </summary>
    /// <remarks>
    /// The next item enters when the item before it has ended or rests in an operator that holds items. Parallel stages and buffers
    /// keep their meaning for the result, but nothing overlaps. Start returns when the run has ended or has to wait for something
    /// outside; the run then continues on other threads, still one item at a time. A function that blocks on its own asynchronous code
    /// hangs: the continuation waits for the thread that the function blocks.
    /// </remarks>
    SingleThread,
}
