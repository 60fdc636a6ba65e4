using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.DependencyInjection;

namespace Sluice.Hosting;

/// <summary>Adds to what <see cref="SluiceServices.AddSluice"/> has begun.</summary>
public sealed class SluiceBuilder
{
    internal SluiceBuilder(IServiceCollection services) => Services = services;

    /// <summary>The services of the host.</summary>
    public IServiceCollection Services { get; }

    /// <summary>This service hosts a processor, with a function whose parameters are bound as <see cref="Supervisor.Register(Processor, Delegate)"/> says.</summary>
    /// <param name="processor">The processor.</param>
    /// <param name="function">What it does. What cannot be bound is an error when the host starts.</param>
    [RequiresUnreferencedCode("Reads the function's parameters by reflection; register a ProcessorFunction where the program is trimmed.")]
    [RequiresDynamicCode("Makes the streams' types at run time; register a ProcessorFunction where the program is compiled ahead of time.")]
    public SluiceBuilder AddProcessor(Processor processor, Delegate function)
    {
        ArgumentNullException.ThrowIfNull(processor);
        ArgumentNullException.ThrowIfNull(function);
        return Add(functions => functions.Add(processor, function));
    }

    /// <summary>This service hosts a processor.</summary>
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

/// <summary>A processor that is registered when the host starts.</summary>
internal sealed record ProcessorRegistration(Action<ProcessorFunctions> AddTo);
