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

    [Fact]
    public async Task ACallWhoseConnectionBreaksIsStartedAgain()
    {
        await using var lab = new FlowLab();
        int calls = 0;
        FlowException failure = await FailAsync(lab, new MessageExecutor((_, _) =>
        {
            calls++;
            throw new IOException("connection reset");
        }));
        Assert.Contains("the last time: the connection has failed: connection reset", failure.Message, StringComparison.Ordinal);
        Assert.Equal(2, calls);
    }

    [Theory]
    [InlineData("nothing", "has returned without executing the function: it must await RunHereAsync")]
    [InlineData("not awaited", "has returned before the function had ended: it must await RunHereAsync")]
    [InlineData("twice", "was executed before. A call is executed once")]
    [InlineData("swallowed", "IOException: no ink")]
    [InlineData("no place", "given to WaitForPlaceAsync for the processor work returned null instead of a task.")]
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
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AnExecutorThatDisposesACallLosesIt(bool awaitsTheCall)
    {
        await using var lab = new FlowLab();
        var work = new Processor("work") { Inputs = ["x"], Outputs = ["y"] };
        var executor = new LettingGo(awaitsTheCall);
        Supervisor service = lab.Join(options => options with { Executor = executor });
        service.Register(work, static (IO<int> x, CancellationToken cancellation) => x.FirstAsync(cancellation));
        await using FlowRun run = await service.StartAsync(Flow.From(work).Resolve(), [IOVal.Of("x", 1)],
            cancellation: FlowLab.Cancellation);
        Assert.Equal([1], await FlowLab.ReadAsync(run.Output<int>("y")).WaitAsync(FlowLab.Patience, FlowLab.Cancellation));
        await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        Assert.Equal(2, executor.Starts);
    }

    private sealed class LettingGo(bool awaitsTheCall) : IExecutor
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
            if (awaitsTheCall) await executing;
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
                case "no place":
                    await call.WaitForPlaceAsync(static () => null!);
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
