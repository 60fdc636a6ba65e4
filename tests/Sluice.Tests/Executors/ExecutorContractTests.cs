using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using Sluice.Flows;
using Sluice.Tests.Flows;

namespace Sluice.Tests.Executors;

/// <summary>The contract of executors: what they may do, and how a processor fails if they break the contract.</summary>
public partial class ExecutorContractTests
{
    private const int Items = 2_000;

    [Theory]
    [InlineData(ResumeMode.FromScratch)]
    [InlineData(ResumeMode.PerItem)]
    [InlineData(ResumeMode.Checkpoint)]
    public async Task AnExecutorMayRunAFunctionByMessages(ResumeMode resume)
    {
        await using var lab = new FlowLab();
        var work = new Processor("work")
        {
            Inputs = ["x", "by"],
            Outputs = ["y"],
            Resume = resume,
            Retry = new(1) { Delay = TimeSpan.Zero }
        };
        int attempts = 0;
        var functions = new ProcessorFunctions
        {
            {
                work, async (ProcessorContext context, IO<int> x, IO<int> by, IOWriter<int> y, CancellationToken cancellation) =>
                {
                    attempts = Math.Max(attempts, context.Attempt);
                    int factor = await by.FirstAsync(cancellation);
                    await foreach (int value in x.StreamAsync(cancellation))
                    {
                        if (value == Items / 2 && context.Attempt == 1) throw new IOException("no ink");
                        await y.WriteAsync(value * factor, cancellation);
                        if (resume == ResumeMode.Checkpoint && value % 100 == 0)
                            await context.Checkpoint<int>().SaveAsync(value, cancellation);
                    }
                }
            },
        };
        Supervisor service = lab.Join(options => options with { Executor = MessageExecutor.Of(functions) });
        service.Register(functions);
        await using FlowRun run = await service.StartAsync(Flow.From(work).Resolve(),
            [.. Enumerable.Range(0, Items).Select(i => IOVal.Of("x", i)), IOVal.Of("by", 3)], cancellation: FlowLab.Cancellation);
        Assert.Equal(Enumerable.Range(0, Items).Select(i => i * 3),
            await FlowLab.ReadAsync(run.Output<int>("y")).WaitAsync(FlowLab.Patience, FlowLab.Cancellation));
        await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        Assert.Equal(2, attempts);
    }

    /// <summary>The other side knows nothing of this library but what docs/writing-an-executor.md says of messages.</summary>
    [Fact]
    public async Task AnExecutorInAnotherLanguageWorksAsTheDocumentSays()
    {
        await using var lab = new FlowLab();
        var work = new Processor("work") { Inputs = ["x"], Outputs = ["y"] };
        string processor = "";
        var executor = new MessageExecutor(async (messages, send) =>
        {
            byte[] plan = await messages.ReadAsync();
            Assert.Equal(32, plan[0]);
            using JsonDocument call = JsonDocument.Parse(plan.AsMemory(1));
            processor = call.RootElement.GetProperty("Processor").GetProperty("Name").GetString()!;
            while ((await messages.ReadAsync())[0] != 34)
            {
                // skip the choices of an earlier start
            }
            send(Message(64, 1, 0, 0, 1, 0, 0, 0));          // question 1: open input 0 at its first value
            long onTheWay = 0;
            byte[] opened = await AnswerAsync(1);
            long reading = Number(opened, 9);
            for (long question = 2; ; question++)
            {
                send(Message(65, question, reading));
                byte[] answer = await AnswerAsync(question);
                int at = 1 + 8 + 1;
                if (at == answer.Length) break;              // no value: the stream is complete
                while (at < answer.Length)
                {
                    int length = BinaryPrimitives.ReadInt32LittleEndian(answer.AsSpan(at + 16));
                    int value = int.Parse(Encoding.UTF8.GetString(answer.AsSpan(at + 20, length)),
                        System.Globalization.CultureInfo.InvariantCulture);
                    while (onTheWay == 512) Assert.Equal(39, (await NextAsync())[0]);
                    send([.. Message(71, 0), .. Encoding.UTF8.GetBytes($"{value + 1}")]);
                    onTheWay++;
                    at += 20 + length;
                }
            }
            send(Message(72));
            await foreach (byte[] rest in messages.ReadAllAsync())
            {
                // credit
            }

            async Task<byte[]> AnswerAsync(long question)
            {
                byte[] answer = await NextAsync();
                while (answer[0] == 39) answer = await NextAsync();
                Assert.Equal((36, question), (answer[0], Number(answer, 1)));
                return answer;
            }

            async Task<byte[]> NextAsync()
            {
                byte[] message = await messages.ReadAsync();
                if (message[0] == 39) onTheWay -= Number(message, 9);         // credit: output, values, bytes
                return message;
            }
        });
        Supervisor service = lab.Join(options => options with { Executor = executor });
        service.Register(work, static (ProcessorContext _, CancellationToken _) => Nothing()); // runs elsewhere, and may read any input
        await using FlowRun run = await service.StartAsync(Flow.From(work).Resolve(),
            Enumerable.Range(0, 3_000).Select(i => IOVal.Of("x", i)), cancellation: FlowLab.Cancellation);
        Assert.Equal(Enumerable.Range(1, 3_000), await FlowLab.ReadAsync(run.Output<int>("y"))
            .WaitAsync(FlowLab.Patience, FlowLab.Cancellation));
        Assert.Equal("work", processor);

        static long Number(byte[] message, int at) => BinaryPrimitives.ReadInt64LittleEndian(message.AsSpan(at));
    }

    private static async IAsyncEnumerable<IOVal> Nothing()
    {
        await Task.Yield();
        yield break;
    }

    [Fact]
    public async Task ALostCallIsStartedAgainAndTheFailureSaysWhy()
    {
        await using var lab = new FlowLab();
        int calls = 0;
        var executor = new MessageExecutor((_, send) =>
        {
            Interlocked.Increment(ref calls);
            if (calls == 1) send([99]);
            return Task.CompletedTask;
        });
        FlowException failure = await FailAsync(lab, executor);
        Assert.Contains(
            "It was started 2 times without progress, and each time its host was gone before it had ended; the last time: the other "
                + "side has ended",
                failure.Message, StringComparison.Ordinal);
        Assert.Contains(lab.Warnings, text => text.Contains("the other side has sent what it should not", StringComparison.Ordinal));
        Assert.Equal(2, calls);
    }

    [Theory]
    [InlineData("nothing", "has returned without executing the function: it must await RunHereAsync")]
    [InlineData("not awaited", "has returned before the function had ended: it must await RunHereAsync")]
    [InlineData("twice", "was executed before. A call is executed once")]
    [InlineData("swallowed", "IOException: no ink")]
    [InlineData("sent badly", "nothing could be sent to where it is executed: no line")]
    public async Task AnExecutorThatBreaksItsContractFailsTheProcessor(string what, string expected)
    {
        await using var lab = new FlowLab();
        FlowException failure = await FailAsync(lab, new BadExecutor(what));
        Assert.Contains(expected, failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("left", "before the function had ended: it must await RunHereAsync")]
    [InlineData("failed", "the line is cut")]
    public async Task AFunctionThatItsExecutorLeavesIsToldToStopAndNotTriedAgain(string how, string expected)
    {
        await using var lab = new FlowLab();
        var stopped = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        int starts = 0;
        var work = new Processor("work") { Inputs = ["x"], Outputs = ["y"], Retry = new(3) };
        Supervisor service = lab.Join(options => options with { Executor = new BadExecutor(how) });
        service.Register(work, async (IO<int> x, CancellationToken cancellation) =>
        {
            Interlocked.Increment(ref starts);
            await Task.Delay(Timeout.InfiniteTimeSpan, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            stopped.TrySetResult();
            return 1;
        });
        await using FlowRun run = await service.StartAsync(Flow.From(work).Resolve(), [IOVal.Of("x", 1)],
            cancellation: FlowLab.Cancellation);
        FlowException failure = await Assert.ThrowsAsync<FlowException>(() => run.Completion.WaitAsync(FlowLab.Patience,
            FlowLab.Cancellation));
        Assert.Contains(expected, failure.Message, StringComparison.Ordinal);
        await stopped.Task.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        Assert.Equal(1, starts);
    }

    [Fact]
    public async Task WhatReturnsNullIsNamed()
    {
        await using var lab = new FlowLab();
        FlowException failure = await FailAsync(lab, new BadExecutor("null"));
        Assert.Contains("The ExecuteAsync of the executor BadExecutor returned null instead of a task.", failure.Message,
            StringComparison.Ordinal);

        await using var other = new FlowLab();
        var work = new Processor("work") { Inputs = ["x"], Outputs = ["y"] };
        Supervisor service = other.Join();
        service.Register(work, static (ProcessorContext _, CancellationToken _) => (IAsyncEnumerable<IOVal>)null!);
        await using FlowRun run = await service.StartAsync(Flow.From(work).Resolve(), [IOVal.Of("x", 1)],
            cancellation: FlowLab.Cancellation);
        failure = await Assert.ThrowsAsync<FlowException>(() => run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation));
        Assert.Contains("The function returned null instead of a sequence.", failure.Message, StringComparison.Ordinal);
    }

    /// <summary>Its connection is gone, and it lets go of the call before the call has ended.</summary>
    [Fact]
    public async Task AnExecutorThatDisposesACallLosesIt()
    {
        await using var lab = new FlowLab();
        var work = new Processor("work") { Inputs = ["x"], Outputs = ["y"] };
        var executor = new LettingGo();
        Supervisor service = lab.Join(options => options with { Executor = executor });
        service.Register(work, static (IO<int> x, CancellationToken cancellation) => x.FirstAsync(cancellation));
        await using FlowRun run = await service.StartAsync(Flow.From(work).Resolve(), [IOVal.Of("x", 1)],
            cancellation: FlowLab.Cancellation);
        Assert.Equal([1], await FlowLab.ReadAsync(run.Output<int>("y")).WaitAsync(FlowLab.Patience, FlowLab.Cancellation));
        await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        Assert.Equal(2, executor.Starts);
    }

    private sealed class LettingGo : IExecutor
    {
        public int Starts { get; private set; }

        public async Task ExecuteAsync(ProcessorCall call, CancellationToken cancellation)
        {
            if (++Starts > 1)
            {
                await call.RunHereAsync(cancellation);
                return;
            }
            RemoteCall remote = call.OpenRemote(static _ => { });
            Task executing = remote.ExecuteAsync(cancellation);
            remote.Dispose();
            await executing;
        }
    }

    private static async Task<FlowException> FailAsync(FlowLab lab, IExecutor executor)
    {
        var work = new Processor("work") { Inputs = ["x"], Outputs = ["y"] };
        Supervisor service = lab.Join(options => options with { Executor = executor, MaxStarts = 2 });
        service.Register(work, async (IO<int> x, CancellationToken cancellation) =>
        {
            await x.FirstAsync(cancellation);
            await Task.Yield();
            return executor is BadExecutor { What: "swallowed" } ? throw new IOException("no ink") : 1;
        });
        await using FlowRun run = await service.StartAsync(Flow.From(work).Resolve(), [IOVal.Of("x", 1)],
            cancellation: FlowLab.Cancellation);
        return await Assert.ThrowsAsync<FlowException>(() => run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation));
    }

    private sealed class BadExecutor(string what) : IExecutor
    {
        public string What => what;

        public Task ExecuteAsync(ProcessorCall call, CancellationToken cancellation)
            => what == "null" ? null! : BreakAsync(call, cancellation);

        private async Task BreakAsync(ProcessorCall call, CancellationToken cancellation)
        {
            switch (what)
            {
                case "nothing":
                    return;
                case "left":
                    _ = call.RunHereAsync(cancellation);
                    return;
                case "failed":
                    _ = call.RunHereAsync(cancellation);
                    throw new IOException("the line is cut");
                case "not awaited":
                    RemoteCall left = call.OpenRemote(_ => { });          // nobody answers
                    _ = left.ExecuteAsync(cancellation);
                    return;
                case "twice":
                    await call.RunHereAsync(cancellation);
                    await call.RunHereAsync(cancellation);
                    return;
                case "swallowed":
                    await call.RunHereAsync(cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                    return;
                default:
                    using (RemoteCall remote = call.OpenRemote(_ => throw new IOException("no line")))
                        await remote.ExecuteAsync(cancellation);
                    return;
            }
        }
    }
}
