using System.Diagnostics;
using Sluice.Diagnostics;

namespace Sluice.Delivery;

/// <summary>The metrics and spans of a consecutor.</summary>
/// <remarks>
/// Thread-safe. Without a listener, each method costs the test of a field; time stamps are zero then. <see cref="ItemSpans"/> has the spans
/// of items.
/// </remarks>
internal sealed class ConsecutorTelemetry(string name, TimeProvider time)
{
    /// <summary>The error of a send that found no room.</summary>
    public const string Full = "full";

    private readonly KeyValuePair<string, object?>[] send = Tags(name, "send", "send", isConsumer: false);
    private readonly KeyValuePair<string, object?>[] lease = Tags(name, "lease", "receive", isConsumer: true);
    private readonly KeyValuePair<string, object?>[] process = Tags(name, "process", "process", isConsumer: true);
    private readonly KeyValuePair<string, object?>[] commit = Tags(name, "commit", "settle", isConsumer: true);

    private readonly KeyValuePair<string, object?>[] stream =
    [
        new(TelemetryNames.System, TelemetryNames.Sluice), new(TelemetryNames.Destination, name), new(TelemetryNames.Group, name),
    ];

    public string Name => name;

    /// <summary>The name of a span that sends items.</summary>
    public string SendName { get; } = $"send {name}";

    /// <summary>The attributes of a span that sends items.</summary>
    public KeyValuePair<string, object?>[] SendTags => send;

    /// <summary>The attributes of a span that processes an item.</summary>
    public IReadOnlyList<KeyValuePair<string, object?>> ProcessTags => process;

    /// <summary>The attributes of a span that commits items.</summary>
    public IReadOnlyList<KeyValuePair<string, object?>> CommitTags => commit;

    /// <summary>Whether the duration of attempts is recorded.</summary>
    public bool IsProcessingTimed => !IsSilent && MessagingInstruments.Processing.Enabled;

    /// <summary>
    /// Whether nothing is recorded: first attempts at items without a store are not, so those at the failed ones would mislead. Set before
    /// the start.
    /// </summary>
    public bool IsSilent { get; set; }

    /// <summary>The present time stamp of the clock; never zero.</summary>
    public long Now => time.GetTimestamp() is var now && now != 0 ? now : 1;

    /// <summary>The start of an operation of the store, for its end; zero if no listener wants durations.</summary>
    public long BeginOperation() => !IsSilent && MessagingInstruments.Operations.Enabled ? Now : 0;

    /// <summary>An attempt to send items has ended.</summary>
    public void Sent(long began, int items, string? error = null)
    {
        if (!IsSilent && MessagingInstruments.Sent.Enabled)
            Telemetry.Record(static one => MessagingInstruments.Sent.Add(one.items, one.tags), (items, tags: With(send, error)));
        EndOperation(began, send, error);
    }

    /// <summary>An attempt to send items has ended without room. Its items may be sent again; those that are not are
    /// <see cref="Refused"/>.</summary>
    public void SentWithoutRoom(long began) => EndOperation(began, send, Full);

    /// <summary>An item is not accepted, because the stream is full.</summary>
    public void Refused()
    {
        if (!IsSilent && MessagingInstruments.Sent.Enabled)
            Telemetry.Record(static tags => MessagingInstruments.Sent.Add(1, tags), With(send, Full));
    }

    /// <summary>The store has answered a request for entries.</summary>
    public void Leased(long began, IReadOnlyList<LeasedBatch> batches)
    {
        if (!IsSilent && MessagingInstruments.Consumed.Enabled && batches.Count > 0)
            Telemetry.Record(static one => MessagingInstruments.Consumed.Add(one.items, one.tags),
                (items: batches.Sum(static batch => batch.Entries.Length), tags: lease));
        EndOperation(began, lease, null);
    }

    /// <summary>A request for entries has failed.</summary>
    public void NotLeased(long began, Exception failure) => EndOperation(began, lease, TelemetryNames.ErrorOf(failure));

    /// <summary>A commit has been answered or given up.</summary>
    public void Committed(long began, StoreCommit sent, string? error)
    {
        EndOperation(began, commit, error);
        if (error is not null) return;
        if (!IsSilent && MessagingInstruments.CommitItems.Enabled)
            Telemetry.Record(static one => MessagingInstruments.CommitItems.Record(one.items, one.stream),
                (items: sent.Settled.Sum(static range => range.Last - range.First + 1) + sent.Deferred.Count, stream));
        if (!IsSilent && MessagingInstruments.CommitSize.Enabled)
            Telemetry.Record(static one => MessagingInstruments.CommitSize.Record(one.Bytes, one.stream), (sent.Bytes, stream));
        if (!IsSilent && MessagingInstruments.StateRowsWritten.Enabled && sent.State.Count > 0)
            Telemetry.Record(static one => MessagingInstruments.StateRowsWritten.Add(one.Count, one.stream), (sent.State.Count, stream));
    }

    /// <summary>An attempt at an item has ended.</summary>
    /// <param name="began">The time stamp of its start; zero if durations were not wanted then.</param>
    /// <param name="error">Why it has failed; null if it has not.</param>
    public void Processed(long began, string? error)
    {
        if (began != 0)
            Telemetry.Record(static one => MessagingInstruments.Processing.Record(one.Item1, one.Item2),
                (time.GetElapsedTime(began).TotalSeconds, With(process, error)));
    }

    private void EndOperation(long began, KeyValuePair<string, object?>[] tags, string? error)
    {
        if (began != 0)
            Telemetry.Record(static one => MessagingInstruments.Operations.Record(one.Item1, one.Item2),
                (time.GetElapsedTime(began).TotalSeconds, With(tags, error)));
    }

    private static KeyValuePair<string, object?>[] With(KeyValuePair<string, object?>[] tags, string? error)
        => error is null ? tags : [.. tags, new(TelemetryNames.Error, error)];

    private static KeyValuePair<string, object?>[] Tags(string name, string operation, string type, bool isConsumer)
    {
        KeyValuePair<string, object?>[] tags =
        [
            new(TelemetryNames.System, TelemetryNames.Sluice), new(TelemetryNames.Operation, operation),
            new(TelemetryNames.OperationType, type), new(TelemetryNames.Destination, name),
        ];
        return isConsumer ? [.. tags, new(TelemetryNames.Group, name)] : tags;
    }
}
