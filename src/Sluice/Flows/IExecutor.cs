namespace Sluice.Flows;

/// <summary>Executes the functions of the processors that a supervisor hosts, in this process or elsewhere.</summary>
/// <remarks>
/// Implementations are thread-safe. An executor is for all processors of a service (<see cref="SupervisorOptions.Executor"/>) or for some
/// (<see cref="Supervisor.Register(Processor, IExecutor)"/>). One that is <see cref="IAsyncDisposable"/> belongs to one supervisor, which
/// disposes it once no function runs.
/// </remarks>
public interface IExecutor
{
    /// <summary>Executes the function of one processor to its end.</summary>
    /// <param name="call">The function to execute.</param>
    /// <param name="cancellation">Tells the function to stop: the run was cancelled, the processor is handed over, or the function has
    /// worked for longer than <see cref="Processor.Timeout"/>.</param>
    /// <returns>
    /// A task that ends when the function has ended. If it ends before, the function is told to stop, and the processor fails without
    /// another attempt (<see cref="Processor.Retry"/>), unless its <see cref="RemoteCall"/> was disposed: then the call is lost. An
    /// exception fails the processor, except an <see cref="OperationCanceledException"/> after the cancellation, and an
    /// <see cref="ExecutionLostException"/>, after which the supervisor starts the function again. After
    /// <see cref="Processor.Timeout"/>, the processor fails whatever the task says.
    /// </returns>
    Task ExecuteAsync(ProcessorCall call, CancellationToken cancellation);
}

/// <summary>
/// One execution of a processor's function for a run: in this process by <see cref="RunHereAsync"/>, or elsewhere by <c>OpenRemote</c>.
/// </summary>
/// <remarks>Thread-safe. Execute it once only: a second execution would read and write the same streams concurrently.</remarks>
public sealed class ProcessorCall
{
    private readonly Func<CancellationToken, Task> here;
    private readonly TaskCompletionSource ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int hasBegun;
    private volatile bool isLetGo;

    internal ProcessorCall(Invocation invocation, Func<CancellationToken, Task> here) => (Invocation, this.here) = (invocation, here);

    /// <summary>The id of the run.</summary>
    public string Run => Invocation.Run;

    /// <summary>The name of the processor to execute.</summary>
    public string Processor => Invocation.Plan.Name;

    /// <summary>The number of this start, from 1.</summary>
    public int Start => Invocation.Start;

    /// <summary>The number of this attempt, from 1; it grows when a failed processor is retried.</summary>
    public int Attempt => Invocation.Attempt;

    /// <summary>The streams and state that the function uses.</summary>
    internal Invocation Invocation { get; }

    /// <summary>Executes the function in this process, starting on the calling thread.</summary>
    /// <exception cref="InvalidOperationException">The call was already executed.</exception>
    public Task RunHereAsync(CancellationToken cancellation) => RunAsync(() => here(cancellation));

    /// <summary>Awaits the place where the call is to be executed, such as a free worker.</summary>
    /// <remarks>
    /// Await it before <see cref="RunHereAsync"/> or <c>OpenRemote</c>. The wait is no work: it counts neither for
    /// <see cref="Processor.Timeout"/> nor for <see cref="SupervisorOptions.MaxConcurrency"/>, and a service that dies meanwhile has not
    /// started the processor (<see cref="SupervisorOptions.MaxStarts"/>). A <paramref name="find"/> that fails has.
    /// </remarks>
    /// <param name="find">Finds the place; its task ends soon after the cancellation of the execution.</param>
    /// <exception cref="OperationCanceledException">The processor was stopped. The place may be found nevertheless.</exception>
    public async Task WaitForPlaceAsync(Func<Task> find)
    {
        ArgumentNullException.ThrowIfNull(find);
        Task? finding = null;
        try
        {
            await Invocation.WaitForPlaceAsync(() => finding = find() ?? throw new FlowException(
                $"The function that was given to WaitForPlaceAsync for the processor {Processor} returned null instead of a task.")
            { Run = Run }).ConfigureAwait(false);
        }
        finally
        {
            if (finding is not null) await finding.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Executes the function by a delegate, once, and records how it ended.</summary>
    internal async Task RunAsync(Func<Task> execute)
    {
        if (Interlocked.Exchange(ref hasBegun, 1) != 0)
            throw new InvalidOperationException(
                $"The call of the processor {Processor} of the run {Run} was executed before. A call is executed once; what is to be "
                    + $"executed again is said by an ExecutionLostException.");
        try
        {
            await execute().ConfigureAwait(false);
            ended.TrySetResult();
        }
        catch (Exception e)
        {
            ended.TrySetException(e);
            _ = ended.Task.Exception;                // mark it as observed: the executor or CheckAsync reports it
            throw;
        }
    }

    /// <summary>Notes that the executor has disposed the <see cref="RemoteCall"/> that executes this call: the call ends soon.</summary>
    internal void LetGo() => isLetGo = true;

    /// <summary>Whether the function has begun, and neither has ended nor was let go of.</summary>
    internal bool IsRunning => Volatile.Read(ref hasBegun) != 0 && !isLetGo && !ended.Task.IsCompleted;

    /// <summary>Checks, once the executor has returned, that it has executed the call to its end. Throws the function's failure.</summary>
    /// <param name="executor">The executor.</param>
    /// <param name="isLeft">Whether the function was still running then: it may have ended since, because it was told to stop.</param>
    /// <exception cref="FlowException">The executor has returned without executing the call, or before its end.</exception>
    internal async Task CheckAsync(IExecutor executor, bool isLeft)
    {
        if (isLeft || !(isLetGo || ended.Task.IsCompleted))
            throw new FlowException(
                $"The executor {TypeNames.Of(executor.GetType())} has "
                    + $"returned {(Interlocked.Exchange(ref hasBegun, 1) == 0 ? "without executing the function"
                        : "before the function had ended")}: it must await "
                    + $"RunHereAsync, or the ExecuteAsync of what OpenRemote returns. A function that still runs was told to stop.")
            { Run = Run };
        await ended.Task.ConfigureAwait(false);
    }
}
