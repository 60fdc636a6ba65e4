using System.Collections;

namespace Sluice.Flows;

/// <summary>
/// A list of processors with their functions, to be registered together in a service and in the child processes that execute them.
/// </summary>
/// <remarks>Add from one thread at a time.</remarks>
/// <example><code>
/// var functions = new ProcessorFunctions { { foobar, MultiplyAsync }, { total, SumAsync } };
/// if (await Worker.TryRunAsWorkerAsync(functions)) return;
/// </code></example>
public sealed class ProcessorFunctions : IEnumerable<Processor>
{
    private readonly List<(Processor Processor, Func<SupervisorOptions, BoundFunction> Bind)> all = [];

    /// <summary>Adds a processor with its function. If two have one name, the last one registered counts.</summary>
    /// <param name="processor">The processor.</param>
    /// <param name="function">Its function.</param>
    public void Add(Processor processor, ProcessorFunction function)
    {
        ArgumentNullException.ThrowIfNull(processor);
        ArgumentNullException.ThrowIfNull(function);
        all.Add((processor, _ => BoundFunction.Of(processor, function)));
    }

    /// <summary>
    /// Adds a processor with a function whose parameters are bound at registration, as
    /// <see cref="Supervisor.Register(Processor, Delegate)"/> does.
    /// </summary>
    /// <param name="processor">The processor.</param>
    /// <param name="function">Its function.</param>
    [RequiresUnreferencedCode("Reads the function's parameters by reflection; register a ProcessorFunction where the program is trimmed.")]
    [RequiresDynamicCode("Makes the streams' types at run time; register a ProcessorFunction where the program is compiled ahead of time.")]
    public void Add(Processor processor, Delegate function)
    {
        ArgumentNullException.ThrowIfNull(processor);
        ArgumentNullException.ThrowIfNull(function);
        all.Add((processor, options => BoundFunction.Of(processor, function, options)));
    }

    /// <summary>
    /// Adds a processor whose function is only where an executor of its own runs it, as
    /// <see cref="Supervisor.Register(Processor, IExecutor)"/> does.
    /// </summary>
    /// <param name="processor">The processor.</param>
    /// <param name="executor">Its executor; several processors can have one. Child processes have no use for it.</param>
    public void Add(Processor processor, IExecutor executor)
    {
        ArgumentNullException.ThrowIfNull(processor);
        ArgumentNullException.ThrowIfNull(executor);
        all.Add((processor, _ => BoundFunction.Of(processor, executor)));
    }

    /// <summary>Enumerates the processors in the order in which they were added.</summary>
    public IEnumerator<Processor> GetEnumerator() => all.Select(one => one.Processor).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <exception cref="ArgumentException">A parameter or result of a function cannot be bound, or has values that cannot be stored; the
    /// message names it.</exception>
    internal BoundFunction[] Bind(SupervisorOptions options) => [.. all.Select(one => one.Bind(options))];
}
