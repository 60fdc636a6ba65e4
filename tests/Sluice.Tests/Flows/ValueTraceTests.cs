using System.Diagnostics;
using System.Runtime.CompilerServices;
using Sluice.Flows;
using Sluice.Tests.Delivery.Traces;

namespace Sluice.Tests.Flows;

/// <summary>The traces of single values: a value carries on the trace of the value that it came from.</summary>
[Collection(SpanTests.Name)]
public partial class ValueTraceTests
{
    private static readonly Processor Double = new("double") { Inputs = ["x"], Outputs = ["y"] };
    private static readonly Processor Show = new("show") { Inputs = ["y"] };

    public static TheoryData<ResumeMode, string> Styles()
    {
        var all = new TheoryData<ResumeMode, string>();
        foreach (ResumeMode resume in Enum.GetValues<ResumeMode>())
            foreach (string style in new[] { "writer", "yield", "wrapped" }) all.Add(resume, style);
        return all;
    }

    [Theory]
    [MemberData(nameof(Styles))]
    public async Task AValueIsBelowTheValueThatItCameFrom(ResumeMode resume, string style)
    {
        using var log = new SpanLog();
        await using var lab = new FlowLab();
        Processor made = Double with { Resume = resume };
        lab.Join().Register(made, style switch
        {
            "writer" => WriteAsync,
            "yield" => YieldAsync,
            _ => (Delegate)WrapAsync,
        });
        lab.Join().Register(Show, ReadAsync);
        await RunAsync(lab, Flow.From(made, Show), IOVal.Of("x", 1), IOVal.Of("x", 2));

        Assert.Equal("""
            start flow
              process double
                process show
              process double
                process show
              processor double
              processor show
            """, log.Tree, ignoreLineEndingDifferences: true);
        Assert.Equal(2, log.Spans.Where(static span => span.DisplayName == "process show").Select(static span => span.ParentSpanId)
            .Distinct().Count());
    }

    [Fact]
    public async Task ASpanOfAValueSaysWhatItIs()
    {
        using var log = new SpanLog();
        await using var lab = new FlowLab();
        lab.Join().Register(Show, ReadAsync);
        await RunAsync(lab, Flow.From(Show), IOVal.Of("y", 1));

        Activity span = log["process show"];
        Assert.Equal(("sluice.process", ActivityKind.Consumer), (span.OperationName, span.Kind));
        Assert.Equal("""
            messaging.destination.name=y
            messaging.message.id=flow-io/r/y/0/1@1
            messaging.operation.name=process
            messaging.operation.type=process
            messaging.system=sluice
            sluice.attempt=1
            sluice.flow.run=r
            sluice.processor.name=show
            """, string.Join('\n', span.TagObjects.Select(static tag => $"{tag.Key}={tag.Value}").Order(StringComparer.Ordinal)),
            ignoreLineEndingDifferences: true);
    }

    [Fact]
    public async Task TheSpanOfAValueIsCurrentInItsLoopAndTheSpanOfTheProcessorAroundIt()
    {
        using var log = new SpanLog();
        await using var lab = new FlowLab();
        List<string?> seen = [];
        lab.Join().Register(Show, async (IO<int> y) =>
        {
            seen.Add(Activity.Current?.DisplayName);
            await foreach (int value in y.StreamAsync())
            {
                seen.Add($"{Activity.Current?.DisplayName} {Activity.Current?.GetTagItem("messaging.message.id")}");
                await Task.Yield();
                seen.Add($"{Activity.Current?.DisplayName} {Activity.Current?.GetTagItem("messaging.message.id")}");
            }
            seen.Add(Activity.Current?.DisplayName);
        });
        await RunAsync(lab, Flow.From(Show), IOVal.Stream("y", FlowLab.Many([1, 2])));

        Assert.Equal(["processor show", .. Enumerable.Repeat("process show flow-io/r/y/0/1@1", 2),
            .. Enumerable.Repeat("process show flow-io/r/y/0/2@1", 2), "processor show"], seen);
    }

    [Fact]
    public async Task TwoLoopsAtATimeKeepTheirTracesApart()
    {
        using var log = new SpanLog();
        await using var lab = new FlowLab();
        var copy = new Processor("copy") { Inputs = ["a", "b"], Outputs = ["c", "d"] };
        lab.Join().Register(copy, static (IO<int> a, IO<int> b, IOWriter<int> c, IOWriter<int> d)
            => Task.WhenAll(CopyAsync(a, c), CopyAsync(b, d)));
        var end = new Processor("end") { Inputs = ["c", "d"] };
        lab.Join().Register(end, static async (IO<int> c, IO<int> d) =>
        {
            await foreach (var _ in c.StreamAsync()) continue;
            await foreach (var _ in d.StreamAsync()) continue;
        });
        await RunAsync(lab, Flow.From(copy, end), [.. Many("a", 50), .. Many("b", 50)]);

        Dictionary<string, string> from = log.Spans.ToDictionary(static span => span.SpanId.ToString(),
            static span => $"{span.GetTagItem("messaging.destination.name")}");
        Assert.Equal(["a > c", "b > d"], log.Spans.Where(static span => span.DisplayName == "process end")
            .Select(span => $"{from[span.ParentSpanId.ToString()]} > {span.GetTagItem("messaging.destination.name")}").Distinct().Order());

        static async Task CopyAsync(IO<int> from, IOWriter<int> to)
        {
            await foreach (int value in from.StreamAsync())
            {
                await Task.Yield();
                await to.WriteAsync(value);
            }
        }
    }

    [Fact]
    public async Task APairIsBelowItsFirstValueWithALinkToTheSecond()
    {
        using var log = new SpanLog();
        await using var lab = new FlowLab();
        var pairs = new Processor("pairs") { Inputs = ["y", "z"], Outputs = ["pair"] };
        Supervisor service = lab.Join();
        service.Register(Double, WriteAsync);
        service.Register(new Processor("again") { Inputs = ["x"], Outputs = ["z"] }, static async (IO<int> x, IOWriter<int> z) =>
        {
            await foreach (int value in x.StreamAsync()) await z.WriteAsync(value);
        });
        service.Register(pairs, static async (IO<int> y, IO<int> z, IOWriter<int> pair) =>
        {
            await foreach (var (one, two) in y.Zip(z)) await pair.WriteAsync(one + two);
        });
        await RunAsync(lab, Flow.From(Double, new Processor("again") { Inputs = ["x"], Outputs = ["z"] }, pairs), IOVal.Of("x", 1));

        Activity pair = log["process pairs"];
        Assert.Equal(log["process double"].SpanId, pair.ParentSpanId);
        Assert.Equal(log["process again"].SpanId, Assert.Single(pair.Links).Context.SpanId);
    }

    [Fact]
    public async Task ASingleValueIsALinkOfTheProcessorThatLooksAtIt()
    {
        using var log = new SpanLog();
        await using var lab = new FlowLab();
        lab.Join().Register(Double, WriteAsync);
        lab.Join().Register(Show, static async (IO<int> y) =>
        {
            for (int i = 0; i < 3; i++) await y.FirstAsync();
        });
        await RunAsync(lab, Flow.From(Double, Show), IOVal.Of("x", 1));

        Assert.Equal(log["process double"].SpanId, Assert.Single(log["processor show"].Links).Context.SpanId);
    }

    [Fact]
    public async Task AFailureIsAnErrorOfTheValueAndOfTheProcessor()
    {
        using var log = new SpanLog();
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        service.Register(Show, static async (IO<int> y) =>
        {
            await foreach (int value in y.StreamAsync())
                if (value == 2) throw new FormatException("no");
        });
        FlowRun run = await service.StartAsync(Flow.From(Show).Resolve(), [IOVal.Of("y", 1), IOVal.Of("y", 2), IOVal.Of("y", 3)]);
        await Assert.ThrowsAnyAsync<Exception>(() => run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation));

        Assert.Equal("""
            start flow
              process show
              process show ! System.FormatException
              processor show ! System.FormatException
            """, log.Tree, ignoreLineEndingDifferences: true);
    }

    /// <summary>The trace of a repetition differs, and is no part of what is compared.</summary>
    [Fact]
    public async Task ARepetitionWithOtherSpansPutsOutTheSame()
    {
        using var log = new SpanLog();
        await using var lab = new FlowLab();
        Processor made = Double with { Retry = new(1) { Delay = TimeSpan.Zero } };
        int attempts = 0;
        Supervisor service = lab.Join();
        service.Register(made, async (ProcessorContext context, IO<int> x, IOWriter<int> y) =>
        {
            attempts = context.Attempt;
            await foreach (int value in x.StreamAsync())
            {
                await y.WriteAsync(2 * value);
                if (value == 50 && context.Attempt == 1) throw new IOException("once");
            }
        });
        await using FlowRun run = await service.StartAsync(Flow.From(made).Resolve(), Many("x", 100));
        Assert.Equal(Enumerable.Range(1, 100).Select(static n => 2 * n), await FlowLab.ReadAsync(run.Output<int>("y")));
        await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        Assert.Equal(2, attempts);
    }

    private static async Task RunAsync(FlowLab lab, Flow flow, params IEnumerable<IOVal> inputs)
    {
        await using FlowRun run = await lab.Join().StartAsync(flow.Resolve(), inputs, run: "r");
        await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
    }

    private static IEnumerable<IOVal> Many(string name, int count) => Enumerable.Range(1, count).Select(n => IOVal.Of(name, n));

    private static async Task WriteAsync(IO<int> x, IOWriter<int> y)
    {
        await foreach (int value in x.StreamAsync()) await y.WriteAsync(2 * value);
    }

    private static async IAsyncEnumerable<IOVal> YieldAsync(IO<int> x)
    {
        await foreach (int value in x.StreamAsync()) yield return IOVal.Of("y", 2 * value);
    }

    private static async Task WrapAsync(IO<int> x, IOWriter<int> y)
    {
        await foreach (int value in DoubledAsync(x.StreamAsync())) await y.WriteAsync(value);
    }

    private static async IAsyncEnumerable<int> DoubledAsync(IAsyncEnumerable<int> values,
        [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        await foreach (int value in values.WithCancellation(cancellation)) yield return 2 * value;
    }

    private static async Task ReadAsync(IO<int> y)
    {
        await foreach (int _ in y.StreamAsync()) continue;
    }
}
