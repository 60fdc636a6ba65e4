using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Worker;

/// <summary>Sends metrics and traces to the OpenTelemetry collector that OTEL_EXPORTER_OTLP_ENDPOINT names.</summary>
internal static class Telemetry
{
    /// <summary>Switches telemetry on if OTEL_EXPORTER_OTLP_ENDPOINT is set.</summary>
    public static void AddTelemetry(this WebApplicationBuilder builder)
    {
        if (!string.IsNullOrEmpty(builder.Configuration["OTEL_EXPORTER_OTLP_ENDPOINT"]))
            builder.Services.AddHostedService<Exporter>();
    }

    /// <summary>Exports while the host runs, and sends the rest when it stops.</summary>
    private sealed class Exporter(IHostEnvironment environment) : IHostedService
    {
        private MeterProvider? meters;
        private TracerProvider? tracers;

        public Task StartAsync(CancellationToken cancellationToken)
        {
            // OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES have precedence over the name of the program.
            ResourceBuilder resource = ResourceBuilder.CreateEmpty().AddService(environment.ApplicationName)
                .AddTelemetrySdk().AddEnvironmentVariableDetector();
            meters = Sdk.CreateMeterProviderBuilder().SetResourceBuilder(resource)
                .AddMeter("Sluice", "Microsoft.AspNetCore.Hosting").AddOtlpExporter().Build();
            tracers = Sdk.CreateTracerProviderBuilder().SetResourceBuilder(resource)
                .AddSource("Sluice", "Microsoft.AspNetCore").AddOtlpExporter().Build();
            return Task.CompletedTask;
        }

        public Task StopAsync(CancellationToken cancellationToken)
        {
            meters?.Dispose();
            tracers?.Dispose();
            return Task.CompletedTask;
        }
    }
}
