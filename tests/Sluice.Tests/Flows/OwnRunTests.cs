using Sluice.Flows;

namespace Sluice.Tests.Flows;

/// <summary>A processor that waits for its own run, or for its own output, would wait for ever: it fails and says so.</summary>
public class OwnRunTests
{
    private static readonly Processor Work = new("work") { Outputs = ["out"] };
    private static readonly Flow Working = Flow.From(Work).Resolve();

    [Fact]
    public async Task AProcessorCannotAwaitTheCompletionOfItsRun()
        => Assert.Contains("InvalidOperationException: The processor work awaits the completion of its own run own, which cannot "
            + "end before this processor.", await FailureAsync(static run => run.Completion), StringComparison.Ordinal);

    [Fact]
    public async Task AProcessorCannotReadItsOwnOutput()
    {
        const string Error = "InvalidOperationException: The processor work reads its own output out of the run own, and would wait for "
            + "values that it has not put out yet.";
        Assert.Contains(Error, await FailureAsync(static async run => await run.Output<int>("out").FirstAsync()), StringComparison.Ordinal);
        Assert.Contains(Error, await FailureAsync(static async run => await FlowLab.ReadAsync(run.Output<int>("out"))),
            StringComparison.Ordinal);
        Assert.Contains(Error, await FailureAsync(static async run =>
        {
            IO<int> own = run.Output<int>("out");
            await foreach (var _ in own.Merge([])) { }
        }), StringComparison.Ordinal);
    }

    [Fact]
    public async Task AProcessorAwaitsARunThatItHasStarted()
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        var inner = new Processor("inner") { Inputs = ["x"], Outputs = ["y"] };
        service.Register(inner, StartTests.CopyAsync);
        service.Register(Work, async (IOWriter<int> @out) =>
        {
            await using FlowRun nested = await service.StartAsync(Flow.From(inner).Resolve(), [IOVal.Of("x", 7)]);
            await nested.Completion;
            await @out.WriteAsync(await nested.Output<int>("y").FirstAsync());
        });
        await using FlowRun run = await service.StartAsync(Working, [], cancellation: FlowLab.Cancellation);
        Assert.Equal([7], await FlowLab.ReadAsync(run.Output<int>("out")).WaitAsync(FlowLab.Patience, FlowLab.Cancellation));
        await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
    }

    /// <summary>A service takes on the run also while it is full, wherever the results are in the merge.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AMergeOfAnInputWithResultsAwaitsTheirRun(bool resultsFirst)
    {
        using var slots = new ExecutionSlots(1);
        ExecutionSlot slot = slots.Make(limit: null, taken: static () => { }, CancellationToken.None);
        Assert.True(slot.TryEnter());
        slot.Use();
        InputPort own = new(null!, new("run", "x", "keeper", Gate: null, From: 1), boundary: null, slot);
        InputPort result = new(null!, new("nested", "y", "keeper", Gate: null, From: 1), boundary: null);
        InputPort[] ports = resultsFirst ? [result, own] : [own, result];
        var value = new TaskCompletionSource();

        Task waiting = ports[0].WaitAsync(value.Task, [.. ports.Select(static port => new PortReader(port, 1, isCounted: true))],
            FlowLab.Cancellation);
        Assert.True(slot.AwaitsRun);
        value.SetResult();
        await waiting.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        Assert.False(slot.AwaitsRun);
    }

    /// <summary>Work that a function leaves behind waits for nothing that depends on it.</summary>
    [Fact]
    public async Task WorkThatOutlivesAFunctionMayAwaitTheRun()
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        var started = new TaskCompletionSource<FlowRun>(TaskCreationOptions.RunContinuationsAsynchronously);
        var over = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Task? left = null;
        service.Register(Work, () =>
        {
            left = LeftAsync();
            return new[] { IOVal.Of("out", 1) };
        });
        await using FlowRun run = await service.StartAsync(Working, [], cancellation: FlowLab.Cancellation);
        started.SetResult(run);
        await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        over.SetResult();
        await left!.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);

        async Task LeftAsync()
        {
            await over.Task;
            FlowRun own = await started.Task;
            await own.Completion;
            Assert.Equal([1], await FlowLab.ReadAsync(own.Output<int>("out")));
        }
    }

    private static async Task<string> FailureAsync(Func<FlowRun, Task> wait)
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        var started = new TaskCompletionSource<FlowRun>(TaskCreationOptions.RunContinuationsAsynchronously);
        service.Register(Work, async (IOWriter<int> @out) => await wait(await started.Task));
        await using FlowRun run = await service.StartAsync(Working, [], run: "own", cancellation: FlowLab.Cancellation);
        started.SetResult(run);
        return (await Assert.ThrowsAsync<FlowException>(() => run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation))).Message;
    }
}
