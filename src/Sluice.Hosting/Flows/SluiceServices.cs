using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Sluice.Flows;
using Sluice.Storage;

namespace Sluice.Hosting;

/// <summary>Adds Sluice to a container.</summary>
public static class SluiceServices
{
    /// <summary>
    /// Adds an <see cref="ISupervisor"/> that starts and stops with the host, its <see cref="IStreamStore"/>, and a health check named
    /// <c>sluice</c>.
    /// </summary>
    /// <remarks>
    /// The store is available once the host has started. When the host stops, its processors are handed over to other services.
    /// A host has one supervisor: a second call configures the same one further.
    /// </remarks>
    /// <param name="services">The services of the host.</param>
    /// <param name="configure">Configures the store and the supervisor; the default store is in memory.</param>
    /// <example><code>
    /// services.AddSluice(sluice => sluice.UseRedis("localhost:6379")).AddProcessor(foobar, MultiplyAsync);
    /// </code></example>
    public static SluiceBuilder AddSluice(this IServiceCollection services, Action<SluiceOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        if (services.FirstOrDefault(service => service.ServiceType == typeof(SluiceOptions))?.ImplementationInstance is SluiceOptions known)
        {
            configure?.Invoke(known);
            return new(services);
        }
        var options = new SluiceOptions();
        configure?.Invoke(options);
        services.AddLogging();
        services.AddSingleton(options);
        services.AddSingleton(container => new HostedSupervisor(options, container, container.GetServices<ProcessorRegistration>(),
            container.GetRequiredService<ILogger<Supervisor>>()));
        services.AddSingleton<ISupervisor>(container => container.GetRequiredService<HostedSupervisor>());
        services.AddSingleton(container => container.GetRequiredService<HostedSupervisor>().Store
            ?? throw new InvalidOperationException(
            "The stream store is not open: it is opened when the host starts. Start the host first, or ask for it in a hosted service "
                + "that is added after AddSluice, when that starts."));
        services.AddSingleton<IHostedService>(container => container.GetRequiredService<HostedSupervisor>());
        services.AddHealthChecks().AddCheck<StoreHealth>("sluice");
        return new(services);
    }
}
