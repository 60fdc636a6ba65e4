using System.Diagnostics;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;
using Sluice.Storage;

namespace Sluice.Bench;

/// <summary>
/// The cost of telemetry. OpenTelemetry collects metrics each second, or samples a trace of 1 in 1,000; both are compared with a run
/// without listeners. <c>stored</c> is a consecutor over a store in memory, whose items have metrics and traces of their own.
/// </summary>
internal static class Telemetry
{
    private const double OneInThousand = 0.001;

    public static Scenario Scenario { get; } = new("telemetry", "the cost of metrics each second, and of a trace of 1 in 1,000",
    [
        .. Pair("fused", 100_000_000, 5_000_000, FusedAsync),
        .. Pair("boundary", 10_000_000, 1_000_000, static count => Chain.BufferedSumAsync(Source.Range(0, count), Maps.All)),
        .. Pair("stored", 1_000_000, 100_000, StoredAsync),
    ]);

    private static IEnumerable<Comparison> Pair(string name, long count, long quick, Func<long, Task<double>> work)
    {
        yield return new($"{name}-metrics", count, quick, Maps.ExpectedSum,
            [new(Variant.Ours, items => WithMetricsAsync(items, work)), new("off", items => MeasureAsync(items, work))]);
        yield return new($"{name}-trace", count, quick, Maps.ExpectedSum,
            [new(Variant.Ours, items => WithTracesAsync(items, work)), new("off", items => MeasureAsync(items, work))]);
    }

    private static async Task<Outcome> WithMetricsAsync(long count, Func<long, Task<double>> work)
    {
        using var exporter = new NoExporter<Metric>();
        using var reader = new PeriodicExportingMetricReader(exporter, exportIntervalMilliseconds: 1000);
        using MeterProvider provider = Sdk.CreateMeterProviderBuilder().AddMeter("Sluice*").AddReader(reader).Build();
        return await MeasureAsync(count, work);
    }

    private static async Task<Outcome> WithTracesAsync(long count, Func<long, Task<double>> work)
    {
        using TracerProvider provider = Sdk.CreateTracerProviderBuilder().AddSource("Sluice*")
            .SetSampler(new ParentBasedSampler(new TraceIdRatioBasedSampler(OneInThousand)))
            .AddProcessor(new BatchActivityExportProcessor(new NoExporter<Activity>())).Build();
        return await MeasureAsync(count, work);
    }

    /// <summary>Without the set-up and the end of OpenTelemetry, which a program pays once. A run takes longer than a second.</summary>
    private static async Task<Outcome> MeasureAsync(long count, Func<long, Task<double>> work)
    {
        var started = Stopwatch.GetTimestamp();
        var sum = await work(count);
        return new(sum, Stopwatch.GetElapsedTime(started).TotalNanoseconds / count);
    }

    private static async Task<double> FusedAsync(long count)
    {
        long sum = 0;
        Source<long> source = Maps.All.Aggregate(Source.Range(0, count), static (before, map) => before | map);
        await (source | (value => { sum += value; })).RunAsync(Chain.OnThisThread);
        return sum;
    }

    private static async Task<double> StoredAsync(long count)
    {
        long sum = 0;
        await using var store = new MemoryStreamStore();
        await using var consecutor = new Consecutor<long>("stored",
            source => Maps.All.Aggregate(source, static (before, map) => before | map) | (value => { sum += value; }),
            new() { Store = store, Delivery = DeliveryGuarantee.Replay(3) });
        await consecutor.StartAsync();
        await (Source.Range(0, count) | consecutor).RunAsync();
        await consecutor.WaitForIdleAsync();
        return sum;
    }

    private sealed class NoExporter<T> : BaseExporter<T> where T : class
    {
        public override ExportResult Export(in Batch<T> batch) => ExportResult.Success;
    }
}
