using Sluice.Diagnostics;
using Sluice.Flows;

namespace Sluice.Tests.Flows;

/// <summary>Calls that come twice, too late, in the wrong order or cancelled.</summary>
public class MisuseTests
{
    private static readonly Processor Work = new("work") { Inputs = ["x"], Outputs = ["y"] };
    private static readonly Flow Working = Flow.From(Work).Resolve();

    [Fact]
    public async Task ADisposedRunCanBeInspectedAndCancelledButNotRead()
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        FlowRun run = await service.StartAsync(Working, [IOVal.Of("x", 1)], cancellation: FlowLab.Cancellation);
        IO<int> y = run.Output<int>("y");
        Task before = run.Completion;
        await Task.WhenAll(run.DisposeAsync().AsTask(), run.DisposeAsync().AsTask());
        Assert.Contains("goes on. Await Completion before it is disposed",
            (await Assert.ThrowsAsync<ObjectDisposedException>(() => before)).Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => run.Completion);
        Assert.Throws<ObjectDisposedException>(() => run.Output<int>("y"));
        Assert.Contains("the FlowRun was disposed", (await Assert.ThrowsAsync<ObjectDisposedException>(() => FlowLab.ReadAsync(y))).Message,
            StringComparison.Ordinal);
        Assert.Equal(FlowStatus.Waiting, (await run.GetStatusAsync(FlowLab.Cancellation)).Status);
        await run.CancelAsync("enough", FlowLab.Cancellation);
        await run.CancelAsync("enough", FlowLab.Cancellation);
        Assert.Equal(FlowStatus.Cancelled, (await run.GetStatusAsync(FlowLab.Cancellation)).Status);
    }

    [Fact]
    public async Task AReadingFailsWhenItsRunIsDisposed()
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        var go = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        service.Register(Work, MakeAsync);
        FlowRun run = await service.StartAsync(Working, [IOVal.Of("x", 1)], cancellation: FlowLab.Cancellation);
        IAsyncEnumerator<int> values = run.Output<int>("y").StreamAsync(FlowLab.Cancellation).GetAsyncEnumerator(FlowLab.Cancellation);
        Assert.True(await values.MoveNextAsync());
        await run.DisposeAsync();
        go.SetResult();
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await values.MoveNextAsync());
        await values.DisposeAsync();

        async IAsyncEnumerable<IOVal> MakeAsync(IO<int> x)
        {
            yield return IOVal.Of("y", await x.FirstAsync());
            await go.Task;
            yield return IOVal.Of("y", 2);
        }
    }

    [Fact]
    public async Task CallsOnADisposedSupervisorAreRefused()
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        service.Register(Work, StartTests.CopyAsync);
        await using FlowRun run = await service.StartAsync(Working, [IOVal.Of("x", 1)], run: "r", cancellation: FlowLab.Cancellation);
        await Task.WhenAll(service.DisposeAsync().AsTask(), service.DisposeAsync().AsTask());
        Assert.Throws<ObjectDisposedException>(() => service.Register(Work, StartTests.CopyAsync));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => service.StartAsync(Working, [IOVal.Of("x", 1)]));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => service.FindAsync("r"));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => service.CancelAsync("r"));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => service.DeleteAsync("r"));
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await service.ListAsync().FirstOrDefaultAsync());
        Assert.Equal("r", (await run.GetStatusAsync(FlowLab.Cancellation)).Run);
    }

    [Fact]
    public async Task AStartCancelledBeforeItBeginsLeavesNoStreams()
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => service.StartAsync(Working, [IOVal.Of("x", 1)],
            cancellation: new(canceled: true)));
        Assert.Empty(await lab.Store.ListStreamsAsync("flow", FlowLab.Cancellation));
        await Assert.ThrowsAsync<ArgumentNullException>(() => service.CancelAsync("r", null!));
    }

    [Fact]
    public async Task ASecondSupervisorOfTheSameNameIsRefused()
    {
        await using var lab = new FlowLab();
        Supervisor first = Supervisor.Attach(lab.Store, new() { Name = "one" });
        Assert.StartsWith("A supervisor named one is attached to this store already.",
            Assert.Throws<InvalidOperationException>(() => Supervisor.Attach(lab.Store, new() { Name = "one" })).Message,
                StringComparison.Ordinal);
        await first.DisposeAsync();
        await Supervisor.Attach(lab.Store, new() { Name = "one" }).DisposeAsync();
    }

    /// <summary>A start that the caller does not await is still made completely.</summary>
    [Fact]
    public async Task AStartThatNobodyAwaitsRunsToItsEnd()
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        service.Register(Work, StartTests.CopyAsync);
        _ = service.StartAsync(Working, [IOVal.Of("x", 1)], run: "r", cancellation: FlowLab.Cancellation);
        FlowRun? run = null;
        while (run is null) run = await service.FindAsync("r", FlowLab.Cancellation);
        await using (run)
        {
            await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
            Assert.Equal([1], await FlowLab.ReadAsync(run.Output<int>("y")));
        }
    }
}
