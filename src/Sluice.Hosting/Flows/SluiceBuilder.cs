using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.DependencyInjection;
using Sluice.Flows;

namespace Sluice.Hosting;

/// <summary>Adds processors to a host, after <see cref="SluiceServices.AddSluice"/>.</summary>
public sealed class SluiceBuilder
{
    internal SluiceBuilder(IServiceCollection services) => Services = services;

    /// <summary>The services of the host.</summary>
    public IServiceCollection Services { get; }

    /// <summary>
    /// Hosts a processor, with a function whose parameters are bound as by <see cref="Supervisor.Register(Processor, Delegate)"/>.
    /// </summary>
    /// <param name="processor">The processor.</param>
    /// <param name="function">Its function. If a parameter cannot be bound, the start of the host fails.</param>
    [RequiresUnreferencedCode("Reads the function's parameters by reflection; register a ProcessorFunction where the program is trimmed.")]
    [RequiresDynamicCode("Makes the streams' types at run time; register a ProcessorFunction where the program is compiled ahead of time.")]
    public SluiceBuilder AddProcessor(Processor processor, Delegate function)
    {
        ArgumentNullException.ThrowIfNull(processor);
        ArgumentNullException.ThrowIfNull(function);
        return Add(functions => functions.Add(processor, function));
    }

    /// <summary>Hosts a processor.</summary>
    public SluiceBuilder AddProcessor(Processor processor, ProcessorFunction function)
    {
        ArgumentNullException.ThrowIfNull(processor);
        ArgumentNullException.ThrowIfNull(function);
        return Add(functions => functions.Add(processor, function));
    }

    private SluiceBuilder Add(Action<ProcessorFunctions> register)
    {
        Services.AddSingleton(new ProcessorRegistration(register));
        return this;
    }
}

/// <summary>A processor to register when the host starts.</summary>
internal sealed record ProcessorRegistration(Action<ProcessorFunctions> AddTo);
