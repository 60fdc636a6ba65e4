using System.Collections;
using System.Diagnostics.CodeAnalysis;

namespace Sluice;

/// <summary>Processors and what they do, to be registered together: in a service, and in the child processes that execute functions for it.</summary>
/// <remarks>Not thread-safe while it is filled.</remarks>
/// <example><code>
/// var functions = new ProcessorFunctions { { foobar, MultiplyAsync }, { total, SumAsync } };
/// if (await Worker.TryRunAsWorkerAsync(functions)) return;
/// </code></example>
public sealed class ProcessorFunctions : IEnumerable<Processor>
{
    private readonly List<(Processor Processor, Func<ProcessorServices, BoundFunction> Bind)> all = [];

    /// <summary>Adds a processor. One of the same name is replaced when they are registered.</summary>
    /// <param name="processor">The processor.</param>
    /// <param name="function">What it does.</param>
    public void Add(Processor processor, ProcessorFunction function)
    {
        ArgumentNullException.ThrowIfNull(processor);
        ArgumentNullException.ThrowIfNull(function);
        all.Add((processor, _ => BoundFunction.Of(processor, function)));
    }

    /// <summary>Adds a processor with a function whose parameters are bound as <see cref="Supervisor.Register(Processor, Delegate)"/> says, when they are registered.</summary>
    /// <param name="processor">The processor.</param>
    /// <param name="function">What it does.</param>
    [RequiresUnreferencedCode("Reads the function's parameters by reflection; register a ProcessorFunction where the program is trimmed.")]
    [RequiresDynamicCode("Makes the streams' types at run time; register a ProcessorFunction where the program is compiled ahead of time.")]
    public void Add(Processor processor, Delegate function)
    {
        ArgumentNullException.ThrowIfNull(processor);
        ArgumentNullException.ThrowIfNull(function);
        all.Add((processor, services => BoundFunction.Of(processor, function, services)));
    }

    /// <summary>The processors, in the order in which they were added.</summary>
    public IEnumerator<Processor> GetEnumerator() => all.Select(one => one.Processor).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <exception cref="ArgumentException">A parameter or the result of a function is nothing that can be bound; names it.</exception>
    internal BoundFunction[] Bind(ProcessorServices services) => [.. all.Select(one => one.Bind(services))];
}
