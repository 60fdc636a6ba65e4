using System.Diagnostics;
using System.Runtime.CompilerServices;
using Sluice.Flows;
using Sluice.Tests.Delivery.Traces;

namespace Sluice.Tests.Flows;

/// <summary>
/// The traces of values around loops: values that are put out behind a loop, loops that are left, pairs of which one value has no
/// trace.
/// </summary>
[Collection(SpanTests.Name)]
public class LoopTraceTests
{
    private static readonly Processor Copy = new("copy") { Inputs = ["x"], Outputs = ["y"] };
    private static readonly Processor Show = new("show") { Inputs = ["y"] };

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task AValueThatIsPutOutBehindALoopIsBelowTheProcessor(bool isWrapped, bool isLeft)
    {
        using var log = new SpanLog();
        await using var lab = new FlowLab();
        lab.Join().Register(Copy, async (IO<int> x, IOWriter<int> y) =>
        {
            await foreach (int _ in isWrapped ? WrapAsync(x.StreamAsync()) : x.StreamAsync())
                if (isLeft) break;
            await y.WriteAsync(1);
        });
        lab.Join().Register(Show, static async (IO<int> y) =>
        {
            await foreach (int _ in y.StreamAsync()) continue;
        });
        await RunAsync(lab, Flow.From(Copy, Show), IOVal.Of("x", 1));

        Assert.Equal(log["processor copy"].SpanId, log["process show"].ParentSpanId);
    }

    [Fact]
    public async Task TheSpanOfAValueEndsWhereItsLoopIsLeft()
    {
        using var log = new SpanLog();
        await using var lab = new FlowLab();
        DateTime later = default;
        lab.Join().Register(Copy, async (IO<int> x, IOWriter<int> y) =>
        {
            await foreach (int value in x.StreamAsync()) break;
            DateTime left = DateTime.UtcNow;
            while (DateTime.UtcNow <= left) { }
            later = DateTime.UtcNow;
            await y.WriteAsync(1);
        });
        await RunAsync(lab, Flow.From(Copy), IOVal.Of("x", 1));

        Activity value = log["process copy"];
        Assert.True(value.StartTimeUtc + value.Duration < later);
    }

    [Fact]
    public async Task APairWhoseFirstValueHasNoTraceIsBelowItsSecondValue()
    {
        using var log = new SpanLog();
        await using var lab = new FlowLab();
        Activity.Current = null;                     // the run has no trace; the value from outside has one of its own
        var quiet = new Processor("quiet") { Inputs = ["x"], Outputs = ["z"] };
        var pairs = new Processor("pairs") { Inputs = ["z", "y"] };
        Supervisor service = lab.Join();
        service.Register(quiet, static async (IO<int> x, IOWriter<int> z) => await z.WriteAsync(await x.FirstAsync()));
        service.Register(Copy, async (IO<int> x, IOWriter<int> y) =>
        {
            int value = await x.FirstAsync();
            Activity.Current = log.Sender;
            await y.WriteAsync(value);
        });
        service.Register(pairs, static async (IO<int> z, IO<int> y) =>
        {
            await foreach ((int, int) _ in z.Zip(y)) continue;
        });
        await RunAsync(lab, Flow.From(Copy, quiet, pairs), IOVal.Of("x", 1));

        Assert.Equal("process pairs", log.Tree);
    }

    /// <remarks>Regression: behind a <c>yield return</c> the span of the processor was current.</remarks>
    [Fact]
    public async Task TheSpanOfAValueIsCurrentInAllOfItsLoop()
    {
        using var log = new SpanLog();
        await using var lab = new FlowLab();
        List<Activity?> current = [];
        lab.Join().Register(Copy, (ProcessorContext context, CancellationToken cancellation) => CopyAsync(context, cancellation));
        await RunAsync(lab, Flow.From(Copy), IOVal.Of("x", 1));

        Assert.Equal([log["process copy"], log["process copy"], log["processor copy"]], current);

        async IAsyncEnumerable<IOVal> CopyAsync(ProcessorContext context, [EnumeratorCancellation] CancellationToken cancellation)
        {
            await foreach (int value in context.Input<int>("x").StreamAsync(cancellation))
            {
                current.Add(Activity.Current);
                yield return IOVal.Of("y", value);
                current.Add(Activity.Current);
                yield return IOVal.Of("y", value);
            }
            current.Add(Activity.Current);
        }
    }

    private static async Task RunAsync(FlowLab lab, Flow flow, params IEnumerable<IOVal> inputs)
    {
        await using FlowRun run = await lab.Join().StartAsync(flow.Resolve(), inputs, run: "r");
        await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
    }

    private static async IAsyncEnumerable<int> WrapAsync(IAsyncEnumerable<int> values,
        [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        await foreach (int value in values.WithCancellation(cancellation)) yield return value;
    }
}
