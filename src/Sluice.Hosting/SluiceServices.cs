using Microsoft.Extensions.Hosting;

namespace Sluice.Hosting;

/// <summary>Adds Sluice to a container.</summary>
public static class SluiceServices
{
    /// <summary>
    /// Adds Sluice to a host: its <see cref="IStreamStore"/>, an <see cref="ISupervisor"/>, and health checks. Consecutors, pipelines,
    /// producers, graphs and processors are added to the result.
    /// </summary>
    /// <remarks>
    /// <para>Everything starts and stops with the host: receivers start before senders, and stop behind them. What is in flight may end
    /// until two seconds before <c>HostOptions.ShutdownTimeout</c>; accepted items that have not ended go on with the next start.</para>
    /// <para>The section <c>Sluice</c> of the configuration has precedence over the code: <c>Store</c> (such as <c>sqlite:orders.db</c>),
    /// <c>OnFailure</c>, <c>LogScopes</c>, <c>LogPayloads</c>, <c>Consecutors:NAME</c>, <c>Supervisor</c> and <c>Health</c>. A setting that
    /// is unknown or wrong stops the start with a <see cref="SettingsException"/>.</para>
    /// <para>Health checks: <c>sluice</c> with the tag <c>ready</c>, and <c>sluice-live</c> with the tag <c>live</c>. A host has one store:
    /// a second call configures the same further. If both name a store, the last one is used, and the log warns of it.</para>
    /// </remarks>
    /// <param name="services">The services of the host.</param>
    /// <param name="configure">Configures the store and the supervisor; the default store is in memory.</param>
    /// <example><code>
    /// builder.Services.AddSluice(sluice => sluice.UseSqlite("orders.db"))
    ///     .AddConsecutor&lt;Order&gt;("orders", (services, source) => source | Validate | BookAsync);
    /// </code></example>
    public static SluiceBuilder AddSluice(this IServiceCollection services, Action<SluiceOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        AsyncVoid.RefuseCallback(configure);
        if (services.FirstOrDefault(service => service.ServiceType == typeof(SluiceOptions))?.ImplementationInstance is SluiceOptions known)
        {
            Func<CancellationToken, ValueTask<IStreamStore>>? before = known.OpenStore;
            configure?.Invoke(known);
            if (before is not null && known.OpenStore != before) services.AddSingleton<ReplacedStore>();
            return new(services);
        }
        var options = new SluiceOptions();
        configure?.Invoke(options);
        services.AddLogging();
        services.AddSingleton(options);
        services.AddSingleton<SluiceSettings>();
        services.AddSingleton(static container =>
        {
            SluiceSettings settings = container.GetRequiredService<SluiceSettings>();
            ILogger log = container.GetRequiredService<ILoggerFactory>().CreateLogger("Sluice.Store");
            return new HostStore(cancellation => settings.OpenStoreAsync(
                [.. container.GetServices<HostedUnit>().Select(static unit => unit.Consecutor).OfType<string>()], log, cancellation),
                container.GetService<TimeProvider>() ?? TimeProvider.System);
        });
        services.AddSingleton<IStreamStore>(static container => container.GetRequiredService<HostStore>());
        services.AddSingleton<HostedSupervisor>();
        services.AddSingleton<ISupervisor>(static container => container.GetRequiredService<HostedSupervisor>());
        services.AddSingleton(static container => container.GetRequiredService<HostedSupervisor>().Attached);
        services.AddSingleton<SluiceHost>();
        services.AddSingleton<HostDisposal>();
        services.AddSingleton<DisposedContainer>();
        ListeningServer.Wrap(services);
        services.AddSingleton<SluiceHealth>();
        services.AddSingleton<IHostedService>(static container => container.GetRequiredService<SluiceHost>());
        services.AddHealthChecks().AddCheck<SluiceHealth>("sluice", tags: ["ready"])
            .AddCheck<SluiceLiveness>("sluice-live", tags: ["live"]);
        return new(services);
    }
}

/// <summary>In a container: a later call of <see cref="SluiceServices.AddSluice"/> has replaced the store of an earlier one.</summary>
internal sealed class ReplacedStore;
