using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Diagnostics.Tracing;
using Sluice.Diagnostics;
using Sluice.Graphs;

namespace Sluice.Tests.Persisted;

/// <summary>
/// What dashboards and collectors ask for: the meter, its instruments with their units, the spans, their tags and their outcomes, and the
/// event source.
/// </summary>
/// <remarks>Other tests run at the same time, so only names are looked at, and spans of a parent of the test's own.</remarks>
public class TelemetryNameTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task InstrumentsHaveFixedNamesUnitsAndTags()
    {
        ConcurrentDictionary<string, string?> instruments = [];
        ConcurrentDictionary<string, bool> tags = [];
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, self) =>
            {
                if (instrument.Meter.Name != "Sluice") return;
                instruments[instrument.Name] = instrument.Unit;
                self.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<long>((instrument, _, given, _) => Note(instrument, given));
        listener.SetMeasurementEventCallback<int>((instrument, _, given, _) => Note(instrument, given));
        listener.Start();
        await (Source.From([1]) | (static _ => { })).RunAsync(cancellation: Cancellation);
        await Assert.ThrowsAsync<PipelineException>(() => Failing().RunAsync(cancellation: Cancellation));
        GraphBuilder<int> builder = Graph.For<int>("pinned");
        builder.Add("price", static n => n);
        await builder.Build().ResolveAsync(1, Cancellation);
        listener.RecordObservableInstruments();

        Assert.Equal(
        [
            "sluice.graph.resolves {resolve}", "sluice.node.blocked {node}", "sluice.node.items.failed {item}",
            "sluice.node.items.in {item}", "sluice.node.items.out {item}",
            "sluice.node.items.retried {item}", "sluice.node.queued {item}", "sluice.runs {run}", "sluice.runs.active {run}",
        ], instruments.Select(static one => $"{one.Key} {one.Value}").Order(StringComparer.Ordinal));
        Assert.Superset(
            new HashSet<string>
            {
                "sluice.runs outcome=completed", "sluice.runs outcome=failed",
                "sluice.graph.resolves graph=pinned outcome=completed",
            },
            tags.Keys.ToHashSet());
        Assert.Contains(tags.Keys, static one => one == "sluice.node.items.in node=source-1");

        void Note(Instrument instrument, ReadOnlySpan<KeyValuePair<string, object?>> given)
            => tags[string.Join(' ', [instrument.Name, .. given.ToArray().Select(static tag => $"{tag.Key}={tag.Value}")])] = true;
    }

    [Fact]
    public async Task SpansHaveFixedNamesAndOutcomes()
    {
        List<Activity> stopped = [];
        using var listener = new ActivityListener
        {
            ShouldListenTo = static each => each.Name == "Sluice",
            Sample = static (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = span =>
            {
                lock (stopped) stopped.Add(span);
            },
        };
        ActivitySource.AddActivityListener(listener);
        using Activity caller = new Activity("caller").Start();
        await (Source.From([1]) | (static _ => { })).RunAsync(cancellation: Cancellation);
        await Assert.ThrowsAsync<PipelineException>(() => Failing().RunAsync(cancellation: Cancellation));
        PipelineRun endless = (Source.Manual<int>() | (static _ => { })).Start();
        endless.Cancel();
        await endless.Completion.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        await endless.DisposeAsync();
        var half = Step.Of<int, int>(static n => n == 0 ? throw new FormatException() : n / 2);
        await half(2);
        await Assert.ThrowsAnyAsync<Exception>(async () => await half(0));
        GraphBuilder<int> builder = Graph.For<int>("pinned");
        builder.Add("price", static n => n == 0 ? throw new FormatException() : n);
        Graph<int> graph = builder.Build();
        await graph.ResolveAsync(1, Cancellation);
        await Assert.ThrowsAsync<NodeFailedException>(async () => await graph.ResolveAsync(0, Cancellation));

        lock (stopped)
        {
            Assert.Equal(
            [
                "sluice.graph outcome=completed", "sluice.graph outcome=failed", "sluice.node outcome=completed",
                "sluice.node outcome=failed",
                "sluice.run outcome=cancelled", "sluice.run outcome=completed", "sluice.run outcome=failed",
                "sluice.step outcome=failed", "sluice.step outcome=succeeded",
            ],
            stopped.Where(span => span.TraceId == caller.TraceId)
                .Select(static span => string.Join(' ', [span.OperationName,
                    .. span.TagObjects.Select(static tag => $"{tag.Key}={tag.Value}")]))
                .Distinct().Order(StringComparer.Ordinal));
        }
    }

    /// <summary>Tools see the event under the name of its method and its text under the name of the parameter; neither name can be set
    /// separately.</summary>
    [Fact]
    public void WarningEventsHaveFixedNames()
    {
        string manifest = EventSource.GenerateManifest(typeof(WarningEvents), "")!;
        Assert.Contains("name=\"Sluice\"", manifest, StringComparison.Ordinal);
        Assert.Contains("<event value=\"1\"", manifest, StringComparison.Ordinal);
        Assert.Contains("symbol=\"Warning\"", manifest, StringComparison.Ordinal);
        Assert.Contains("<data name=\"text\"", manifest, StringComparison.Ordinal);
    }

    private static Pipeline Failing()
        => Source.From([1]).Select(static n => n == 1 ? throw new FormatException() : n).ForEach(static _ => { });
}
