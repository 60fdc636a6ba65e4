namespace Sluice;

/// <summary>What a processor does, for one run.</summary>
/// <param name="context">Its inputs, its outputs, and what it may need.</param>
/// <param name="cancellation">The run was cancelled, or this service hands the processor over.</param>
/// <returns>What it puts out.</returns>
public delegate IAsyncEnumerable<IOVal> ProcessorFunction(ProcessorContext context, CancellationToken cancellation);

/// <summary>One start of a processor, in one run.</summary>
/// <remarks>Thread-safe.</remarks>
public sealed class ProcessorContext
{
    private readonly IInvocation invocation;

    internal ProcessorContext(IInvocation invocation, IServiceProvider services) => (this.invocation, Services) = (invocation, services);

    /// <summary>The id of the run.</summary>
    public string Run => invocation.Run;

    /// <summary>The processor's name.</summary>
    public string Processor => invocation.Plan.Name;

    /// <summary>Which start this is, from one; starts that were handed over to another service do not count.</summary>
    public int Start => invocation.Start;

    /// <summary>Which attempt this is, from one, if the processor is tried again after failures (<see cref="Sluice.Processor.Retry"/>). One that resumes per item or at checkpoints starts counting anew when it has come further.</summary>
    public int Attempt => invocation.Attempt;

    /// <summary>The services of this start, gone when it has ended.</summary>
    public IServiceProvider Services { get; }

    /// <summary>The clock; if the processor resumes from scratch, it reads the same times when it is repeated.</summary>
    public TimeProvider Time => invocation.Time;

    /// <summary>An input.</summary>
    /// <exception cref="ArgumentException">The processor has no such input.</exception>
    public IO<T> Input<T>(string name) => new(invocation.Input(name), invocation.Serializers.Of(name));

    /// <summary>An output.</summary>
    /// <exception cref="ArgumentException">The processor has no such output.</exception>
    public IOWriter<T> Output<T>(string name) => new(invocation.Output(name), invocation.Serializers.Of(name));

    /// <summary>What it remembers.</summary>
    /// <exception cref="InvalidOperationException">The processor does not resume at checkpoints.</exception>
    public Checkpoint<TState> Checkpoint<TState>() => invocation.Plan.Resume == ResumeMode.Checkpoint ? new(invocation.State, invocation.Serializers.OfState(invocation.Plan.Name), invocation.SaveAsync)
        : throw new InvalidOperationException($"The processor {Processor} resumes {invocation.Plan.Resume}, and remembers nothing. Make it Resume = ResumeMode.Checkpoint.");
}
