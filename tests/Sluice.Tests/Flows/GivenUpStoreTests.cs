using Sluice.Flows;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Flows;

/// <summary>Calls that wait when a service is stopped and its store does not answer.</summary>
public class GivenUpStoreTests
{
    private static readonly Processor Work = new("work") { Inputs = ["x"], Outputs = ["y"] };

    /// <remarks>They ended as cancelled, although nobody had cancelled them.</remarks>
    [Fact]
    public async Task TheCallsSayThatTheServiceWasStopped()
    {
        var clock = new TestClock();
        await using var store = new SilentStore(new MemoryStreamStore(clock));
        Supervisor service = Supervisor.Attach(store, new() { Name = "shop", Time = clock, LeaseDuration = TimeSpan.FromSeconds(3) });
        FlowRun run = await service.StartAsync(Flow.From(Work).Resolve(), [IOVal.Of("x", 1)], cancellation: FlowLab.Cancellation);
        Task completion = run.Completion;
        store.IsSilent = true;
        Task asking = run.GetStatusAsync(FlowLab.Cancellation);
        Task stopping = service.DisposeAsync().AsTask();
        while (!stopping.IsCompleted || !asking.IsCompleted || !completion.IsCompleted)
        {
            clock.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }
        foreach (Task call in (Task[])[asking, completion])
            Assert.StartsWith("The supervisor shop was stopped, and the store did not answer in time",
                (await Assert.ThrowsAsync<ObjectDisposedException>(() => call)).Message, StringComparison.Ordinal);
        store.IsSilent = false;
        Task closing = run.DisposeAsync().AsTask();
        while (!closing.IsCompleted)
        {
            clock.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }
        await closing;
    }

    /// <remarks>The log said that the function had failed, and told to mend it.</remarks>
    [Fact]
    public async Task AProcessorThatWasTakenOverHasNotFailed()
    {
        var clock = new TestClock();
        await using var lab = new FlowLab(new MemoryStreamStore(clock));
        Supervisor service = lab.Join(options => options with { Time = clock, LeaseDuration = TimeSpan.FromSeconds(3) });
        var go = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        service.Register(Work, async (IO<int> x, IOWriter<int> y, CancellationToken cancellation) =>
        {
            await y.WriteAsync(await x.FirstAsync(cancellation), cancellation);
            begun.TrySetResult();
            await go.Task;
            await y.WriteAsync(2, cancellation);
        });
        await using FlowRun run = await service.StartAsync(Flow.From(Work).Resolve(), [IOVal.Of("x", 1)],
            cancellation: FlowLab.Cancellation);
        await begun.Task.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        await lab.Store.OpenProducerAsync(FlowNames.Values(run.Id, "y"), "work", FlowLab.Cancellation);          // as another host does
        go.SetResult();
        while (!run.Completion.IsCompleted)
        {
            clock.Advance(TimeSpan.FromMilliseconds(500));
            await Task.Yield();
        }
        await run.Completion;
        Assert.DoesNotContain(lab.Warnings, static text => text.Contains("has failed", StringComparison.Ordinal));
    }

    private sealed class SilentStore(IStreamStore inner) : StreamStoreWrapper(inner)
    {
        public volatile bool IsSilent;

        protected override async ValueTask<T> CallAsync<T>(string name, Func<ValueTask<T>> call)
        {
            if (IsSilent) await Task.Delay(Timeout.Infinite, FlowLab.Cancellation);
            return await call();
        }
    }
}
