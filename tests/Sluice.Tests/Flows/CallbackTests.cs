using Sluice.Diagnostics;
using Sluice.Flows;
using Sluice.Testing;

namespace Sluice.Tests.Flows;

/// <summary>A callback that user code has registered with its <see cref="CancellationToken"/> throws, or does not return: no other code is
/// affected.</summary>
public class CallbackTests
{
    private static readonly Processor First = new("first") { Outputs = ["x"] };
    private static readonly Processor Second = new("second") { Outputs = ["y"] };

    [Fact]
    public async Task AServiceHandsOverItsRunsEvenIfACallbackThrows()
    {
        await using var lab = new FlowLab();
        // Nothing comes back because a lease has expired.
        Supervisor stopping = lab.Join(options => options with { LeaseDuration = TimeSpan.FromHours(1) });
        int begun = 0;
        var both = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        foreach (Processor processor in (Processor[])[First, Second]) stopping.Register(processor, WaitAsync);
        List<FlowRun> runs = [];
        for (int n = 0; n < 3; n++) runs.Add(await lab.Join()
            .StartAsync(Flow.From(First, Second).Resolve(), [], cancellation: FlowLab.Cancellation));
        await both.Task.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);

        await stopping.DisposeAsync().AsTask().WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        foreach (FlowRun run in runs)
            foreach (ProcessorInfo processor in (await run.GetStatusAsync(FlowLab.Cancellation)).Processors)
                Assert.Equal((FlowStatus.Waiting, true), (processor.Status, processor.NoHostFor is not null));
        Supervisor next = lab.Join();
        foreach (Processor processor in (Processor[])[First, Second]) next.Register(processor, () => Task.FromResult(1));
        foreach (FlowRun run in runs)
        {
            await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
            await run.DisposeAsync();
        }

        async Task<int> WaitAsync(CancellationToken cancellation)
        {
            cancellation.Register(() => throw new InvalidOperationException("No process is associated with this object."));
            if (Interlocked.Increment(ref begun) == 6) both.SetResult();
            await Task.Delay(Timeout.Infinite, cancellation);
            return 0;
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AStopWaitsForABlockedCallbackOnlyIfTheFunctionDoes(bool doesWait)
    {
        var clock = new TestClock();
        await using var lab = new FlowLab(new MemoryStreamStore(clock));
        using var release = new ManualResetEventSlim();
        var isAtWork = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var isCalled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var said = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        Supervisor service = lab.Join(options => options with { Time = clock, OnWarning = text => said.TrySetResult(text) });
        service.Register(First, async (CancellationToken cancellation) =>
        {
            CancellationTokenRegistration registered = cancellation.Register(() =>
            {
                isCalled.TrySetResult();
                release.Wait();
            });
            isAtWork.TrySetResult();
            await isCalled.Task;
            if (doesWait) await registered.DisposeAsync();
            cancellation.ThrowIfCancellationRequested();
            return 0;
        });
        await using FlowRun run = await service.StartAsync(Flow.From(First).Resolve(), [], run: "run", cancellation: FlowLab.Cancellation);
        await isAtWork.Task.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        Task stopped = service.DisposeAsync().AsTask();
        await isCalled.Task.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        try
        {
            if (doesWait)
            {
                for (int n = 0; n < 11; n++) clock.Advance(TimeSpan.FromSeconds(1));
                Assert.StartsWith("The processor first of the run run was cancelled ",
                    await said.Task.WaitAsync(FlowLab.Patience, FlowLab.Cancellation), StringComparison.Ordinal);
            }
            else await stopped.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        }
        finally
        {
            release.Set();
        }
        await stopped.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
    }

    [Fact]
    public async Task DisposingARunWarnsOfAThrowingCallbackOfItsInputStream()
    {
        await using var lab = new FlowLab();
        var said = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        Supervisor service = lab.Join(options => options with { OnWarning = text => said.TrySetResult(text) });
        var isAtWork = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        FlowRun run = await service.StartAsync(Flow.From(new Processor("copy") { Inputs = ["x"], Outputs = ["y"] }).Resolve(),
            [IOVal.Stream("x", PutInAsync())], run: "run", cancellation: FlowLab.Cancellation);
        await isAtWork.Task.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        await run.DisposeAsync();
        Assert.Equal(
            "What is put into x of the run run was cancelled, and what was registered with its CancellationToken has failed: "
                + "InvalidOperationException: No process is associated with this object.",
            await said.Task.WaitAsync(FlowLab.Patience, FlowLab.Cancellation));

        async IAsyncEnumerable<int> PutInAsync(
            [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation = default)
        {
            cancellation.Register(() => throw new InvalidOperationException("No process is associated with this object."));
            isAtWork.SetResult();
            await Task.Delay(Timeout.Infinite, cancellation);
            yield return 1;
        }
    }
}
