using System.Collections.Concurrent;
using Sluice.Flows;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>A program blocks its only thread, which has a synchronization context (a window, an old web page). The library must not need
/// that thread.</summary>
public class BlockedContextTests
{
    [Fact]
    public Task StoresConsecutorsAndFlowsWorkWhileTheContextThreadBlocks() => BlockingAsync(Live);

    /// <remarks>Regression: the push of a device's event never returned to a window that waited for it.</remarks>
    [Fact]
    public async Task APushThatWaitsForRoomReturnsToABlockedThread()
    {
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Source<int> source = Source.Create<int>((push, _) => BlockingAsync(() =>
        {
            ValueTask pushed;
            while ((pushed = push(1)).IsCompletedSuccessfully) { }
            Task waiting = pushed.AsTask();
            release.SetResult();
            Block(waiting);
        }), capacity: 1);
        await source.ForEachAsync(async (_, _, _) => await release.Task).RunAsync();
    }

    /// <remarks>Regression: if all else had ended before the start returned, nodes were disposed on the thread of the start.</remarks>
    [Fact]
    public Task NodesAreDisposedElsewhereThanOnTheThreadThatStartsTheRun() => BlockingAsync(static () =>
    {
        Pipeline pipeline = Source.From([1]) | StageNode.Of(static () => new SlowToDispose()) | (_ => { });
        Block(pipeline.RunAsync(new RunOptions { Scheduler = new FasterThanTheCaller() }));
    });

    private static async Task BlockingAsync(Action work)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var thread = new Thread(() =>
        {
            SynchronizationContext.SetSynchronizationContext(new NobodyRuns());
            try
            {
                work();
                done.SetResult();
            }
            catch (Exception e)
            {
                done.SetException(e);
            }
        })
        { IsBackground = true };
        thread.Start();
        await done.Task.WaitAsync(TimeSpan.FromMinutes(2), TestContext.Current.CancellationToken);
    }

    // Everything that a program does with a store, a consecutor and flows.
    private static void Live()
    {
        var memory = new MemoryStreamStore();
        var store = new Yielding(memory);
        Block(memory.OpenStreamAsync("signals").AsTask());
        Task<long> change = memory.WaitForChangeAsync("signals", memory.WaitForChangeAsync("signals", -1).AsTask().Result).AsTask();
        Block(memory.EndStreamAsync("signals", StreamEnd.Complete).AsTask());
        Block(change);

        var consecutor = new Consecutor<int>("work", source => source.SelectAsync(async (n, _) =>
        {
            await Task.Yield();
            return n == 3 ? throw new InvalidOperationException("not three") : n;
        }).ForEach(_ => { }), new() { Store = store, Delivery = DeliveryGuarantee.Replay(0) });
        Block(consecutor.StartAsync());
        Block(consecutor.SendAllAsync([1, 2, 3]).AsTask());
        Block(consecutor.SendAsync(4).AsTask());
        Block(consecutor.TrySendAsync(5, new() { IdempotencyKey = "five" }));
        Block(OpenAsync(consecutor));
        Block(consecutor.WaitForIdleAsync());
        Block(consecutor.RedriveAsync(_ => true));
        Block(consecutor.WaitForIdleAsync());
        Block(consecutor.CompleteAsync());
        Block(consecutor.StopAsync());
        Block(consecutor.DisposeAsync().AsTask());

        Supervisor supervisor = Supervisor.Attach(store, new() { OnWarning = _ => { } });
        var add = new Processor("add") { Inputs = ["x"], Outputs = ["y"] };
        supervisor.Register(add, AddAsync);
        FlowRun run = Block(supervisor.StartAsync(Flow.From(add).Resolve(), [IOVal.Of("x", 1)]));
        Assert.Equal(2, Block(ReadAsync(run)));
        Block(run.Completion);
        Block(run.GetStatusAsync());
        Block(run.DisposeAsync().AsTask());
        Block(supervisor.DisposeAsync().AsTask());
        Block(store.DisposeAsync().AsTask());
    }

    private static async Task<int> AddAsync(IO<int> x, CancellationToken cancellation)
    {
        int sum = 1;
        await foreach (int value in x.StreamAsync(cancellation).ConfigureAwait(false)) sum += value;
        return sum;
    }

    private static async Task OpenAsync(Consecutor<int> consecutor)
    {
        ConsecutorBatch<int> batch = await consecutor.OpenBatchAsync("batch").ConfigureAwait(false);
        await batch.SendAsync(6).ConfigureAwait(false);
        await batch.CloseAsync().ConfigureAwait(false);
    }

    private static async Task<int> ReadAsync(FlowRun run)
    {
        await foreach (int value in run.Output<int>("y").StreamAsync().ConfigureAwait(false)) return value;
        return 0;
    }

    private static void Block(Task task) => task.GetAwaiter().GetResult();

    private static T Block<T>(Task<T> task) => task.GetAwaiter().GetResult();

    private sealed class NobodyRuns : SynchronizationContext
    {
        private readonly ConcurrentQueue<SendOrPostCallback> posted = new();

        public override void Post(SendOrPostCallback d, object? state) => posted.Enqueue(d);
    }

    private sealed class SlowToDispose : StageNode<int, int>, IAsyncDisposable
    {
        protected override ValueTask ProcessAsync(int item, Output<int> output, CancellationToken cancellation) => output.PushAsync(item);

        public async ValueTask DisposeAsync() => await Task.Yield();
    }

    /// <summary>Executes work on a thread of its own, and returns when that is done.</summary>
    private sealed class FasterThanTheCaller : RunScheduler
    {
        public override void Schedule(IThreadPoolWorkItem work)
        {
            var thread = new Thread(work.Execute);
            thread.Start();
            thread.Join();
        }
    }

    /// <summary>Answers later, on a thread of the pool.</summary>
    private sealed class Yielding(IStreamStore inner) : StreamStoreWrapper(inner)
    {
        protected override async ValueTask<T> CallAsync<T>(string name, Func<ValueTask<T>> call)
        {
            await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
            return await call().ConfigureAwait(false);
        }
    }
}
