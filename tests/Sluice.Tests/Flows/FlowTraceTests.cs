using System.Diagnostics;
using Sluice.Flows;
using Sluice.Tests.Delivery.Traces;

namespace Sluice.Tests.Flows;

/// <summary>The trace of a run: from its start into the processors, in whichever service.</summary>
[Collection(SpanTests.Name)]
public class FlowTraceTests
{
    private static readonly Processor Double = new("double") { Inputs = ["x"], Outputs = ["y"] };
    private static readonly Processor Show = new("show") { Inputs = ["y"] };

    [Fact]
    public async Task TheProcessorsOfARunAreInTheTraceOfItsStart()
    {
        using var log = new SpanLog();
        await using var lab = new FlowLab();
        string? inside = null;
        lab.Join().Register(Double, async (IO<int> x, IOWriter<int> y) =>
        {
            inside = Activity.Current?.DisplayName;
            await y.WriteAsync(2 * await x.FirstAsync());
        });
        lab.Join().Register(Show, async (IO<int> y) => { await y.FirstAsync(); });
        FlowRun run = await lab.Join().StartAsync(Flow.From(Double, Show).Resolve(), [IOVal.Of("x", 1)], run: "r");
        Assert.Same(log.Sender, Activity.Current);
        await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);

        Assert.Equal("""
            start flow
              processor double
              processor show
            """, log.Tree, ignoreLineEndingDifferences: true);
        Assert.Equal("processor double", inside);
        Assert.Equal(("double", "r", 1), (log["processor double"].GetTagItem("sluice.processor.name"),
            log["processor double"].GetTagItem("sluice.flow.run"), log["processor double"].GetTagItem("sluice.attempt")));
    }

    [Fact]
    public async Task AProcessorThatFailsIsAnErrorOfItsSpan()
    {
        using var log = new SpanLog();
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        service.Register(Show, async (IO<int> y) =>
        {
            await y.FirstAsync();
            throw new FormatException("no");
        });
        FlowRun run = await service.StartAsync(Flow.From(Show).Resolve(), [IOVal.Of("y", 1)]);
        await Assert.ThrowsAnyAsync<Exception>(() => run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation));

        Assert.Equal("start flow\n  processor show ! System.FormatException", log.Tree);
    }

    [Fact]
    public void APlanHasTheTraceOfACallerThatIsRecordedAndNoOther()
    {
        using var log = new SpanLog();
        var plan = new RunPlan("r", "k", "s", [], [], []);
        Assert.Equal((log.Sender.Id, "vendor=1"), (FlowSpans.With(plan, null).Trace, FlowSpans.With(plan, null).TraceState));
        log.Sender.ActivityTraceFlags = ActivityTraceFlags.None;
        Assert.Null(FlowSpans.With(plan, null).Trace);
    }

    [Fact]
    public async Task AStartThatFailsIsAnErrorOfItsSpan()
    {
        using var log = new SpanLog();
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        var flow = Flow.From(Show).Resolve();
        await using FlowRun run = await service.StartAsync(flow, [IOVal.Of("y", 1)], run: "r");
        await Assert.ThrowsAsync<ArgumentException>(async () => await service.StartAsync(flow, [IOVal.Of("y", 2)], run: "r"));

        Assert.Contains("start flow ! ", log.Tree, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("garbage")]
    [InlineData("00-00000000000000000000000000000000-0000000000000000-01")]
    [InlineData("")]
    public void ADamagedTraceInAPlanIsLeftOut(string trace)
    {
        using var log = new SpanLog();
        var plan = new RunPlan("r", "k", "s", [], [], []) { Trace = trace, TraceState = new string('x', 5000) };

        Assert.Null(FlowSpans.BeginProcessor(plan, "p", 1));
        Assert.Null(FlowSpans.BeginProcessor(plan with { Trace = new string('0', 100_000) }, "p", 1));
        Assert.NotNull(FlowSpans.BeginProcessor(plan with { Trace = log.Sender.Id }, "p", 1));
    }
}
