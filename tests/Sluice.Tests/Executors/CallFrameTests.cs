using Sluice.ChildProcesses;
using Sluice.Executors;
using Sluice.Flows;
using Sluice.Tests.Flows;

namespace Sluice.Tests.Executors;

/// <summary>The frames between a service and a child process, and what the service keeps of them.</summary>
[StartsProcesses]
public class CallFrameTests
{
    private const int Items = 100;
    private static readonly Processor Work = new("work") { Inputs = ["x", "other"], Outputs = ["y"], Resume = ResumeMode.PerItem };

    [Fact]
    public async Task AServiceForgetsTheEndedReadingsOfAChild()
    {
        await using var lab = new FlowLab();
        PlayedChild? child = null;
        int most = 0;
        var functions = new ProcessorFunctions
        {
            {
                Work, async (IO<int> x, IO<int> other, IOWriter<int> y) =>
                {
                    await foreach (int value in x.StreamAsync())
                    {
                        await y.WriteAsync(value + await other.FirstAsync());
                        most = Math.Max(most, child!.Held.Single().Readings);
                    }
                }
            },
        };
        child = await PlayedChild.ExecutingAsync(functions);
        Assert.Equal(Enumerable.Range(1, Items), await RunAsync(lab, child, functions, IOVal.Of("other", 1)));
        Assert.Equal(1, most);                       // the reading of the loop
    }

    [Fact]
    public async Task AServiceKeepsOnlyTheLastFailuresAndReturnsThemUnchanged()
    {
        await using var lab = new FlowLab();
        PlayedChild? child = null;
        int most = 0;
        var functions = new ProcessorFunctions
        {
            {
                Work, async (IO<int> x, IO<int> other, IOWriter<int> y) =>
                {
                    FlowException? last = null;
                    await foreach (int value in x.StreamAsync())
                    {
                        last = await Assert.ThrowsAsync<FlowException>(() => other.FirstAsync().AsTask());
                        await y.WriteAsync(value);
                        most = Math.Max(most, child!.Held.Single().Failures);
                    }
                    throw last!;
                }
            },
        };
        child = await PlayedChild.ExecutingAsync(functions);
        FlowException failure = await Assert.ThrowsAsync<FlowException>(() => RunAsync(lab, child, functions,
            IOVal.Stream("other", FailAsync())));
        Assert.Contains("What was put in failed: no ink", failure.Message, StringComparison.Ordinal);
        Assert.InRange(most, 1, 32);

        static async IAsyncEnumerable<int> FailAsync()
        {
            await Task.Yield();
            if (Environment.ProcessId != 0) throw new IOException("no ink");
            yield return 1;
        }
    }

    [Theory]
    [InlineData("length", "A frame says that it has -1 bytes")]
    [InlineData("cut", "A frame is cut off")]
    [InlineData("kind", "a frame of the kind 200")]
    [InlineData("stream", "there is no stream 99")]
    [InlineData("reading", "there is no reading 7")]
    [InlineData("failure", "A frame is cut off")]
    public async Task AChildThatSendsAnInvalidFrameIsKilledAndItsFunctionRestarted(string what, string expected)
    {
        await using var lab = new FlowLab();
        PlayedChild child = await PlayedChild.SayingAsync(frames => Say(frames, what));
        var functions = new ProcessorFunctions { { Work, () => Task.CompletedTask } };
        FlowException failure = await Assert.ThrowsAsync<FlowException>(() => RunAsync(lab, child, functions, IOVal.Of("other", 1)));
        Assert.Contains("It was killed, because it sent what it should not: " + expected, failure.Message, StringComparison.Ordinal);
        Assert.Contains(lab.Warnings, text => text.StartsWith(
            "The processor work of the run run is started again: the child process has ended with exit code 137",
                StringComparison.Ordinal));
    }

    [Fact]
    public async Task AFrameForAnUnknownCallIsIgnored()
    {
        await using var lab = new FlowLab();
        PlayedChild child = await PlayedChild.SayingAsync(frames =>
        {
            Begin(frames, CallFrame.Put, 77, out int startPut);
            frames.End(startPut);
            Begin(frames, CallFrame.Done, 1, out int startDone);
            frames.End(startDone);
        });
        Assert.Empty(await RunAsync(lab, child, new() { { Work, () => Task.CompletedTask } }, IOVal.Of("other", 1)));
    }

    [Fact]
    public async Task MaxConcurrencyLimitsTheFunctionsAtWorkInChildren()
    {
        await using var lab = new FlowLab();
        int atWork = 0, most = 0;
        var copy = new Processor("copy") { Inputs = ["x"], Outputs = ["y"] };
        var functions = new ProcessorFunctions
        {
            {
                copy, async (IO<int> x, IOWriter<int> y) =>
                {
                    await foreach (int value in x.StreamAsync())
                    {
                        most = Math.Max(most, Interlocked.Increment(ref atWork));
                        for (int i = 0; i < 20; i++) await Task.Yield();
                        Interlocked.Decrement(ref atWork);
                        await y.WriteAsync(value);
                    }
                }
            },
        };
        PlayedChild child = await PlayedChild.ExecutingAsync(functions);
        Supervisor service = lab.Join(options => options with { Executor = child, MaxConcurrency = 1 });
        service.Register(functions);
        Flow flow = Flow.From(copy).Resolve();
        List<FlowRun> runs = [];
        for (int i = 0; i < 4; i++) runs.Add(await service.StartAsync(flow,
            Enumerable.Range(0, Items).Select(value => IOVal.Of("x", value)), cancellation: FlowLab.Cancellation));
        foreach (FlowRun run in runs)
        {
            await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
            await run.DisposeAsync();
        }
        Assert.Equal(1, most);
    }

    [Fact]
    public async Task OneSlotIsEnoughForFunctionsInChildrenThatWaitForEachOther()
    {
        await using var lab = new FlowLab();
        Processor[] chain = [.. new[] { ("x", "y"), ("y", "z"),
            ("z", "end") }.Select(pair => new Processor($"to {pair.Item2}") { Inputs = [pair.Item1], Outputs = [pair.Item2] })];
        var functions = new ProcessorFunctions();
        foreach (Processor one in chain) functions.Add(one,
            (context, cancellation) => PassAsync(context.Input<int>(one.Inputs[0]), one.Outputs[0], cancellation));
        PlayedChild child = await PlayedChild.ExecutingAsync(functions);
        Supervisor service = lab.Join(options => options with { Executor = child, MaxConcurrency = 1 });
        service.Register(functions);
        Flow flow = Flow.From(chain).With("y", new() { MaxItems = 10 }).With("z", new() { MaxItems = 10 }).Resolve();
        await using FlowRun run = await service.StartAsync(flow, Enumerable.Range(0, 1000).Select(value => IOVal.Of("x", value)),
            cancellation: FlowLab.Cancellation);
        Assert.Equal(Enumerable.Range(0, 1000), await FlowLab.ReadAsync(run.Output<int>("end"))
            .WaitAsync(FlowLab.Patience, FlowLab.Cancellation));

        static async IAsyncEnumerable<IOVal> PassAsync(IO<int> from, string to,
            [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation)
        {
            await foreach (int value in from.StreamAsync(cancellation)) yield return IOVal.Of(to, value);
        }
    }

    private static void Begin(FrameWriter frames, CallFrame kind, long call, out int start)
    {
        start = frames.Begin(CallLimits.Message, call);
        frames.Write((byte)kind);
    }

    private static void Say(FrameWriter frames, string what)
    {
        int start;
        switch (what)
        {
            case "length":
                frames.Write(-1L);
                return;
            case "cut":
                Begin(frames, CallFrame.Put, 1, out start);
                break;
            case "kind":
                Begin(frames, (CallFrame)200, 1, out start);
                frames.Write(1L);
                break;
            case "stream":
                Begin(frames, CallFrame.Put, 1, out start);
                frames.Write(99L);
                break;
            case "reading":
                Begin(frames, CallFrame.At, 1, out start);
                frames.Write(7L);
                break;
            default:
                Begin(frames, CallFrame.Failed, 1, out start);
                frames.Write(0L);
                frames.Write((byte)3);
                break;
        }
        frames.End(start);
    }

    private static async Task<List<int>> RunAsync(FlowLab lab, PlayedChild child, ProcessorFunctions functions, IOVal other)
    {
        Supervisor service = lab.Join(options => options with { Executor = child, MaxStarts = 1 });
        service.Register(functions);
        await using FlowRun run = await service.StartAsync(Flow.From(Work).Resolve(),
            [.. Enumerable.Range(0, Items).Select(value => IOVal.Of("x", value)), other], run: "run", cancellation: FlowLab.Cancellation);
        await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        return await FlowLab.ReadAsync(run.Output<int>("y"));
    }
}
