namespace Sluice.Flows;

/// <summary>The function of a processor.</summary>
/// <param name="context">The inputs, outputs, services and clock of this start.</param>
/// <param name="cancellation">Cancelled if the run is cancelled, an attempt takes too long, or this service hands the processor
/// over.</param>
/// <returns>The values that the processor puts out.</returns>
public delegate IAsyncEnumerable<IOVal> ProcessorFunction(ProcessorContext context, CancellationToken cancellation);

/// <summary>One start of a processor in a run, as its function sees it.</summary>
/// <remarks>Thread-safe.</remarks>
public sealed class ProcessorContext
{
    private readonly IInvocation invocation;

    internal ProcessorContext(IInvocation invocation, IServiceProvider services) => (this.invocation, Services) = (invocation, services);

    /// <summary>The id of the run.</summary>
    public string Run => invocation.Run;

    /// <summary>The name of the processor.</summary>
    public string Processor => invocation.Plan.Name;

    /// <summary>The number of this start, from 1. Starts that were handed over do not count.</summary>
    public int Start => invocation.Start;

    /// <summary>
    /// The number of this attempt, from 1 (<see cref="Sluice.Flows.Processor.Retry"/>). Progress resets it if the processor resumes per
    /// item or at checkpoints.
    /// </summary>
    public int Attempt => invocation.Attempt;

    /// <summary>The services of this start; disposed when it has ended.</summary>
    public IServiceProvider Services { get; }

    /// <summary>The clock. If the processor resumes from scratch, a repeated start reads the same times.</summary>
    public TimeProvider Time => invocation.Time;

    /// <summary>Opens an input by its name.</summary>
    /// <exception cref="ArgumentException">The processor has no such input.</exception>
    public IO<T> Input<T>(string name) => new(invocation.Input(name), invocation.Serializers.Of(name));

    /// <summary>Opens an output by its name.</summary>
    /// <exception cref="ArgumentException">The processor has no such output.</exception>
    public IOWriter<T> Output<T>(string name) => new(invocation.Output(name), invocation.Serializers.Of(name));

    /// <summary>The processor and the run, for errors.</summary>
    internal string Whose => $"the processor {Processor} in the run {Run}";

    /// <summary>Opens the saved state.</summary>
    /// <exception cref="InvalidOperationException">The processor does not resume at checkpoints.</exception>
    /// <exception cref="PayloadException">The state that an earlier start has saved cannot be read as this type.</exception>
    public Checkpoint<TState> Checkpoint<TState>()
    {
        if (invocation.Plan.Resume != ResumeMode.Checkpoint) throw new InvalidOperationException(
            $"The processor {Processor} resumes {invocation.Plan.Resume}, and remembers nothing. Make it Resume = ResumeMode.Checkpoint.");
        try
        {
            return new(invocation.State, invocation.Serializers.OfState(invocation.Plan.Name), invocation.SaveAsync,
                Whose);
        }
        catch (Exception e) when (invocation.State is not null)
        {
            throw new PayloadException($"The saved state of {Whose} cannot be read as "
                + $"{TypeNames.Of(typeof(TState))}. Another version of the program may have saved it: {FailureText.Of(e)}", e);
        }
    }
}
