using System.Diagnostics;
using System.Text;
using System.Threading.Channels;
using Sluice.Flows;
using Sluice.Tests.Delivery.Traces;
using Sluice.Tests.Flows;

namespace Sluice.Tests.Executors;

/// <summary>Traces of functions that are executed elsewhere, with sides of this version and of older ones.</summary>
[StartsProcesses]
[Collection(SpanTests.Name)]
public class RemoteTraceTests
{
    private static readonly Processor Show = new("show") { Inputs = ["y"] };

    [Theory]
    [InlineData(ResumeMode.FromScratch)]
    [InlineData(ResumeMode.PerItem)]
    [InlineData(ResumeMode.Checkpoint)]
    public async Task ValuesCarryOnTheirTracesThroughAFunctionElsewhere(ResumeMode resume)
    {
        using var log = new SpanLog();
        await RunAsync(resume, static message => message, static message => message);

        Assert.Equal("""
            start flow
              process double
                process show
              process double
                process show
              processor double
                function double
              processor show
            """, log.Tree, ignoreLineEndingDifferences: true);
    }

    [Fact]
    public async Task AnOlderFunctionGetsValuesWithoutTraces()
    {
        using var log = new SpanLog();
        await RunAsync(ResumeMode.PerItem, static message => message, static back => back[0] == 64 ? back[..^8] : back);

        Assert.Equal("""
            start flow
              processor double
                function double
                  process show
                  process show
              processor show
            """, log.Tree, ignoreLineEndingDifferences: true);
    }

    [Fact]
    public async Task AnOlderServiceGetsValuesWithoutTraces()
    {
        using var log = new SpanLog();
        await RunAsync(ResumeMode.PerItem, static message => message[0] != 32 ? message
            : [32, .. Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(message.AsSpan(1)).Replace("\"TakesTraces\":true", "\"Later\":1",
                StringComparison.Ordinal))],
            static back =>
            {
                Assert.NotEqual(74, back[0]);
                return back;
            });

        Assert.Contains("process double", log.Tree, StringComparison.Ordinal);
    }

    /// <summary>A real child process. It has no listener for spans.</summary>
    [Fact]
    public async Task AnActivityInAChildProcessHasTheTraceOfItsParent()
    {
        using var log = new SpanLog();
        await using var lab = new ProcessExecutorLab();
        Supervisor service = lab.Join(1);
        List<string> traces = await ProcessExecutorLab.RunAsync<string>(service, Programs.FlowFunctions.Traces, "trace",
            IOVal.Of("line", "1"), IOVal.Of("line", "2"));

        string trace = log.Sender.TraceId.ToString(), processor = log["processor traces"].SpanId.ToString();
        Assert.Equal([$"{trace} {processor}", $"{trace} {processor}"], traces);
    }

    private static async Task RunAsync(ResumeMode resume, Func<byte[], byte[]> there, Func<byte[], byte[]> back)
    {
        await using var lab = new FlowLab();
        var made = new Processor("double") { Inputs = ["x"], Outputs = ["y"], Resume = resume };
        var functions = new ProcessorFunctions
        {
            {
                made, static async (IO<int> x, IOWriter<int> y) =>
                {
                    await foreach (int value in x.StreamAsync()) await y.WriteAsync(2 * value);
                }
            },
        };
        var worker = new RemoteWorker(functions);
        var executor = new MessageExecutor(async (messages, send) =>
        {
            using RemoteFunction function = worker.Open(message => send(back(message.ToArray())));
            await foreach (byte[] message in messages.ReadAllAsync()) function.Receive(there(message));
            function.Lose();
            await function.Completion;
        });
        Supervisor service = lab.Join(options => options with { Executor = executor });
        service.Register(functions);
        lab.Join().Register(Show, static async (IO<int> y) =>
        {
            await foreach (int _ in y.StreamAsync()) continue;
        });
        await using FlowRun run = await lab.Join().StartAsync(Flow.From(made, Show).Resolve(), [IOVal.Of("x", 1), IOVal.Of("x", 2)]);
        await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
    }
}
