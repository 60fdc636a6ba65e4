using System.Threading.Channels;
using Sluice.Flows;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Flows;

/// <summary>A store is disposed before its supervisor: the supervisor says why its work is over, and what to do.</summary>
public class ClosedStoreTests
{
    private const string Why =
        "The store of the supervisor service-1 was disposed while the supervisor was running, so the supervisor has ended. A durable "
        + "store keeps the runs for the next start. Stop or dispose the supervisor first, then its store.";

    private static readonly Processor First = new("first") { Inputs = ["x"], Outputs = ["y"] };

    private readonly TaskCompletionSource<string> ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<string> warnings = [];

    [Fact]
    public async Task AProcessorWhoseStoreIsDisposedIsAProblemThatNamesTheSupervisor()
    {
        await using var lab = new FlowLab();
        Supervisor service = Join(lab);
        service.Register(First, (IO<int> x) => x.FirstAsync());
        await using (FlowRun run = await service.StartAsync(Flow.From(First).Resolve(), [IOVal.Of("x", 1)],
            cancellation: FlowLab.Cancellation))
            Assert.Equal([1], await FlowLab.ReadAsync(run.Output<int>("y")));
        await lab.Store.DisposeAsync();
        Assert.Equal($"The processor first is not hosted here any more: {Why}", await ended.Task.WaitAsync(FlowLab.Patience,
            FlowLab.Cancellation));
        Assert.Equal($"The processor first is not hosted here any more: {Why}", service.Problem);
    }

    [Fact]
    public async Task CallsOfASupervisorWithADisposedStoreSayWhatToDo()
    {
        await using var lab = new FlowLab();
        Supervisor service = Join(lab);
        await lab.Store.DisposeAsync();
        Flow flow = Flow.From(First).Resolve();
        await RefusedAsync(() => service.StartAsync(flow, [IOVal.Of("x", 1)], cancellation: FlowLab.Cancellation));
        await RefusedAsync(() => service.FindAsync("r", FlowLab.Cancellation));
        await RefusedAsync(() => service.CancelAsync("r", cancellation: FlowLab.Cancellation));
        await RefusedAsync(() => service.DeleteAsync("r", FlowLab.Cancellation));
        await RefusedAsync(async () => await service.ListAsync(FlowLab.Cancellation).GetAsyncEnumerator().MoveNextAsync());
    }

    [Fact]
    public async Task ARunWithADisposedStoreSaysWhatToDo()
    {
        await using var lab = new FlowLab();
        Supervisor service = Join(lab);
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        service.Register(First, async (IO<int> x, CancellationToken cancellation) =>
        {
            begun.TrySetResult();
            await Task.Delay(Timeout.Infinite, cancellation);
            return 1;
        });
        await using FlowRun run = await service.StartAsync(Flow.From(First).Resolve(), [IOVal.Of("x", 1)], run: "r",
            cancellation: FlowLab.Cancellation);
        await begun.Task.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        await lab.Store.DisposeAsync();
        await RefusedAsync(() => run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation));
        await RefusedAsync(() => run.GetStatusAsync(FlowLab.Cancellation));
        await RefusedAsync(() => run.CancelAsync("why", FlowLab.Cancellation));
        await RefusedAsync(() => FlowLab.ReadAsync(run.Output<int>("y")));
        await ended.Task.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        await service.DisposeAsync();
        string[] wrong;
        lock (warnings) wrong = [.. warnings.Where(static text => text.Contains("has failed", StringComparison.Ordinal)
            || text.Contains("tried again", StringComparison.Ordinal))];
        Assert.True(wrong.Length == 0, string.Join('\n', wrong));
    }

    /// <summary>A function has another supervisor over another store, which is disposed or has lost writes. That is a failure of the
    /// function: the store of its own service is well.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AFunctionFailsIfTheStoreOfAnotherSupervisorFails(bool isRolledBack)
    {
        await using var lab = new FlowLab();
        var other = new MemoryStreamStore();
        await using Supervisor inner = Supervisor.Attach(other, new() { Name = "inner", OnWarning = _ => { } });
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        inner.Register(First, async (IO<int> x, CancellationToken cancellation) =>
        {
            begun.TrySetResult();
            await Task.Delay(Timeout.Infinite, cancellation);
            return 1;
        });
        var outer = new Processor("outer") { Inputs = ["a"], Outputs = ["b"] };
        Supervisor service = Join(lab);
        service.Register(outer, async (IO<int> a) =>
        {
            await using FlowRun run = await inner.StartAsync(Flow.From(First).Resolve(), [IOVal.Of("x", 1)]);
            if (isRolledBack) throw new AggregateException(new StoreRolledBackException("The other store has lost writes."));
            await run.Completion;
            return 1;
        });
        int generation = lab.Store.Generation;
        await using FlowRun run = await service.StartAsync(Flow.From(outer).Resolve(), [IOVal.Of("a", 1)],
            cancellation: FlowLab.Cancellation);
        if (!isRolledBack)
        {
            await begun.Task.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
            await other.DisposeAsync();
        }
        var failure = await Assert.ThrowsAsync<FlowException>(() => run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation));
        Assert.Equal("outer", failure.Processor);
        Assert.Equal(generation, lab.Store.Generation);
        Assert.Null(service.Problem);
    }

    /// <summary>The heartbeats of the feed would go on for ever, and keep what was put in.</summary>
    [Fact]
    public async Task AnInputWhoseStoreIsDisposedEndsItsHeartbeats()
    {
        var clock = new TestClock();
        await using var lab = new FlowLab(new MemoryStreamStore(clock));
        var isOver = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Supervisor service = lab.Join(options => options with
        {
            Time = clock,
            OnWarning = text =>
            {
                if (text.Contains("could not be ended", StringComparison.Ordinal)) isOver.TrySetResult();
            }
        });
        service.Register(First, (IO<int> x) => x.FirstAsync());
        Channel<int> values = Channel.CreateUnbounded<int>();
        await values.Writer.WriteAsync(1, FlowLab.Cancellation);
        FlowRun run = await service.StartAsync(Flow.From(First).Resolve(), [IOVal.Stream("x", values.Reader.ReadAllAsync())],
            cancellation: FlowLab.Cancellation);
        Assert.Equal([1], await FlowLab.ReadAsync(run.Output<int>("y")));
        await lab.Store.DisposeAsync();
        values.Writer.Complete();
        await isOver.Task.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        await run.DisposeAsync();
        await service.DisposeAsync();
        Assert.Equal(0, clock.ArmedTimers);
    }

    private Supervisor Join(FlowLab lab) => lab.Join(options => options with
    {
        RunRetentionDuration = Timeout.InfiniteTimeSpan,         // what removes runs would try again
        OnWarning = text =>
        {
            lock (warnings) warnings.Add(text);
            if (text.Contains("not hosted here any more", StringComparison.Ordinal)) ended.TrySetResult(text);
        },
    });

    // The type is the store's own: whoever catches it goes on to do so.
    private static async Task RefusedAsync(Func<Task> call)
        => Assert.Equal(Why, (await Assert.ThrowsAnyAsync<ObjectDisposedException>(call)).Message);
}
