namespace Sluice.Bench;

/// <summary>The figures that the library must reach, in one place. They are compared after rounding to three decimals.</summary>
internal static class Gates
{
    private static readonly Dictionary<string, double> Ratios = new()
    {
        ["fused/rx"] = 0.7,
        ["fused/linq"] = 0.7,
        ["fused/delegate-loop"] = 1.0,
        ["fused-async/async-enumerable"] = 0.2,
        ["boundary/channels"] = 0.25,
        ["boundary/tpl"] = 0.125,
        ["tracked/fused"] = 1.15,
        ["tracked-boundary/boundary"] = 1.15,
        ["parallel/tpl"] = 0.6,
        ["parallel-async/tpl"] = 0.5,
        ["parallel-async/foreach-async"] = 1.0,
        ["parse/linq"] = 0.9,
        ["wide/linq"] = 0.7,
        ["polluted/rx"] = 0.7,
        ["polluted/linq"] = 0.7,
        ["delay/foreach-async"] = 1.1,
        ["heavy/tpl"] = 1.0,
        ["heavy/plinq"] = 1.0,
        ["keyed/channels"] = 0.8,
        ["keyed/tpl"] = 0.5,
        ["broadcast/rx"] = 1.0,
        ["broadcast-buffered/channels"] = 0.5,
        ["route/rx"] = 0.5,
        ["route-buffered/channels"] = 0.5,
        ["latency/channels"] = 1.0,
        ["latency/tpl"] = 0.7,
        ["latency-p99/channels"] = 1.2,
        ["startup/rx"] = 0.9,
        ["startup-buffered/tpl"] = 0.2,
        ["startup-buffered/channels"] = 0.8,
        ["airports/hand-loop"] = 1.1,
        ["airports-parallel/parallel-for"] = 1.1,
        ["durable/raw-sqlite"] = 1.3,
        ["durable-batch/raw-sqlite"] = 0.6,
        ["durable-single/raw-commit"] = 1.2,
        ["stateful/durable"] = 1.3,
        ["chained/durable"] = 2.2,
        ["recover/recover-small"] = 2.0,
        ["http/parse-only"] = 1.4,
        ["redis/redis-benchmark"] = 4.0,
        ["redis-append/redis-benchmark"] = 2.5,
        ["files/small"] = 11,
        ["files-driver/small"] = 1.15,
        ["files-reader/small"] = 1.15,
        ["files-extractor/small"] = 1.15,
        ["files-indexer/small"] = 1.15,
        ["files-store/small"] = 1.15,
        ["files-200k/small"] = 11,
        ["files-200k-driver/small"] = 1.15,
        ["files-200k-reader/small"] = 1.15,
        ["files-200k-extractor/small"] = 1.15,
        ["files-200k-indexer/small"] = 1.15,
        ["files-200k-store/small"] = 1.15,
        ["hop/xadd-round-trip"] = 1.6,
        ["postgres/unnest-by-hand"] = 2.0,
        ["postgres-append/unnest-by-hand"] = 1.0,
        ["postgres-queue-1/skip-locked"] = 0.1,
        ["postgres-queue-8/skip-locked"] = 0.1,
        ["postgres-queue-64/skip-locked"] = 0.1,
        ["postgres-tx/outbox-row"] = 1.3,
        ["postgres-hop/insert-notify"] = 1.5,
        ["postgres-sustained/first-fifth"] = 1.1,
        ["python-map/pool"] = 2.0,
        ["celery-start/celery-round-trip"] = 1.3,
        ["dag/when-all"] = 0.5,
        ["dag-yield/when-all"] = 0.8,
        ["diamond/hand-written"] = 1.1,
        ["diamond-sync/hand-written"] = 1.3,
        ["resolve/hand-written"] = 1.15,
        ["dataflow/hand-written"] = 1.3,
        ["deep-chain/thousand"] = 3.0,
        ["deep-wide/thousand"] = 3.0,
        ["failing/async"] = 1.0,
        ["fused-metrics/off"] = 1.05,
        ["fused-trace/off"] = 1.05,
        ["boundary-metrics/off"] = 1.05,
        ["boundary-trace/off"] = 1.05,
        ["dashboard/core"] = 0.03,
        ["top-sqlite-first/second"] = 1.0,
        ["top-sqlite/core"] = 0.05,
        ["top-redis-first/second"] = 1.0,
        ["top-redis/core"] = 0.05,
    };

    // On one core, no variant gains by running in parallel.
    private static readonly Dictionary<string, double> RatiosOnOneCore = new()
    {
        ["boundary/channels"] = 0.33,
        ["boundary/tpl"] = 0.2,
    };

    // No bytes per item; the allocations of a run are spread over its items, which are few in the quick form.
    private static readonly Dictionary<string, double> Bytes = new()
    {
        ["fused"] = 0.05,
        ["boundary"] = 2.0,
        ["tracked"] = 2.0,
        ["tracked-boundary"] = 2.0,
        ["resolve"] = 1_538,                         // what the same takes by hand
    };

    // Nanoseconds per item, where there is no peer to compare with.
    private static readonly Dictionary<string, double> Times = new()
    {
        ["process sluice"] = 2_500,
        ["process json"] = 6_000,
    };

    /// <summary>The highest ratio that passes; null if there is no gate.</summary>
    public static double? Ratio(string name)
    {
        if (Environment.ProcessorCount == 1 && RatiosOnOneCore.TryGetValue(name, out var alone)) return alone;
        return Ratios.TryGetValue(name, out var gate) ? gate : null;
    }

    /// <summary>The most bytes per item that pass; null if there is no gate.</summary>
    public static double? BytesPerItem(string comparison) => Bytes.TryGetValue(comparison, out var gate) ? gate : null;

    /// <summary>The most nanoseconds per item of a variant that pass, by comparison and variant; null if there is no gate.</summary>
    public static double? NanosecondsPerItem(string name) => Times.TryGetValue(name, out var gate) ? gate : null;
}
