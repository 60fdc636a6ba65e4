using Sluice.Flows;
using Sluice.Tests.Delivery.Traces;

namespace Sluice.Tests.Flows;

/// <summary>The metrics of processors: values read, put out, processed and failed; starts; the backlog, and what is in flight.</summary>
[Collection(SpanTests.Name)]
public sealed class FlowMetricsTests : IDisposable
{
    private readonly MetricLog log = new(tag: null);

    public void Dispose() => log.Dispose();

    [Fact]
    public async Task AProcessorHasTheMetricsOfItsValues()
    {
        const string Of = "messaging.system=sluice messaging.operation.name={0} messaging.operation.type={1} "
            + "sluice.processor.name=measured";
        await using var lab = new FlowLab();
        var measured = new Processor("measured") { Inputs = ["x"], Outputs = ["y"] };
        Supervisor service = lab.Join();
        service.Register(measured, static async (IO<int> x, IOWriter<int> y) =>
        {
            await foreach (int value in x.StreamAsync())
            {
                if (value == 3) throw new FormatException("no");
                await y.WriteAsync(value);
            }
        });
        FlowRun run = await service.StartAsync(Flow.From(measured).Resolve(), [IOVal.Of("x", 1), IOVal.Of("x", 2), IOVal.Of("x", 3)]);
        await Assert.ThrowsAnyAsync<Exception>(() => run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation));

        Assert.Equal(3, Sum("messaging.client.consumed.messages", Format(Of, "read", "receive")));
        Assert.Equal(2, Sum("messaging.client.sent.messages", Format(Of, "send", "send")));
        Assert.Equal(2, Count("messaging.process.duration", Format(Of, "process", "process")));
        Assert.Equal(1, Count("messaging.process.duration", Format(Of, "process", "process") + " error.type=System.FormatException"));
        Assert.Equal(1, Sum("sluice.run.ended", "sluice.outcome=failed sluice.processor.name=measured"));
    }

    [Fact]
    public async Task AListenerOfAValueMayWaitForAnotherValueOfTheOutput()
    {
        await using var lab = new FlowLab();
        var busy = new Processor("busy") { Outputs = ["y"] };
        IOWriter<int>? output = null;
        bool? hasWritten = null;
        using var listening = new MetricLog("sluice.processor.name=busy", name =>
        {
            if (name != "messaging.client.sent.messages" || hasWritten is not null) return;
            hasWritten = false;
            hasWritten = Task.Run(() => output!.WriteAsync(2).AsTask()).Wait(FlowLab.Patience);
        });
        Supervisor service = lab.Join();
        service.Register(busy, async (IOWriter<int> y) =>
        {
            output = y;
            await y.WriteAsync(1);
        });
        await using FlowRun run = await service.StartAsync(Flow.From(busy).Resolve(), []);
        await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);

        Assert.True(hasWritten);
        Assert.Equal([1, 2], await FlowLab.ReadAsync(run.Output<int>("y")));
    }

    [Fact]
    public async Task AProcessorOfSingleValuesIsMeasuredAsAWhole()
    {
        await using var lab = new FlowLab();
        var single = new Processor("single") { Inputs = ["x"], Outputs = ["y"] };
        Supervisor service = lab.Join();
        service.Register(single, static async (IO<int> x) => 2 * await x.FirstAsync());
        await using FlowRun run = await service.StartAsync(Flow.From(single).Resolve(), [IOVal.Of("x", 1)]);
        await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);

        Assert.Equal(1, Count("messaging.process.duration", "messaging.system=sluice messaging.operation.name=process "
            + "messaging.operation.type=process sluice.processor.name=single"));
        Assert.Equal(1, Sum("sluice.run.ended", "sluice.outcome=completed sluice.processor.name=single"));
    }

    [Fact]
    public async Task AProcessorAtWorkHasABacklogAndAValueInFlight()
    {
        await using var lab = new FlowLab();
        var slow = new Processor("slow") { Inputs = ["x"] };
        var isInside = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var goesOn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Supervisor service = lab.Join();
        service.Register(slow, async (IO<int> x) =>
        {
            await foreach (int value in x.StreamAsync())
            {
                if (value < 3) continue;
                isInside.TrySetResult();
                await goesOn.Task;
            }
        });
        await using FlowRun run = await service.StartAsync(Flow.From(slow).Resolve(),
            Enumerable.Range(1, 10).Select(static n => IOVal.Of("x", n)));
        using var atLast = new Release(goesOn);
        await isInside.Task.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);

        const string Tags = "messaging.system=sluice sluice.processor.name=slow";
        var late = new TimeoutException("The backlog of the processor slow was never collected.");
        for (long from = Environment.TickCount64; !Has("sluice.processor.pending", Tags);)
        {
            if (Environment.TickCount64 - from > FlowLab.Patience.TotalMilliseconds) throw late;
            log.Collect();                                   // the first collection asks the store in the background
            await Task.Yield();
        }
        Assert.Equal(8, Last("sluice.processor.pending", Tags));
        Assert.Equal(1, Last("sluice.processor.in_flight", Tags));
        Assert.Equal(1, Last("sluice.run.active", Tags));

        goesOn.TrySetResult();
        await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        log.Clear();
        log.Collect();
        Assert.False(Has("sluice.processor.in_flight", Tags), "An ended start has a point still.");
    }

    /// <summary>Lets a function go on, also after a failed check.</summary>
    private sealed class Release(TaskCompletionSource waiting) : IDisposable
    {
        public void Dispose() => waiting.TrySetResult();
    }

    private bool Has(string name, string tags) => Count(name, tags) > 0;

    private int Count(string name, string tags) => Find(name, tags).Length;

    private double Sum(string name, string tags) => Find(name, tags).Sum();

    private double Last(string name, string tags) => Find(name, tags)[^1];

    private double[] Find(string name, string tags) => log.Values(name, tags);

    private static string Format(string form, params object[] values)
        => string.Format(System.Globalization.CultureInfo.InvariantCulture, form, values);
}
