using Microsoft.Extensions.DependencyInjection.Extensions;
using Sluice.Graphs;

namespace Sluice.Hosting;

// Steps whose functions take a service from a scope of each call.
public sealed partial class SluiceBuilder
{
    /// <summary>
    /// Adds a step whose function gets a service of a scope that lasts for one call. Code gets it as <see cref="Step{T, TResult}"/>; if
    /// several steps have this type, by its name: <c>[FromKeyedServices("geocode")]</c>.
    /// </summary>
    /// <remarks>Each attempt of a call has a scope of its own.</remarks>
    /// <param name="name">The name of the step, in drawings, messages and for keyed services.</param>
    /// <param name="function">The function: a service, the argument, and the token of the call.</param>
    /// <param name="configure">Gives the step options, such as <c>step => step.Retry(3).Limit(8)</c>.</param>
    /// <example><code>
    /// sluice.AddStep("geocode", (Geo geo, string address, CancellationToken token) => geo.FindAsync(address, token));
    /// </code></example>
    public SluiceBuilder AddStep<TService, T, TResult>(string name, Func<TService, T, CancellationToken, Task<TResult>> function,
        Func<Step<T, TResult>, Step<T, TResult>>? configure = null) where TService : notnull
    {
        ArgumentNullException.ThrowIfNull(function);
        return AddStep<TService, Step<T, TResult>>(name, scopes => Step.Of((T argument, CancellationToken cancellation)
            => scopes.CallAsync((TService service) => function(service, argument, cancellation), cancellation)).Named(name), configure);
    }

    /// <inheritdoc cref="AddStep{TService, T, TResult}"/>
    public SluiceBuilder AddStep<TService, T1, T2, TResult>(string name,
        Func<TService, T1, T2, CancellationToken, Task<TResult>> function,
        Func<Step<T1, T2, TResult>, Step<T1, T2, TResult>>? configure = null) where TService : notnull
    {
        ArgumentNullException.ThrowIfNull(function);
        return AddStep<TService, Step<T1, T2, TResult>>(name, scopes => Step.Of((T1 first, T2 second, CancellationToken cancellation)
            => scopes.CallAsync((TService service) => function(service, first, second, cancellation), cancellation)).Named(name),
            configure);
    }

    /// <summary>Adds a step without a result, whose function gets a service of a scope that lasts for one call.</summary>
    /// <inheritdoc cref="AddStep{TService, T, TResult}"/>
    public SluiceBuilder AddStep<TService, T>(string name, Func<TService, T, CancellationToken, Task> function,
        Func<StepAction<T>, StepAction<T>>? configure = null) where TService : notnull
    {
        ArgumentNullException.ThrowIfNull(function);
        return AddStep<TService, StepAction<T>>(name, scopes => Step.Of((T argument, CancellationToken cancellation)
            => (Task)scopes.CallAsync(async (TService service) =>
            {
                await function(service, argument, cancellation).ConfigureAwait(false);
                return true;
            }, cancellation)).Named(name), configure);
    }

    private SluiceBuilder AddStep<TService, TStep>(string name, Func<CallScopes, TStep> make, Func<TStep, TStep>? configure)
        where TStep : Delegate
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        if (Services.Any(service => service.ServiceType == typeof(TStep) && Equals(service.ServiceKey, name)))
            throw new ArgumentException($"Two steps of one type were added under the name {name}. Give each a name of its own.",
                nameof(name));
        Services.AddSingleton(new StepRegistration<TStep>(name));
        Services.AddSingleton(new NeededService(typeof(TService), $"The step {name}"));
        Services.AddKeyedSingleton(name, (container, _) =>
        {
            TStep step = make(new(container));
            return configure is null ? step : configure(step)
                ?? throw new InvalidOperationException($"The options of the step {name} returned null instead of a step.");
        });
        Services.TryAddSingleton(static container => OnlyStep<TStep>(container));
        return this;
    }

    private static TStep OnlyStep<TStep>(IServiceProvider container) where TStep : Delegate
        => container.GetServices<StepRegistration<TStep>>().Select(static step => step.Name).ToArray() is [var only]
            ? container.GetRequiredKeyedService<TStep>(only)
            : throw new InvalidOperationException($"Several steps have this type: "
                + $"{string.Join(", ", container.GetServices<StepRegistration<TStep>>().Select(static step => step.Name))}. Ask for one by "
                + $"its name: [FromKeyedServices(\"{container.GetServices<StepRegistration<TStep>>().First().Name}\")].");
}

/// <summary>The name of a step of one type.</summary>
internal sealed record StepRegistration<TStep>(string Name);
