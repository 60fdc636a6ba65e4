using System.Diagnostics.Metrics;

namespace Sluice.Diagnostics;

/// <summary>A start of a processor in progress, as telemetry sees it.</summary>
internal interface IObservedStart
{
    string Processor { get; }

    /// <summary>The number of values that the function has got and not finished. Any thread; never waits.</summary>
    long InFlight { get; }

    /// <summary>The number of values in the inputs that the function has not finished; null if not known yet. Any thread; never waits.
    /// </summary>
    long? Pending { get; }
}

/// <summary>The gauges of the processors that this process executes. Collection reads figures that their ports have anyway.</summary>
/// <remarks>Thread-safe. Starts of one processor have one value, their sum.</remarks>
internal static class ProcessorGauges
{
    private static readonly Lock Sync = new();
    private static readonly HashSet<IObservedStart> Running = [];

    static ProcessorGauges()
    {
        Telemetry.Meter.CreateObservableUpDownCounter("sluice.processor.in_flight", static () => Sum(static one => one.InFlight), "{item}",
            "Values that functions of this process have got and not finished.");
        Telemetry.Meter.CreateObservableUpDownCounter("sluice.processor.pending", static () => Sum(static one => one.Pending), "{item}",
            "Values that wait in the inputs of processors that this process executes.");
    }

    public static void Started(IObservedStart start)
    {
        RunTelemetry.Prepare();                      // a service of flows may run no pipeline, and its starts are runs, too
        lock (Sync) Running.Add(start);
    }

    public static void Ended(IObservedStart start, string outcome)
    {
        lock (Sync) Running.Remove(start);
        RunTelemetry.StartEnded(start.Processor, outcome);
    }

    /// <summary>The numbers of starts in progress, by processor.</summary>
    public static IEnumerable<Measurement<long>> CountActive() => Sum(static _ => 1);

    private static IEnumerable<Measurement<long>> Sum(Func<IObservedStart, long?> figure)
    {
        IObservedStart[] all;
        lock (Sync) all = [.. Running];
        return from one in all
               let value = figure(one)
               where value is not null
               group value.Value by one.Processor into named
               select new Measurement<long>(named.Sum(), TagsOf(named.Key));
    }

    private static KeyValuePair<string, object?>[] TagsOf(string processor)
        => [new(TelemetryNames.System, TelemetryNames.Sluice), new(TelemetryNames.Processor, processor)];
}
