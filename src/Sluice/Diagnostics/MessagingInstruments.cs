using System.Diagnostics.Metrics;

namespace Sluice.Diagnostics;

/// <summary>
/// The instruments of consecutors: those of OpenTelemetry's conventions for messaging, and ours for what these lack.
/// docs/operations/metrics.md describes them.
/// </summary>
internal static class MessagingInstruments
{
    // The conventions ask for these boundaries, in seconds.
    private static readonly InstrumentAdvice<double> Seconds = new()
    {
        HistogramBucketBoundaries = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10],
    };

    private static readonly InstrumentAdvice<long> Items = new()
    {
        HistogramBucketBoundaries = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000],
    };

    private static readonly InstrumentAdvice<long> Bytes = new()
    {
        HistogramBucketBoundaries = [0, 1 << 8, 1 << 10, 1 << 12, 1 << 14, 1 << 16, 1 << 18, 1 << 20, 1 << 22],
    };

    public static readonly Counter<long> Sent = Telemetry.Meter.CreateCounter<long>("messaging.client.sent.messages", "{message}",
        "Items that were sent to a consecutor, by error type if they were not accepted.");

    public static readonly Counter<long> Consumed = Telemetry.Meter.CreateCounter<long>("messaging.client.consumed.messages", "{message}",
        "Items that a consecutor has leased; each attempt counts.");

    public static readonly Histogram<double> Operations = Telemetry.Meter.CreateHistogram("messaging.client.operation.duration", "s",
        "Duration of the operations send, lease and commit.", null, Seconds);

    public static readonly Histogram<double> Processing = Telemetry.Meter.CreateHistogram("messaging.process.duration", "s",
        "Duration of an attempt at an item, from the start of the pipeline to its end.", null, Seconds);

    public static readonly Histogram<long> CommitItems = Telemetry.Meter.CreateHistogram("sluice.commit.items", "{item}",
        "Items whose outcome one commit has.", null, Items);

    public static readonly Histogram<long> CommitSize = Telemetry.Meter.CreateHistogram("sluice.commit.size", "By",
        "Size of outputs, dead letters and state in one commit.", null, Bytes);

    public static readonly Counter<long> StateRowsWritten = Telemetry.Meter.CreateCounter<long>("sluice.state.rows.written",
        "{row}", "Rows of state that commits have written or removed; a row counts each time.");
}
