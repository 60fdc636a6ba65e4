using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;
using Sluice;
using Sluice.Hosting;
using Sluice.Sqlite;
using Sluice.WebProgram;

// A service that takes orders over HTTP, checks them, and ships them by a second consecutor. It exports its metrics and traces to the
// collector that OTEL_EXPORTER_OTLP_ENDPOINT names. Arguments: the file of its store; "hang" if a check never ends. With the arguments
// "flow", a role and a Redis server, it is a service of a flow instead. WebApplicationFactory gives it settings only.
if (args is [['-', '-', ..], ..]) return await TestedService.RunAsync(args);
if (args is not [var file, .. var how]) return 2;
bool hangs = how is ["hang"];
using TracerProvider traces = Sdk.CreateTracerProviderBuilder().AddSource("Sluice*", "Microsoft.AspNetCore")
    .AddOtlpExporter(static options =>
    {
        options.ExportProcessorType = ExportProcessorType.Simple;        // nothing waits for a kill
        options.TimeoutMilliseconds = 600_000;       // the exporter gives up a span after that, by default after 10 s
    }).Build();
using MeterProvider metrics = Sdk.CreateMeterProviderBuilder().AddMeter("Sluice*").AddOtlpExporter(static (_, reader) =>
    reader.PeriodicExportingMetricReaderOptions.ExportIntervalMilliseconds = 200).Build();

if (args is ["flow", var role, var server])
{
    await FlowService.RunAsync(role, server);
    return 0;
}

WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
builder.Logging.ClearProviders();
builder.Services.AddSluice(sluice => sluice.UseSqlite(file))
    .AddConsecutor<Order>("orders", (_, source) => source
        | (async (Order order, CancellationToken token) => await CheckAsync(order, token)) | Stage.Named("check")
        | Sink.Output<Order>("checked"), options => options with { Delivery = DeliveryGuarantee.Replay(3) })
    .AddConsecutor<Order>("shipping", (_, source) => source
        | (static order => Console.WriteLine($"shipped {order.Id}")) | Stage.Named("ship"))
    .AddOutput<Order>("orders", "checked", "shipping");
await using WebApplication app = builder.Build();
app.Urls.Add("http://127.0.0.1:0");
app.MapProducer<Order>("/orders", "orders");
await app.StartAsync();
Console.WriteLine(app.Urls.Single());
await app.WaitForShutdownAsync();
return 0;

async ValueTask<Order> CheckAsync(Order order, CancellationToken token)
{
    Console.WriteLine($"checking {order.Id}");
    if (hangs) await Task.Delay(Timeout.Infinite, token);
    return order;
}

internal sealed record Order(int Id);
