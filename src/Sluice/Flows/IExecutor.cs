namespace Sluice;

/// <summary>Where the functions of processors are executed. A processor that this service has taken on is given to it, by name.</summary>
/// <remarks>Implementations are thread-safe.</remarks>
public interface IExecutor
{
    /// <summary>Executes a processor's function, to its end.</summary>
    /// <param name="call">What is to be executed.</param>
    /// <param name="cancellation">It is to stop: the run was cancelled, or is handed over.</param>
    /// <returns>A task that ends when the function has. If it fails, the processor has failed; an <see cref="OperationCanceledException"/> after the cancellation has not.</returns>
    Task ExecuteAsync(ProcessorCall call, CancellationToken cancellation);
}

/// <summary>A processor's function that is to be executed for a run.</summary>
/// <remarks>Used once.</remarks>
public sealed class ProcessorCall
{
    private readonly Func<CancellationToken, Task> here;

    internal ProcessorCall(string run, string processor, int start, Func<CancellationToken, Task> here) => (Run, Processor, Start, this.here) = (run, processor, start, here);

    /// <summary>The id of the run.</summary>
    public string Run { get; }

    /// <summary>The processor's name: what to execute.</summary>
    public string Processor { get; }

    /// <summary>Which start this is, from one.</summary>
    public int Start { get; }

    /// <summary>Executes it in this process, from the calling thread on.</summary>
    public Task RunHereAsync(CancellationToken cancellation) => here(cancellation);
}
