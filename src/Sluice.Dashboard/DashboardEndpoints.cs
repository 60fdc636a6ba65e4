using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Sluice.Dashboard.Access;
using Sluice.Graphs;

namespace Sluice.Dashboard;

/// <summary>The dashboard in a web program.</summary>
public static class DashboardEndpoints
{
    /// <summary>
    /// Maps the dashboard: pages that show what flows, what is stuck and why, and that mend it. It shows the consecutors, pipelines, graphs
    /// and the store of <c>AddSluice</c>, and what the options name. While no page is open, it only records resolves of graphs and scopes
    /// of steps.
    /// </summary>
    /// <remarks>
    /// <para>
    /// Without authorization it answers requests from this machine only, under the names of this machine. To open it, call
    /// <c>RequireAuthorization</c> on the result; <see cref="DashboardOptions.OperatorPolicy"/> says who may change something.
    /// </para>
    /// <para>The pages show names, keys, errors and payloads, as text (<see cref="DashboardOptions.MaskPayload"/>).</para>
    /// </remarks>
    /// <param name="endpoints">The endpoints of the program.</param>
    /// <param name="prefix">The path of the first page, such as <c>/sluice</c>.</param>
    /// <param name="options">What it shows besides, and who may do what.</param>
    /// <returns>The endpoints of the dashboard, to configure them together.</returns>
    /// <exception cref="ArgumentException">The prefix does not begin with a slash, or an option is out of its range.</exception>
    /// <example><code>
    /// app.MapSluice("/sluice");
    /// </code></example>
    public static IEndpointConventionBuilder MapSluice(this IEndpointRouteBuilder endpoints, string prefix = "/sluice",
        DashboardOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        ArgumentNullException.ThrowIfNull(prefix);
        prefix = prefix.TrimEnd('/');
        if (prefix.Length > 0 && (prefix[0] != '/' || prefix.AsSpan().ContainsAny("{}?#")))
            throw new ArgumentException($"The path of the dashboard begins with a slash, as in \"/sluice\"; this one is \"{prefix}\".",
                nameof(prefix));
        options ??= new();
        options.Check();
        IServiceProvider services = endpoints.ServiceProvider;
        var host = new HostParts(services.GetServices<IConsecutor>, services.GetServices<IHostedPipeline>, services.GetServices<IGraph>,
            () => services.GetService<IStreamStore>());
        IHostApplicationLifetime? lifetime = services.GetService<IHostApplicationLifetime>();
        var tokens = new FormTokens(services.GetService<IDataProtectionProvider>());
        var dashboard = new DashboardRoutes(prefix, options, host, tokens, lifetime?.ApplicationStarted ?? CancellationToken.None,
            lifetime?.ApplicationStopping ?? CancellationToken.None);
        RouteGroupBuilder group = endpoints.MapGroup(prefix);
        dashboard.Map(group);
        return group;
    }
}
