using System.Diagnostics;

namespace Sluice.Flows;

/// <summary>A processor with its function in this service.</summary>
/// <param name="Processor">The processor.</param>
/// <param name="Run">The function, with its parameters bound.</param>
internal sealed record BoundFunction(Processor Processor, Func<ProcessorContext, IInvocation, CancellationToken, Task> Run)
{
    /// <summary>The metrics of the processor in this process.</summary>
    public ProcessorTelemetry Telemetry { get; } = new(Processor.Name);

    /// <summary>The types of its streams, by name, as far as they are known.</summary>
    public IReadOnlyDictionary<string, Type> Types { get; init; } = new Dictionary<string, Type>();

    /// <summary>The inputs that the function reads; null if unknown.</summary>
    public IReadOnlySet<string>? Reads { get; init; }

    /// <summary>The executor of this processor; null for the one of the service.</summary>
    public IExecutor? Executor { get; init; }

    /// <summary>A processor whose function is only where its executor runs it.</summary>
    public static BoundFunction Of(Processor processor, IExecutor executor) => new(processor, (_, invocation, _) => throw new FlowException(
        $"The processor {processor.Name} was registered with an executor, and without a function for RunHereAsync. The "
            + $"executor {TypeNames.Of(executor.GetType())} must have it executed elsewhere (OpenRemote).")
    { Run = invocation.Run })
    { Executor = executor };

    public static BoundFunction Of(Processor processor, ProcessorFunction function)
        => new(processor, (context, invocation, cancellation) => PutOutAsync(function(context, cancellation), invocation, cancellation));

    [RequiresUnreferencedCode("Reads the function's parameters by reflection; register a ProcessorFunction where the program is trimmed.")]
    [RequiresDynamicCode("Makes the streams' types at run time; register a ProcessorFunction where the program is compiled ahead of time.")]
    public static BoundFunction Of(Processor processor, Delegate function, SupervisorOptions options)
        => function is ProcessorFunction plain ? Of(processor, plain) : FunctionBinder.Bind(processor, function, options);

    /// <summary>Runs the function in a service scope of its own.</summary>
    public async Task RunAsync(IInvocation invocation, ProcessorServices all, CancellationToken cancellation)
    {
        var (services, lifetime) = await OpenAsync(all, cancellation).ConfigureAwait(false);
        if (services is null || lifetime is null) throw new InvalidOperationException(
            $"{TypeNames.Of(all.GetType())}.Open returned null instead of {(services is null ? "the services" : "a lifetime")}.");
        await using (lifetime.ConfigureAwait(false)) await Run(new(invocation, services), invocation, cancellation).ConfigureAwait(false);
    }

    /// <summary>Opens the scope. In a disposed container the call ends with its token, so that the run is handed over.</summary>
    private static async ValueTask<(IServiceProvider Services, IAsyncDisposable Lifetime)> OpenAsync(ProcessorServices all,
        CancellationToken cancellation)
    {
        try
        {
            return all.Open();
        }
        catch (ObjectDisposedException) when (all.IsDisposed)
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellation).ConfigureAwait(false);
            throw;
        }
    }

    public static async Task PutOutAsync(IAsyncEnumerable<IOVal> values, IInvocation invocation, CancellationToken cancellation)
    {
        if (values is null) throw NoSequence();
        Activity? outer = Activity.Current;
        await foreach (IOVal value in values.WithCancellation(cancellation).ConfigureAwait(false))
        {
            invocation.Telemetry.Enter(outer);       // an asynchronous iterator goes on behind its yield in the context of this method
            await invocation.PutOutAsync(value, cancellation).ConfigureAwait(false);
        }
    }

    public static async Task PutOutAsync(IEnumerable<IOVal> values, IInvocation invocation, CancellationToken cancellation)
    {
        if (values is null) throw NoSequence();
        foreach (IOVal value in values) await invocation.PutOutAsync(value, cancellation).ConfigureAwait(false);
    }

    private static InvalidOperationException NoSequence()
        => new("The function returned null instead of a sequence. If there is nothing, return an empty one.");
}
