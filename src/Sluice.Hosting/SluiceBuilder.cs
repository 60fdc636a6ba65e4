using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Sluice.Graphs;

namespace Sluice.Hosting;

/// <summary>Adds consecutors, pipelines, producers, graphs and processors to a host, after
/// <see cref="SluiceServices.AddSluice"/>.</summary>
/// <remarks>
/// Functions that get the services are called once, when the host makes its objects: receivers are made and started before those that send
/// to them, and stop behind them. Not thread-safe, as all configuration of a host.
/// </remarks>
public sealed partial class SluiceBuilder
{
    internal SluiceBuilder(IServiceCollection services) => Services = services;

    /// <summary>The services of the host.</summary>
    public IServiceCollection Services { get; }

    /// <summary>
    /// Adds a consecutor that starts and stops with the host. Code gets it as <see cref="Consecutor{T}"/> or <see cref="ISender{T}"/>; if
    /// several take items of one type, by its name: <c>[FromKeyedServices("orders")]</c>.
    /// </summary>
    /// <param name="name">The name of the consecutor, and of its section <c>Sluice:Consecutors:NAME</c> in the configuration.</param>
    /// <param name="body">Builds the pipeline from the services of the host and the source of accepted items. Functions that need services
    /// of a scope take them with <see cref="ItemScopes"/>.</param>
    /// <param name="configure">Changes the options: <c>options => options with { MaxInFlight = 100 }</c>. If it leaves the store or the
    /// handler of warnings null, the consecutor has those of the host. The configuration has precedence.</param>
    /// <param name="key">The key of an item; null for none.</param>
    public SluiceBuilder AddConsecutor<T>(string name, Func<IServiceProvider, Source<T>, Pipeline> body,
        Func<ConsecutorOptions, ConsecutorOptions>? configure = null, Func<T, string?>? key = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentNullException.ThrowIfNull(body);
        var registration = new ConsecutorRegistration<T>(name, body, configure, key);
        Services.AddSingleton(registration);
        Services.AddSingleton<HostedUnit>(container => new HostedConsecutor<T>(registration, container.GetServices<OutputRegistration>()));
        Services.AddKeyedSingleton(name, (container, _) => registration.Make(container));
        Services.AddKeyedSingleton<ISender<T>>(name, static (container, name) => container.GetRequiredKeyedService<Consecutor<T>>(name));
        Services.AddSingleton<IConsecutor>(container => container.GetRequiredKeyedService<Consecutor<T>>(name));
        Services.TryAddSingleton(OnlyOne<T>);
        Services.TryAddSingleton<ISender<T>>(OnlyOne<T>);
        return this;
    }

    /// <summary>Connects an output of one consecutor to another: what <c>Sink.Output&lt;T&gt;("invoices")</c> takes is committed to it,
    /// together with the item.</summary>
    /// <param name="from">The consecutor with the output.</param>
    /// <param name="output">The name of the output.</param>
    /// <param name="to">The consecutor that takes the items.</param>
    /// <param name="mode">What happens when the other one is full.</param>
    public SluiceBuilder AddOutput<T>(string from, string output, string to, OutputMode mode = OutputMode.Asynchronous)
    {
        ArgumentException.ThrowIfNullOrEmpty(from);
        ArgumentException.ThrowIfNullOrEmpty(output);
        ArgumentException.ThrowIfNullOrEmpty(to);
        Services.AddSingleton<OutputRegistration>(new OutputRegistration<T>(from, output, to, mode));
        return this;
    }

    /// <summary>Adds a pipeline that runs while the host does. It may end by itself; if it fails, the host does what
    /// <see cref="SluiceOptions.OnFailure"/> says.</summary>
    /// <param name="name">A name, for messages.</param>
    /// <param name="make">Makes the pipeline from the services of the host.</param>
    /// <param name="options">The options of its run.</param>
    public SluiceBuilder AddPipeline(string name, Func<IServiceProvider, Pipeline> make, RunOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentNullException.ThrowIfNull(make);
        return Add(() => new($"the pipeline {name}", name, null, (services, _) => make(services), options ?? new()));
    }

    /// <summary>Adds a producer that sends its items to a consecutor while the host runs: ticks, a query, files, TCP, or any source. (Items
    /// come over HTTP by <see cref="ProducerEndpoints"/>.)</summary>
    /// <param name="consecutor">The name of the consecutor.</param>
    /// <param name="make">Makes the source from the services of the host. A source that can resume begins where it was.</param>
    /// <param name="options">The options of its run, such as the clock of ticks.</param>
    public SluiceBuilder AddProducer<T>(string consecutor, Func<IServiceProvider, Source<T>> make, RunOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(consecutor);
        ArgumentNullException.ThrowIfNull(make);
        string title = $"a producer of {consecutor}";
        return Add(() => new(title, title, consecutor, (services, units) => make(services) | units.Consecutor<T>(consecutor, title),
            options ?? new()));
    }

    /// <summary>Adds a graph that code resolves for each request; code gets it as <see cref="Graph{TRequest}"/>.</summary>
    /// <param name="make">Makes the graph from the services of the host; called once. If it throws, the host does not start.</param>
    /// <exception cref="ArgumentException">A graph of these requests was added before.</exception>
    public SluiceBuilder AddGraph<TRequest>(Func<IServiceProvider, Graph<TRequest>> make)
    {
        ArgumentNullException.ThrowIfNull(make);
        if (Services.Any(static service => service.ServiceType == typeof(Graph<TRequest>)))
            throw new ArgumentException(
                $"Two graphs were added for requests of the type {TypeNames.Of(typeof(TRequest))}. Give each a type of its own.",
                nameof(make));
        string title = $"the graph for requests of the type {TypeNames.Of(typeof(TRequest))}";
        Services.AddSingleton(container => WiringException.Guard(title, () => make(container)));
        Services.AddSingleton<IGraph>(static container => container.GetRequiredService<Graph<TRequest>>());
        Services.AddSingleton(new HostedGraph(title, static container => container.GetRequiredService<Graph<TRequest>>()));
        return this;
    }

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

    /// <summary>Hosts a processor whose function is only where an executor of its own runs it, as
    /// <see cref="Supervisor.Register(Processor, IExecutor)"/> does.</summary>
    /// <param name="processor">The processor.</param>
    /// <param name="executor">Its executor, for example <see cref="Executor.Python"/>; several processors can have one. It ends with the
    /// host's supervisor, so the host starts it once.</param>
    public SluiceBuilder AddProcessor(Processor processor, IExecutor executor)
    {
        ArgumentNullException.ThrowIfNull(processor);
        ArgumentNullException.ThrowIfNull(executor);
        return Add(functions => functions.Add(processor, executor));
    }

    // One object for both services, in each container that is made from the configuration.
    private SluiceBuilder Add(Func<HostedPipeline> make)
    {
        object key = new();
        Services.AddKeyedSingleton(key, (_, _) => make());
        Services.AddSingleton<HostedUnit>(container => container.GetRequiredKeyedService<HostedPipeline>(key));
        Services.AddSingleton<IHostedPipeline>(container => container.GetRequiredKeyedService<HostedPipeline>(key));
        return this;
    }

    private SluiceBuilder Add(Action<ProcessorFunctions> register)
    {
        Services.AddSingleton(new ProcessorRegistration(register));
        return this;
    }

    /// <summary>Finds a consecutor by its name, or the only one of its type.</summary>
    internal static Consecutor<T> Find<T>(IServiceProvider container, string? name)
    {
        string[] names = [.. container.GetServices<ConsecutorRegistration<T>>().Select(static registration => registration.Name)];
        if (name is null && names is [string only]) name = only;
        if (name is not null && names.Contains(name)) return container.GetRequiredKeyedService<Consecutor<T>>(name);
        if (names.Length == 0)
            throw new InvalidOperationException(
                $"No consecutor takes items of the type {TypeNames.Of(typeof(T))}: add one with AddConsecutor<{TypeNames.Of(typeof(T))}>.");
        if (name is not null)
            throw new InvalidOperationException($"There is no consecutor '{name}' of items of the type {TypeNames.Of(typeof(T))}: "
                + SettingsReader.Listed(names));
        if (names.Distinct(StringComparer.Ordinal).Count() < names.Length)
            throw new WiringException($"Two consecutors were added under the name {names.GroupBy(static one => one, StringComparer.Ordinal)
                .First(static alike => alike.Count() > 1).Key}. Give each a name of its own.");
        throw new InvalidOperationException(
            $"{names.Length} consecutors take items of the type {TypeNames.Of(typeof(T))}: {string.Join(", ", names)}. "
                + $"Ask for one by its name: [FromKeyedServices(\"{names[0]}\")]. For an endpoint: "
                + $"MapProducer<{TypeNames.Of(typeof(T))}>(pattern, \"{names[0]}\").");
    }

    private static Consecutor<T> OnlyOne<T>(IServiceProvider container) => Find<T>(container, null);
}

/// <summary>A graph to make when the host starts, so that a graph that cannot be built stops the start.</summary>
internal sealed record HostedGraph(string Title, Func<IServiceProvider, object> Make);

/// <summary>A processor to register when the host starts.</summary>
internal sealed record ProcessorRegistration(Action<ProcessorFunctions> AddTo);
