namespace Sluice;

/// <summary>Where the functions of processors are executed. A processor that this service has taken on is given to it, by name.</summary>
/// <remarks>Implementations are thread-safe. One that is <see cref="IAsyncDisposable"/> belongs to one supervisor, and is disposed with it, when no function is executed any more.</remarks>
public interface IExecutor
{
    /// <summary>Executes a processor's function, to its end.</summary>
    /// <param name="call">What is to be executed.</param>
    /// <param name="cancellation">It is to stop: the run was cancelled, or is handed over.</param>
    /// <returns>A task that ends when the function has. If it fails, the processor has failed; an <see cref="OperationCanceledException"/> after the cancellation has not, and
    /// an <see cref="ExecutionLostException"/> means that it is to be executed again.</returns>
    Task ExecuteAsync(ProcessorCall call, CancellationToken cancellation);
}

/// <summary>A processor's function that is to be executed for a run: here (<see cref="RunHereAsync"/>), or elsewhere (<c>OpenRemote</c>).</summary>
/// <remarks>Executed once: a second execution would read and write the same streams beside the first. Thread-safe.</remarks>
public sealed class ProcessorCall
{
    private readonly Func<CancellationToken, Task> here;
    private readonly TaskCompletionSource ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int hasBegun;

    internal ProcessorCall(Invocation invocation, Func<CancellationToken, Task> here) => (Invocation, this.here) = (invocation, here);

    /// <summary>The id of the run.</summary>
    public string Run => Invocation.Run;

    /// <summary>The processor's name: what to execute.</summary>
    public string Processor => Invocation.Plan.Name;

    /// <summary>Which start this is, from one.</summary>
    public int Start => Invocation.Start;

    /// <summary>Which attempt this is, from one, if the processor is tried again after failures.</summary>
    public int Attempt => Invocation.Attempt;

    /// <summary>What the function reads and puts out.</summary>
    internal Invocation Invocation { get; }

    /// <summary>Executes it in this process, from the calling thread on.</summary>
    /// <exception cref="InvalidOperationException">The call was executed before.</exception>
    public Task RunHereAsync(CancellationToken cancellation) => RunAsync(() => here(cancellation));

    /// <summary>Executes it, wherever that is.</summary>
    internal async Task RunAsync(Func<Task> execute)
    {
        if (Interlocked.Exchange(ref hasBegun, 1) != 0) throw new InvalidOperationException($"The call of the processor {Processor} of the run {Run} was executed before. A call is executed once; what is to be executed again is said by an ExecutionLostException.");
        try
        {
            await execute().ConfigureAwait(false);
            ended.TrySetResult();
        }
        catch (Exception e)
        {
            ended.TrySetException(e);
            _ = ended.Task.Exception;                // the executor passes it on, or the supervisor finds it
            throw;
        }
    }

    /// <summary>The executor has returned: it must have executed the call, to its end, and what has failed has failed.</summary>
    /// <exception cref="FlowException">It has not.</exception>
    internal async Task CheckAsync(IExecutor executor)
    {
        if (!ended.Task.IsCompleted)
            throw new FlowException($"The executor {TypeNames.Of(executor.GetType())} has returned {(hasBegun == 0 ? "without executing the function" : "before the function had ended")}: it must await RunHereAsync, or the ExecuteAsync of what OpenRemote returns.") { Run = Run };
        await ended.Task.ConfigureAwait(false);
    }
}
