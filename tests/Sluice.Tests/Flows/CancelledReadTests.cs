using Sluice.Flows;
using Sluice.Storage;
using Sluice.Testing;
using Sluice.Tests.Delivery;

namespace Sluice.Tests.Flows;

/// <summary>A read of a result that is cancelled ends at once, and holds up nobody.</summary>
public class CancelledReadTests
{
    private static readonly Processor Work = new("work") { Inputs = ["x"], Outputs = ["y"] };
    private readonly TestClock clock = new();

    /// <remarks>Formerly it released its reader first, and waited until the store was back.</remarks>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AReadEndsWhenItsTokenIsCancelledAlthoughTheStoreIsAway(bool isLoop)
    {
        await using var lab = new FlowLab(new MemoryStreamStore(clock));
        var waits = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        string result = FlowNames.Values("run", "y");
        var frozen = new FrozenStore(new HookedStore(lab.Store)
        {
            Before = (call, stream) =>
            {
                if (call == nameof(IStreamStore.WaitForChangeAsync) && stream == result) waits.TrySetResult();
                return Task.CompletedTask;
            }
        });
        Supervisor service = lab.Join(options => options with { Time = clock }, frozen);
        var goOn = new TaskCompletionSource<int>(TaskCreationOptions.RunContinuationsAsynchronously);
        service.Register(Work, (IO<int> x) => goOn.Task);
        FlowRun run = await service.StartAsync(Flow.From(Work).Resolve(), [IOVal.Of("x", 1)], run: "run",
            cancellation: FlowLab.Cancellation);
        using var caller = new CancellationTokenSource();
        Task read = isLoop ? run.Output<int>("y").StreamAsync(caller.Token).ToListAsync(CancellationToken.None).AsTask()
            : run.Output<int>("y").FirstAsync(caller.Token).AsTask();
        await waits.Task.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        frozen.Freeze();
        await caller.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => read.WaitAsync(FlowLab.Patience, FlowLab.Cancellation));
        frozen.Thaw();
        goOn.SetResult(7);
        Assert.Equal([7], await FlowLab.ReadAsync(run.Output<int>("y")).WaitAsync(FlowLab.Patience, FlowLab.Cancellation));
        await run.DisposeAsync();
    }

    [Fact]
    public async Task AReadThatIsCancelledWhileItOpensDoesNotHoldUpTheWriter()
    {
        const int Values = 20;
        await using var lab = new FlowLab(new MemoryStreamStore(clock));
        using var caller = new CancellationTokenSource();
        Supervisor service = lab.Join(options => options with { Time = clock },
            new OpeningStore(lab.Store, FlowNames.Values("run", "y"), caller));
        var goOn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        service.Register(Work, async (IO<int> x, IOWriter<int> y) =>
        {
            await goOn.Task;
            for (int i = 0; i < Values; i++) await y.WriteAsync(i);
        });
        Flow flow = Flow.From(Work).With("y", new() { MaxItems = 4 }).Resolve();
        await using FlowRun run = await service.StartAsync(flow, [IOVal.Of("x", 1)], run: "run", cancellation: FlowLab.Cancellation);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run.Output<int>("y").FirstAsync(caller.Token).AsTask());
        goOn.SetResult();
        await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);          // no time passes: the gate does not expire
        Assert.Equal(Enumerable.Range(0, Values), await FlowLab.ReadAsync(run.Output<int>("y")));
    }

    /// <summary>Opens a reader that holds up the stream, and cancels the caller before the answer.</summary>
    private sealed class OpeningStore(IStreamStore inner, string watched, CancellationTokenSource caller)
        : StreamStoreWrapper(inner, leaveOpen: true)
    {
        public override async ValueTask<ReaderInfo> OpenReaderAsync(string stream, string reader, ReaderOptions? options = null,
            CancellationToken cancellation = default)
        {
            ReaderInfo opened = await base.OpenReaderAsync(stream, reader, options, cancellation);
            if (stream != watched || caller.IsCancellationRequested) return opened;
            await caller.CancelAsync();
            throw new OperationCanceledException(caller.Token);
        }
    }
}
