using System.Runtime.CompilerServices;
using Sluice.Diagnostics;
using Sluice.Flows;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Flows;

/// <summary>How failures and cancellations pass from processor to processor, and to the caller.</summary>
public class FailureTests
{
    private static readonly Processor First = new("first") { Inputs = ["x"], Outputs = ["y"] };
    private static readonly Processor Second = new("second") { Inputs = ["y"], Outputs = ["z"] };
    private static readonly Processor Third = new("third") { Inputs = ["z"], Outputs = ["end"], Wait = true };
    private static readonly Flow Three = Flow.From(First, Second, Third).Resolve();

    [Fact]
    public async Task AFailureReachesEveryReaderWithItsOrigin()
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        service.Register(First, FailAsync);
        service.Register(Second, async (IO<int> y, IOWriter<int> z) => await PassOnAsync(y, z));
        service.Register(Third, async (IO<int> z, IOWriter<int> end) => await PassOnAsync(z, end));
        await using FlowRun run = await service.StartAsync(Three, [IOVal.Of("x", 1)], allOutputs: true, cancellation: FlowLab.Cancellation);

        var end = await Assert.ThrowsAsync<FlowException>(() => FlowLab.ReadAsync(run.Output<int>("end")));
        Assert.Equal($"The stream end of the run {run.Id} has failed, because the processor first has: InvalidOperationException: no ink",
            end.Message);
        Assert.Equal("first", end.Processor);
        var whole = await Assert.ThrowsAsync<FlowException>(() => run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation));
        Assert.Equal($"The run {run.Id} has failed: the processor first has: InvalidOperationException: no ink", whole.Message);
        FlowRunInfo status = await run.GetStatusAsync(FlowLab.Cancellation);
        Assert.Equal(FlowStatus.Failed, status.Status);
        Assert.All(status.Processors, processor => Assert.Equal("first", processor.Origin));

        static async IAsyncEnumerable<IOVal> FailAsync([EnumeratorCancellation] CancellationToken cancellation)
        {
            yield return IOVal.Of("y", 1);
            await Task.Yield();
            throw new InvalidOperationException("no ink");
        }
    }

    [Theory]
    [InlineData("no ink\nin the\r\nprinter", "InvalidOperationException: no ink in the printer. Mend the function")]
    [InlineData("no ink!", "InvalidOperationException: no ink! Mend the function")]
    public void TheWarningOfAFailureIsOneLine(string message, string start)
    {
        var failure = new InvalidOperationException(message);
        (string line, string? details) = FailureLog.Of(failure, $"InvalidOperationException: {message}", "Mend the function.",
            difference: null);
        Assert.Equal(start + ".", line);
        Assert.Equal(failure.ToString(), details);
    }

    [Fact]
    public void TheWarningOfAFailureIsShort()
    {
        (string line, _) = FailureLog.Of(new InvalidOperationException(new string('x', 4000)), new string('x', 4000), "Mend it.",
            "Compare.");
        Assert.Equal($"{new string('x', 500)}… Compare.", line);
    }

    [Fact]
    public async Task AFailureIsOneLineWithItsPlaceAndItsStackIsInTheDetails()
    {
        Assert.Equal(
            "The processor first of the run r has failed: The processor first has put out to \"why\", which is not among its outputs (y). "
                + "Add it to Outputs, or correct the name.",
            await WarnAsync(() => new[] { IOVal.Of("why", 1) }));
        Assert.Matches(
            @"^The processor first of the run r has failed: InvalidOperationException: no ink \(FailureTests\.cs, line \d+\)\. Mend the "
                + @"function or its input, and start another run; Processor\.Retry repeats failures that may pass by themselves\.\n"
                + @"The failure of the processor first of the run r: System\.InvalidOperationException: no ink\n   at .*ThrowNoInk",
            await WarnAsync(ThrowNoInkAsync));
        Assert.Matches(
            @"^The processor first of the run r has failed: no letter \(FailureTests\.cs, line \d+\)\. Mend the function .*\.\n"
                + @"The failure of the processor first of the run r: System\.InvalidOperationException: no ink\n   at .*ThrowNoInk",
                await WarnAsync(async () =>
        {
            try
            {
                await ThrowNoInkAsync();
            }
            catch (InvalidOperationException e)
            {
                throw new FlowException("no letter", new PayloadException("no paper", e));
            }
        }));

        static Task ThrowNoInkAsync() => throw new InvalidOperationException("no ink");

        static async Task<string> WarnAsync(Delegate function)
        {
            await using var lab = new FlowLab();
            Supervisor service = lab.Join();
            service.Register(First, function);
            await using FlowRun run = await service.StartAsync(Flow.From(First).Resolve(), [IOVal.Of("x", 1)], run: "r",
                cancellation: FlowLab.Cancellation);
            await Assert.ThrowsAsync<FlowException>(() => run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation));
            return string.Join('\n', [Assert.Single(lab.Warnings), .. lab.Details]);
        }
    }

    [Theory]
    [InlineData("y", "slow")]
    [InlineData("slow", "y")]
    public async Task AWaitingProcessorFailsAsSoonAsOneInputFails(string first, string second)
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        var go = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Processor slow = new("slow-maker") { Outputs = ["slow"] },
            waiting = new("waiting") { Inputs = [first, second], Outputs = ["end"], Wait = true };
        service.Register(First, () => Task.FromException(new InvalidOperationException("no ink")));
        service.Register(slow, () => go.Task);
        service.Register(waiting, () => Task.CompletedTask);
        await using FlowRun run = await service.StartAsync(Flow.From(slow, First, waiting).Resolve(), [IOVal.Of("x", 1)],
            cancellation: FlowLab.Cancellation);

        var end = await Assert.ThrowsAsync<FlowException>(() => FlowLab.ReadAsync(run.Output<int>("end"))
            .WaitAsync(FlowLab.Patience, FlowLab.Cancellation));
        Assert.Equal($"The stream end of the run {run.Id} has failed, because the processor first has: InvalidOperationException: no ink",
            end.Message);
        FlowRunInfo status = await run.GetStatusAsync(FlowLab.Cancellation);
        Assert.True(status.Processors[0].Status <= FlowStatus.Running);
        Assert.All(status.Processors.Skip(1), processor => Assert.Equal((FlowStatus.Failed, "first"),
            (processor.Status, processor.Origin)));
        go.SetResult();
    }

    [Fact]
    public async Task AProcessorMayCatchTheFailureOfItsInput()
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        service.Register(First, () => Task.FromException(new InvalidOperationException("no ink")));
        service.Register(Second, async (IO<int> y) =>
        {
            try
            {
                return await y.FirstAsync();
            }
            catch (FlowException)
            {
                return -1;
            }
        });
        await using FlowRun run = await service.StartAsync(Flow.From(First, Second).Resolve(), [IOVal.Of("x", 1)],
            cancellation: FlowLab.Cancellation);
        Assert.Equal(-1, await run.Output<int>("z").FirstAsync(FlowLab.Cancellation));
        await Assert.ThrowsAsync<FlowException>(() => run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation));
    }

    [Fact]
    public async Task AnyServiceCanCancelARun()
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        var hasBegun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var isCancelled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        service.Register(First, async (CancellationToken cancellation) =>
        {
            hasBegun.SetResult();
            try
            {
                await Task.Delay(Timeout.Infinite, cancellation);
            }
            finally
            {
                isCancelled.SetResult();
            }
        });
        await using FlowRun run = await service.StartAsync(Three, [IOVal.Of("x", 1)], cancellation: FlowLab.Cancellation);
        await lab.UntilAsync($"flow/{run.Id}", async () =>
            (await run.GetStatusAsync(FlowLab.Cancellation)).Processors[0].Status == FlowStatus.Running);
        // The state is Running shortly before the function is called.
        await hasBegun.Task.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);

        Assert.True(await lab.Join().CancelAsync(run.Id, "wrong customer", FlowLab.Cancellation));
        await isCancelled.Task.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        var reader = await Assert.ThrowsAsync<FlowException>(() => FlowLab.ReadAsync(run.Output<int>("end")));
        Assert.Equal($"The stream end ended early, because the run {run.Id} was cancelled: wrong customer", reader.Message);
        Assert.True(reader.IsCancelled);
        var whole = await Assert.ThrowsAsync<FlowException>(() => run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation));
        Assert.True(whole.IsCancelled);
        await lab.UntilAsync($"flow/{run.Id}", async () =>
            (await run.GetStatusAsync(FlowLab.Cancellation)).Processors[0].Status == FlowStatus.Cancelled);
        Assert.False(await service.CancelAsync("nothing", cancellation: FlowLab.Cancellation));
    }

    [Fact]
    public async Task AHostThatComesLateDoesNotStartACancelledRun()
    {
        await using var lab = new FlowLab();
        await using FlowRun run = await lab.Join().StartAsync(Three, [IOVal.Of("x", 1)], cancellation: FlowLab.Cancellation);
        await run.CancelAsync(cancellation: FlowLab.Cancellation);
        bool hasRun = false;
        Supervisor late = lab.Join();
        late.Register(First, () => { hasRun = true; return Task.CompletedTask; });
        await lab.UntilAsync($"flow/{run.Id}", async () =>
            (await run.GetStatusAsync(FlowLab.Cancellation)).Processors[0].Status == FlowStatus.Cancelled);
        Assert.False(hasRun);
        Assert.Equal(FlowStatus.Cancelled, (await run.GetStatusAsync(FlowLab.Cancellation)).Status);
    }

    [Fact]
    public async Task WorkOrdersOfADeletedRunAreSettled()
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        await using FlowRun run = await service.StartAsync(Three, [IOVal.Of("x", 1)], cancellation: FlowLab.Cancellation);
        await run.CancelAsync(cancellation: FlowLab.Cancellation);
        await service.DeleteAsync(run.Id, FlowLab.Cancellation);
        service.Register(First, () => Task.CompletedTask);
        await lab.UntilAsync("work/first", async () =>
            (await lab.Store.FindGroupAsync(new("work/first", "hosts"), FlowLab.Cancellation))!.Partitions.All(partition =>
            partition.Done == partition.Tail));
    }

    [Fact]
    public async Task ARunCanBeDeletedOnlyAfterItsFunctionsHaveEnded()
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        var go = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        service.Register(First, async (IOWriter<int> y) =>
        {
            await y.WriteAsync(1);
            await go.Task;                           // ignores the cancellation
        });
        FlowRun run = await service.StartAsync(Three, [IOVal.Of("x", 1)], run: "gone", allOutputs: true,
            cancellation: FlowLab.Cancellation);
        Assert.Equal(1, await run.Output<int>("y").FirstAsync(FlowLab.Cancellation));
        await run.CancelAsync(cancellation: FlowLab.Cancellation);
        await run.DisposeAsync();
        var clock = new TestClock();
        Supervisor other = lab.Join(options => options with { Time = clock });
        Task<bool> deleting = other.DeleteAsync("gone", FlowLab.Cancellation);
        while (!deleting.IsCompleted)
        {
            clock.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }
        var early = await Assert.ThrowsAsync<InvalidOperationException>(() => deleting);
        Assert.StartsWith("The run gone is over, but first has not ended yet on service-1. Delete the run when it has", early.Message,
            StringComparison.Ordinal);
        deleting = other.DeleteAsync("gone", FlowLab.Cancellation);
        go.SetResult();
        Assert.True(await deleting.WaitAsync(FlowLab.Patience, FlowLab.Cancellation));

        // The deleted run blocks neither another run nor the end of the service.
        service.Register(First, () => Task.CompletedTask);
        await using FlowRun next = await service.StartAsync(Flow.From(First).Resolve(), [IOVal.Of("x", 1)], run: "gone",
            cancellation: FlowLab.Cancellation);
        await next.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
    }

    [Fact]
    public async Task AFunctionThatReturnsDuringAHandoverIsRunAgain()
    {
        await using var lab = new FlowLab();
        Supervisor first = lab.Join();
        first.Register(First, async (IOWriter<int> y, CancellationToken cancellation) =>
        {
            await y.WriteAsync(1, CancellationToken.None);
            await Task.Delay(Timeout.Infinite, cancellation).ContinueWith(_ => { }, TaskScheduler.Default);
        });
        await using FlowRun run = await lab.Join().StartAsync(Flow.From(First).Resolve(), [IOVal.Of("x", 1)],
            cancellation: FlowLab.Cancellation);
        Assert.Equal(1, await run.Output<int>("y").FirstAsync(FlowLab.Cancellation));
        await first.DisposeAsync();
        lab.Join().Register(First, () => new[] { IOVal.Of("y", 1), IOVal.Of("y", 2) });
        Assert.Equal([1, 2], await FlowLab.ReadAsync(run.Output<int>("y")));
    }

    private static async Task PassOnAsync(IO<int> from, IOWriter<int> to)
    {
        await foreach (int value in from.StreamAsync()) await to.WriteAsync(value);
    }
}
