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

/// <summary>A processor's function that is to be executed for a run.</summary>
/// <remarks>Used once.</remarks>
public sealed class ProcessorCall
{
    private readonly Func<CancellationToken, Task> here;

    internal ProcessorCall(Invocation invocation, Func<CancellationToken, Task> here) => (Invocation, this.here) = (invocation, here);

    /// <summary>The id of the run.</summary>
    public string Run => Invocation.Run;

    /// <summary>The processor's name: what to execute.</summary>
    public string Processor => Invocation.Plan.Name;

    /// <summary>Which start this is, from one.</summary>
    public int Start => Invocation.Start;

    /// <summary>What the function reads and puts out, for executors that bring it elsewhere.</summary>
    internal Invocation Invocation { get; }

    /// <summary>Executes it in this process, from the calling thread on.</summary>
    public Task RunHereAsync(CancellationToken cancellation) => here(cancellation);
}
