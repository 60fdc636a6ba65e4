using System.Diagnostics;
using Sluice.Diagnostics;
using Sluice.Flows;
using Sluice.Storage;
using Sluice.Tests.Delivery.Traces;

namespace Sluice.Tests.Flows;

/// <content>The traces that are stored with values: without a listener, without a sampled start, and of values that are too long.</content>
public partial class ValueTraceTests
{
    [Fact]
    public async Task WithoutATraceNothingIsStoredAndNoSpanBegins()
    {
        using var log = new SpanLog();
        log.Sender.ActivityTraceFlags = ActivityTraceFlags.None;
        Activity.Current = null;
        await using var lab = new FlowLab();
        lab.Join().Register(Double, WriteAsync);
        await using FlowRun run = await lab.Join().StartAsync(Flow.From(Double).Resolve(), [IOVal.Of("x", 1)], run: "r", keepOutputs: true);
        Assert.Equal([2], await FlowLab.ReadAsync(run.Output<int>("y")));
        await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);

        ReadResult stored = await lab.Store.ReadAsync(new("flow-io/r/y", 0, 1), FlowLab.Cancellation);
        Assert.True(stored.Entries.Span[0].Headers.IsEmpty);
        Assert.Empty(log.Spans);
    }

    /// <summary>Another service may collect the traces that this one does not.</summary>
    [Fact]
    public async Task WithoutAListenerTheTraceGoesOn()
    {
        using var log = new SpanLog(records: false);
        await using var lab = new FlowLab();
        string? inside = null;
        lab.Join().Register(Double, async (IO<int> x, IOWriter<int> y) =>
        {
            using (Activity own = new Activity("own").Start()) inside = own.TraceId.ToString();
            await foreach (int value in x.StreamAsync()) await y.WriteAsync(value);
        });
        await using FlowRun run = await lab.Join().StartAsync(Flow.From(Double).Resolve(), [IOVal.Of("x", 1)], run: "r", keepOutputs: true);
        await FlowLab.ReadAsync(run.Output<int>("y"));

        ReadResult stored = await lab.Store.ReadAsync(new("flow-io/r/y", 0, 1), FlowLab.Cancellation);
        EntryTrace trace = EntryTrace.FromHeaders(stored.Entries.Span[0].Headers.Span)!;
        Assert.Equal((log.Sender.TraceId, log.Sender.SpanId), (trace.Context.TraceId, trace.Context.SpanId));
        Assert.Equal(log.Sender.TraceId.ToString(), inside);
    }

    /// <summary>A processor that takes messages from elsewhere has a trace for each message.</summary>
    [Fact]
    public async Task AValueBelongsToTheSpanOfTheFunctionThatPutsItOut()
    {
        using var log = new SpanLog();
        Activity.Current = null;
        await using var lab = new FlowLab();
        var poll = new Processor("poll") { Outputs = ["y"] };
        lab.Join().Register(poll, async (IOWriter<int> y) =>
        {
            using Activity message = new Activity("message").SetParentId(log.Sender.TraceId, log.Sender.SpanId,
                ActivityTraceFlags.Recorded).Start();
            await y.WriteAsync(1);
        });
        lab.Join().Register(Show, ReadAsync);
        await RunAsync(lab, Flow.From(poll, Show));

        Assert.Equal(["process show"], log.Spans.Select(static span => span.DisplayName));
    }

    [Fact]
    public async Task AValueThatIsTooLongWithItsTraceHasNone()
    {
        using var log = new SpanLog();
        await using var lab = new FlowLab();
        Processor each = Double with { Resume = ResumeMode.PerItem };
        var text = new Processor("text") { Inputs = ["y"], Outputs = ["z"] };
        lab.Join().Register(each, static async (IO<int> x, IOWriter<string> y) =>
        {
            await foreach (int value in x.StreamAsync()) await y.WriteAsync(new string('x', value));
        });
        lab.Join().Register(text, static async (IO<string> y, IOWriter<string> z) =>
        {
            await foreach (string value in y.StreamAsync()) await z.WriteAsync(value);
        });
        var small = new FlowStreamOptions { MaxItemBytes = 100 };
        Flow flow = Flow.From(each, text).With("y", small).With("z", small).Resolve();
        await using FlowRun run = await lab.Join().StartAsync(flow, [IOVal.Of("x", 10), IOVal.Of("x", 98)]);

        Assert.Equal([10, 98], (await FlowLab.ReadAsync(run.Output<string>("z"))).Select(static value => value.Length));
        Assert.Single(log.Spans, static span => span.DisplayName == "process text");
    }
}
