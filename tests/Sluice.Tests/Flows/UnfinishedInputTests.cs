using System.Runtime.CompilerServices;
using Sluice.Flows;
using Sluice.Membership;
using Sluice.Testing;

namespace Sluice.Tests.Flows;

/// <summary>Input streams that are not complete when their run or its service is disposed. None of them may crash the process.</summary>
public class UnfinishedInputTests
{
    private static readonly Processor Work = new("work") { Inputs = ["x"], Outputs = ["y"] };
    private static readonly Flow Working = Flow.From(Work).Resolve();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task ADisposedServiceSendsNoHeartbeatsForAnUnfinishedInput(bool isDeaf)
    {
        var clock = new TestClock();
        await using var lab = new FlowLab(new MemoryStreamStore(clock));
        var beating = new BeatingStore(lab.Store);
        Supervisor service = lab.Join(options => options with { Time = clock, LeaseDuration = TimeSpan.FromSeconds(3) }, beating);
        var isRead = new TaskCompletionSource();
        var end = new TaskCompletionSource();
        FlowRun run = await service.StartAsync(Working, [IOVal.Stream("x", NumbersAsync(isRead, end.Task, isDeaf))],
            cancellation: FlowLab.Cancellation);
        await isRead.Task.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        await beating.BeatsAsync(1);
        await EndsAsync(service.DisposeAsync().AsTask(), isDeaf ? clock : null);
        await EndsAsync(run.DisposeAsync().AsTask(), isDeaf ? clock : null);
        int beats = beating.Beats;
        clock.Advance(TimeSpan.FromSeconds(30));
        await HeartbeatsAsync(clock, 10);
        Assert.Equal(beats, beating.Beats);
        Assert.Equal(isDeaf, lab.Warnings.Exists(text => text.Contains("does not heed its CancellationToken")));
        Assert.DoesNotContain(lab.Warnings, text => text.Contains("disposed"));
        end.SetResult();
    }

    [Fact]
    public async Task AnInputThatIgnoresCancellationFailsAfterItsRunIsDisposed()
    {
        var clock = new TestClock();
        await using var lab = new FlowLab(new MemoryStreamStore(clock));
        SupervisorOptions Timed(SupervisorOptions options) => options with { Time = clock, LeaseDuration = TimeSpan.FromSeconds(3) };
        Supervisor starter = lab.Join(Timed);
        lab.Join(Timed).Register(Work, StartTests.CopyAsync);
        var isRead = new TaskCompletionSource();
        var end = new TaskCompletionSource();
        FlowRun run = await starter.StartAsync(Working, [IOVal.Stream("x", NumbersAsync(isRead, end.Task, isDeaf: true))],
            cancellation: FlowLab.Cancellation);
        await isRead.Task.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        FlowRun seen = (await starter.FindAsync(run.Id, FlowLab.Cancellation))!;
        Task disposing = run.DisposeAsync().AsTask();
        while (!seen.Completion.IsCompleted || !disposing.IsCompleted)
        {
            clock.Advance(TimeSpan.FromMilliseconds(500));
            await Task.Yield();
        }
        var failure = await Assert.ThrowsAsync<FlowException>(() => seen.Completion);
        Assert.Contains("has been silent for", failure.Message);
        await seen.DisposeAsync();
        end.SetResult();
    }

    /// <summary>The failure names what has ended: the handle, or the service.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AnInputSaysWhetherItsRunWasDisposedOrItsServiceHasEnded(bool isRun)
    {
        await using var lab = new FlowLab();
        Supervisor starter = lab.Join(), other = lab.Join();
        other.Register(Work, StartTests.CopyAsync);
        var isRead = new TaskCompletionSource();
        FlowRun run = await starter.StartAsync(Working, [IOVal.Stream("x", NumbersAsync(isRead, new TaskCompletionSource().Task, false))],
            cancellation: FlowLab.Cancellation);
        await isRead.Task.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        await using FlowRun seen = (await other.FindAsync(run.Id, FlowLab.Cancellation))!;
        if (isRun) await run.DisposeAsync();
        else await starter.DisposeAsync();
        var failure = await Assert.ThrowsAsync<FlowException>(() => seen.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation));
        Assert.Contains(isRun ? $"The service service-1 has disposed the FlowRun of the run {run.Id} before all of x was put in. Keep the "
            + "FlowRun until its Completion, or give the values at the start."
            : "The service service-1, which has started the run and was putting in x, has ended.", failure.Message,
                StringComparison.Ordinal);
        await run.DisposeAsync();
    }

    // With a clock, the end comes only after the stop timeout.
    private static async Task EndsAsync(Task ending, TestClock? clock)
    {
        while (clock is not null && !ending.IsCompleted)
        {
            clock.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }
        await ending.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
    }

    // Waits for heartbeats of a timer of the test: heartbeats of the service would have come before them.
    private static async Task HeartbeatsAsync(TestClock clock, int count)
    {
        using var beaten = new SemaphoreSlim(0);
        var heart = new HeartbeatTimer(clock, TimeSpan.FromSeconds(1), () =>
        {
            beaten.Release();
            return Task.CompletedTask;
        }, failure => Assert.Fail(failure.Message));
        for (int i = 0; i < count; i++)
        {
            clock.Advance(TimeSpan.FromSeconds(1));
            await beaten.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        }
        await heart.StopAsync();
    }

    private static async IAsyncEnumerable<int> NumbersAsync(TaskCompletionSource isRead, Task end, bool isDeaf,
        [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        yield return 1;
        isRead.TrySetResult();
        if (isDeaf) await end;
        else await end.WaitAsync(cancellation);
    }
}
