using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Diagnostics.Tracing;
using Sluice.Diagnostics;
using Sluice.Flows;
using Sluice.Graphs;
using Sluice.Storage;
using Sluice.Tests.Delivery.Traces;
using Sluice.Tests.Executors;

namespace Sluice.Tests.Persisted;

/// <summary>
/// What dashboards and collectors ask for: the meter, its instruments with their units, the spans, their tags and their outcomes, and the
/// event source.
/// </summary>
/// <remarks>Other tests run at the same time, so only names are looked at, and spans of a parent of the test's own.</remarks>
[Collection(SpanTests.Name)]
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
                instruments[instrument.Name] = $"{instrument.Unit} {instrument.GetType().Name.Split('`')[0]}";
                self.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<long>((instrument, _, given, _) => Note(instrument, given));
        listener.SetMeasurementEventCallback<double>((instrument, _, given, _) => Note(instrument, given));
        listener.Start();
        await (Source.From([1]) | (static _ => { })).RunAsync(cancellation: Cancellation);
        await Assert.ThrowsAsync<PipelineException>(() => Failing().RunAsync(cancellation: Cancellation));
        GraphBuilder<int> builder = Graph.For<int>("pinned");
        builder.Add("price", static n => n);
        await builder.Build().ResolveAsync(1, Cancellation);
        await RunConsecutorsAsync(listener);
        await RunFlowAsync(listener, ()
            => tags.Keys.Any(static one => one.StartsWith("sluice.processor.pending", StringComparison.Ordinal)));

        Assert.Equal(
        [
            "messaging.client.consumed.messages {message} Counter", "messaging.client.operation.duration s Histogram",
            "messaging.client.sent.messages {message} Counter", "messaging.process.duration s Histogram",
            "sluice.commit.items {item} Histogram", "sluice.commit.size By Histogram",
            "sluice.consecutor.dead_letters {item} ObservableUpDownCounter", "sluice.consecutor.in_flight {item} ObservableUpDownCounter",
            "sluice.consecutor.oldest.age s ObservableGauge", "sluice.consecutor.parked {item} ObservableUpDownCounter",
            "sluice.consecutor.partitions {partition} ObservableUpDownCounter",
            "sluice.consecutor.pending {item} ObservableUpDownCounter", "sluice.consecutor.retrying {item} ObservableUpDownCounter",
            "sluice.consecutor.suspect {item} ObservableUpDownCounter", "sluice.graph.resolves {resolve} Counter",
            "sluice.node.blocked.time s ObservableCounter", "sluice.node.items.failed {item} ObservableCounter",
            "sluice.node.items.in {item} ObservableCounter", "sluice.node.items.out {item} ObservableCounter",
            "sluice.node.items.retried {item} ObservableCounter", "sluice.node.items.skipped {item} ObservableCounter",
            "sluice.node.queue.depth {item} ObservableUpDownCounter", "sluice.node.time s ObservableCounter",
            "sluice.processor.in_flight {item} ObservableUpDownCounter", "sluice.processor.pending {item} ObservableUpDownCounter",
            "sluice.run.active {run} ObservableUpDownCounter", "sluice.run.ended {run} Counter",
            "sluice.state.memory By ObservableUpDownCounter", "sluice.state.rows.written {row} Counter",
        ], instruments.Select(static one => $"{one.Key} {one.Value}").Order(StringComparer.Ordinal));
        Assert.Superset(
            new HashSet<string>
            {
                "sluice.run.ended sluice.outcome=completed", "sluice.run.ended sluice.outcome=failed",
                "sluice.graph.resolves sluice.graph.name=pinned sluice.outcome=completed",
            },
            tags.Keys.ToHashSet());
        Assert.Contains(tags.Keys, static one => one == "sluice.node.items.in sluice.node.name=source-1");
        const string Sent = "messaging.system=sluice messaging.operation.name=send messaging.operation.type=send "
            + "messaging.destination.name=pinned-a";
        const string Group = "messaging.destination.name=pinned-a messaging.consumer.group.name=pinned-a";
        const string Processed = "messaging.system=sluice messaging.operation.name=process messaging.operation.type=process " + Group;
        const string Leased = "messaging.system=sluice messaging.operation.name=lease messaging.operation.type=receive " + Group;
        const string Committed = "messaging.system=sluice messaging.operation.name=commit messaging.operation.type=settle " + Group;
        Assert.Equal(
        [
            $"messaging.client.consumed.messages {Leased}",
            $"messaging.client.operation.duration {Committed}", $"messaging.client.operation.duration {Leased}",
            $"messaging.client.operation.duration {Sent}", $"messaging.client.sent.messages {Sent}",
            $"messaging.process.duration {Processed}", $"messaging.process.duration {Processed} error.type=System.FormatException",
            .. new[]
            {
                "sluice.commit.items", "sluice.commit.size", "sluice.consecutor.dead_letters", "sluice.consecutor.in_flight",
                "sluice.consecutor.oldest.age", "sluice.consecutor.parked", "sluice.consecutor.partitions", "sluice.consecutor.pending",
                "sluice.consecutor.retrying", "sluice.consecutor.suspect",
            }.Select(static name => $"{name} messaging.system=sluice {Group}"),
            .. new[] { "blocked.time", "items.failed", "items.in", "items.out", "items.retried", "items.skipped", "queue.depth" }
                .Select(static name => $"sluice.node.{name} sluice.node.name=double messaging.destination.name=pinned-a"),
            $"sluice.state.memory messaging.system=sluice {Group}", $"sluice.state.rows.written messaging.system=sluice {Group}",
        ], tags.Keys.Where(static one => one.Contains("name=pinned-a", StringComparison.Ordinal)
            && (!one.StartsWith("sluice.node.", StringComparison.Ordinal) || one.Contains("=double", StringComparison.Ordinal)))
            .Order(StringComparer.Ordinal));
        const string Processor = "sluice.processor.name=pinned-p";
        Assert.Equal(
        [
            $"messaging.client.consumed.messages {Operation("read", "receive")} {Processor}",
            $"messaging.client.sent.messages {Operation("send", "send")} {Processor}",
            $"messaging.process.duration {Operation("process", "process")} {Processor}",
            $"sluice.processor.in_flight messaging.system=sluice {Processor}",
            $"sluice.processor.pending messaging.system=sluice {Processor}",
            $"sluice.run.active messaging.system=sluice {Processor}", $"sluice.run.ended sluice.outcome=completed {Processor}",
        ], tags.Keys.Where(static one => one.EndsWith(Processor, StringComparison.Ordinal)).Order(StringComparer.Ordinal));

        static string Operation(string name, string type)
            => $"messaging.system=sluice messaging.operation.name={name} messaging.operation.type={type}";

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
        await RunConsecutorsAsync(null);
        await RunFlowAsync(null, null);

        IEnumerable<string> outcomes = await OutcomesOfThePageAsync();
        lock (stopped)
        {
            Assert.Equal(
            [
                "sluice.commit", "sluice.create", "sluice.flow.start", "sluice.function",
                "sluice.graph sluice.outcome=completed", "sluice.graph sluice.outcome=failed",
                "sluice.node", "sluice.node sluice.outcome=completed", "sluice.node sluice.outcome=failed",
                "sluice.process", "sluice.processor", "sluice.run sluice.outcome=cancelled", "sluice.run sluice.outcome=completed",
                "sluice.run sluice.outcome=failed", "sluice.send", "sluice.step sluice.outcome=failed",
                "sluice.step sluice.outcome=succeeded",
            ],
            stopped.Where(span => span.TraceId == caller.TraceId)
                .Select(static span => span.GetTagItem("sluice.outcome") is { } outcome
                    ? $"{span.OperationName} sluice.outcome={outcome}" : span.OperationName)
                .Distinct().Order(StringComparer.Ordinal));
            // The page has the values of all spans and instruments.
            Assert.Equal(outcomes,
                stopped.Where(span => span.TraceId == caller.TraceId).Select(static span => span.GetTagItem("sluice.outcome"))
                    .OfType<string>().Distinct().Order(StringComparer.Ordinal));
        }
    }

    private static async Task<IEnumerable<string>> OutcomesOfThePageAsync()
    {
        string folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Sluice.slnx"))) folder = Path.GetDirectoryName(folder)!;
        string row = (await File.ReadAllLinesAsync(Path.Combine(folder, "docs", "operations", "metrics.md"), Cancellation))
            .Single(static line => line.StartsWith("| outcome |", StringComparison.Ordinal));
        return row.Split('`').Where(static (_, i) => i % 2 == 1).Where(static text => !text.StartsWith("sluice.", StringComparison.Ordinal))
            .Order(StringComparer.Ordinal);
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
        Assert.Contains("<event value=\"2\"", manifest, StringComparison.Ordinal);
        Assert.Contains("symbol=\"Details\"", manifest, StringComparison.Ordinal);
        Assert.Contains("<data name=\"text\"", manifest, StringComparison.Ordinal);
    }

    /// <summary>Two consecutors, of which the first puts out items for the second, and fails for one item.</summary>
    private static async Task RunConsecutorsAsync(MeterListener? listener)
    {
        await using var store = new MemoryStreamStore();
        var options = new ConsecutorOptions { Store = store, Delivery = DeliveryGuarantee.Track(10) };
        await using var second = new Consecutor<int>("pinned-b", static source => source | (static _ => { }) | Stage.Named("end"), options);
        await using var first = new Consecutor<int>("pinned-a", static source => source
            .Select(static n => n < 0 ? throw new FormatException() : 2 * n) | Stage.Named("double")
            | Sink.Output<int>("out"), options);
        first.Output<int>("out").To(second);
        await first.StartAsync(Cancellation);
        await second.StartAsync(Cancellation);
        await first.SendAsync(1, Cancellation);
        await first.SendAsync(-1, Cancellation);
        await first.WaitForIdleAsync(Cancellation);
        await second.WaitForIdleAsync(Cancellation);
        listener?.RecordObservableInstruments();
    }

    /// <summary>A flow of one processor, whose function is executed through messages. The listener collects while it works.</summary>
    private static async Task RunFlowAsync(MeterListener? listener, Func<bool>? hasBacklog)
    {
        await using var store = new MemoryStreamStore();
        var pinned = new Processor("pinned-p") { Inputs = ["x"], Outputs = ["y"] };
        var functions = new ProcessorFunctions
        {
            {
                pinned, async (IO<int> x, IOWriter<int> y) =>
                {
                    await foreach (int value in x.StreamAsync())
                    {
                        await y.WriteAsync(value);
                        // The first collection asks the store for the backlog in the background.
                        while (listener is not null && !hasBacklog!())
                        {
                            listener.RecordObservableInstruments();
                            await Task.Yield();
                            Cancellation.ThrowIfCancellationRequested();
                        }
                    }
                }
            },
        };
        await using var supervisor = Supervisor.Attach(store, new() { Executor = MessageExecutor.Of(functions) });
        supervisor.Register(functions);
        await using FlowRun run = await supervisor.StartAsync(Flow.From(pinned).Resolve(), [IOVal.Of("x", 1)], cancellation: Cancellation);
        await run.Completion;
    }

    private static Pipeline Failing()
        => Source.From([1]).Select(static n => n == 1 ? throw new FormatException() : n).ForEach(static _ => { });
}
