using System.Diagnostics.Metrics;

namespace Sluice.Diagnostics;

/// <summary>The present figures of a consecutor.</summary>
/// <remarks><c>Pending</c> and <c>Dead</c> are about the whole group, as this member knows it; the others are about this member.</remarks>
internal readonly record struct BacklogFigures(
    long Pending, long InFlight, long Retrying, long Parked, long Suspect, long Dead, long Partitions, long StateBytes);

/// <summary>A running consecutor, as telemetry sees it.</summary>
internal interface IObservedConsecutor
{
    string Name { get; }

    /// <summary>Returns the figures. Any thread; never waits.</summary>
    BacklogFigures Observe();

    /// <summary>Returns the age of the oldest item; null if it is not known. Any thread; never waits.</summary>
    TimeSpan? ObserveOldest();
}

/// <summary>The gauges of the running consecutors of this process. Collection reads the figures that their ledgers have anyway.</summary>
/// <remarks>
/// Thread-safe. Consecutors of one name have one value: the sum of what is in this process, and the largest value of what the whole group
/// shares.
/// </remarks>
internal static class BacklogTelemetry
{
    private static readonly Lock Sync = new();
    private static readonly HashSet<IObservedConsecutor> Running = [];

    static BacklogTelemetry()
    {
        Gauge("sluice.consecutor.pending", "{item}", static now => now.Pending,
            "Accepted items that no attempt has begun with, of all members.");
        Gauge("sluice.consecutor.in_flight", "{item}", static now => now.InFlight, "Items in the pipeline of this process.", isSum: true);
        Gauge("sluice.consecutor.retrying", "{item}", static now => now.Retrying, "Failed items that wait for their next attempt.",
            isSum: true);
        Gauge("sluice.consecutor.parked", "{item}", static now => now.Parked,
            "Items that wait for other code, or for an item of their key.", isSum: true);
        Gauge("sluice.consecutor.suspect", "{item}", static now => now.Suspect,
            "Items that were in flight when a process died, and run alone.", isSum: true);
        Gauge("sluice.consecutor.dead_letters", "{item}", static now => now.Dead, "Dead letters of the consecutor.");
        Gauge("sluice.consecutor.partitions", "{partition}", static now => now.Partitions, "Partitions that this process has leased.",
            isSum: true);
        Gauge("sluice.state.memory", "By", static now => now.StateBytes, "Memory of the rows of state, of all consecutors that share it.");
        Telemetry.Meter.CreateObservableGauge("sluice.consecutor.oldest.age", static () =>
            from one in All()
            let age = one.ObserveOldest()
            where age is not null
            group age.Value by one.Name into named
            select new Measurement<double>(named.Max().TotalSeconds, TagsOf(named.Key)), "s",
            "Age of the oldest item that has not ended, since it was accepted.");
    }

    public static void Started(IObservedConsecutor consecutor)
    {
        lock (Sync) Running.Add(consecutor);
    }

    public static void Ended(IObservedConsecutor consecutor)
    {
        lock (Sync) Running.Remove(consecutor);
    }

    private static void Gauge(string name, string unit, Func<BacklogFigures, long> figure, string description, bool isSum = false)
        => Telemetry.Meter.CreateObservableUpDownCounter(name, () =>
            from one in All()
            group figure(one.Observe()) by one.Name into named
            select new Measurement<long>(isSum ? named.Sum() : named.Max(), TagsOf(named.Key)), unit, description);

    private static IObservedConsecutor[] All()
    {
        lock (Sync) return [.. Running];
    }

    private static KeyValuePair<string, object?>[] TagsOf(string name) =>
    [
        new(TelemetryNames.System, TelemetryNames.Sluice), new(TelemetryNames.Destination, name), new(TelemetryNames.Group, name),
    ];
}
