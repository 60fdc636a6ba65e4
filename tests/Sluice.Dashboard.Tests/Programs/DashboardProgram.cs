using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Logging;

namespace Sluice.Dashboard.Tests;

/// <summary>A web program with the dashboard, on a free port of the loopback.</summary>
internal sealed class DashboardProgram : IAsyncDisposable
{
    private readonly WebApplication app;

    private DashboardProgram(WebApplication app, string prefix)
    {
        this.app = app;
        Host = app.Urls.Single();
        Root = Host + prefix;
    }

    /// <summary>The address of the program, without a slash at its end.</summary>
    public string Host { get; }

    /// <summary>The address of the overview.</summary>
    public string Root { get; }

    /// <param name="options">The options of the dashboard. With the system's clock, pages wait a minute for a look at a store, unless
    /// <paramref name="isSilent"/>: on a busy machine the usual second may be too short.</param>
    /// <param name="services">Adds to the program before it is built.</param>
    /// <param name="use">Adds what stands before the dashboard.</param>
    /// <param name="configure">Configures the endpoints of the dashboard.</param>
    /// <param name="prefix">The path of the overview.</param>
    /// <param name="isSilent">Whether a store does not answer, in real time.</param>
    public static async Task<DashboardProgram> StartAsync(DashboardOptions options, Action<WebApplicationBuilder>? services = null,
        Action<WebApplication>? use = null, Action<IEndpointConventionBuilder>? configure = null, string prefix = "/sluice",
        bool isSilent = false)
    {
        if (options.Time == TimeProvider.System && !isSilent) options = options with { LookTimeout = TimeSpan.FromMinutes(1) };
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(static kestrel =>
        {
            kestrel.Listen(IPAddress.Loopback, 0);
            (kestrel.Limits.MinRequestBodyDataRate, kestrel.Limits.MinResponseDataRate) = (null, null);  // the viewer may have no processor
        });
        services?.Invoke(builder);
        WebApplication app = builder.Build();
        use?.Invoke(app);
        IEndpointConventionBuilder endpoints = app.MapSluice(prefix, options);
        configure?.Invoke(endpoints);
        await app.StartAsync();
        return new(app, prefix);
    }

    /// <summary>Somebody with a browser of their own.</summary>
    public Viewer NewViewer(params (string Name, string Value)[] headers) => new(Root, headers);

    public async ValueTask DisposeAsync()
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(1));      // streams of events end with the program
        await app.StopAsync(patience.Token);
        await app.DisposeAsync();
    }
}
