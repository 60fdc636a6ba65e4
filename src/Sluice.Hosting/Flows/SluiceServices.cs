using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Sluice.Hosting;

/// <summary>Sluice in a container.</summary>
public static class SluiceServices
{
    /// <summary>
    /// Adds an <see cref="ISupervisor"/> that is started and stopped with the host, an <see cref="IStreamStore"/>, and a health check named <c>sluice</c>. When the host stops, what it hosts is handed over.
    /// </summary>
    /// <param name="services">The services of the host.</param>
    /// <param name="configure">Says which store, for one; one in memory unless given.</param>
    /// <example><code>
    /// services.AddSluice(sluice => sluice.UseRedis("localhost:6379")).AddProcessor(foobar, MultiplyAsync);
    /// </code></example>
    public static SluiceBuilder AddSluice(this IServiceCollection services, Action<SluiceOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        var options = new SluiceOptions();
        configure?.Invoke(options);
        services.AddSingleton(container => new HostedSupervisor(options, container, container.GetServices<ProcessorRegistration>(), container.GetRequiredService<ILogger<Supervisor>>()));
        services.AddSingleton<ISupervisor>(container => container.GetRequiredService<HostedSupervisor>());
        services.AddSingleton<IHostedService>(container => container.GetRequiredService<HostedSupervisor>());
        services.AddHealthChecks().AddCheck<StoreHealth>("sluice");
        return new(services);
    }
}
