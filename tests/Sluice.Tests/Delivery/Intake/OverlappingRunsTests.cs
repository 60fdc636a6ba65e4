using System.Collections.Concurrent;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>Two runs of one resumable producer overlap: the later run takes the producer over, from the position at which it fenced the
/// earlier run.</summary>
public class OverlappingRunsTests
{
    private const int Items = 40;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task TheOlderRunFailsAsSupersededAndEachItemIsAcceptedOnce()
    {
        var store = new HiccupStore();
        await using Seen seen = await Seen.StartAsync(store);
        var (reached, goOn) = (NewGate(), NewGate());
        Task older = (Slow(reached, goOn) | seen.Consecutor).RunAsync();
        await reached.Task;
        await (Numbers() | seen.Consecutor).RunAsync();
        goOn.SetResult();

        await AssertSupersededAsync(older);
        await (Numbers() | seen.Consecutor).RunAsync();
        await seen.AssertAllOnceAsync();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AnAppendWithALostAnswerIsRetriedWithoutReclaimingTheProducer(bool isApplied)
    {
        var store = new HiccupStore();
        await using Seen seen = await Seen.StartAsync(store);
        var (reached, goOn) = (NewGate(), NewGate());
        Task older = (Slow(reached, goOn) | seen.Consecutor).RunAsync();
        await reached.Task;
        store.FailNext(isApplied, () => (Numbers() | seen.Consecutor).RunAsync());
        goOn.SetResult();

        await AssertSupersededAsync(older);
        await (Numbers() | seen.Consecutor).RunAsync();
        await seen.AssertAllOnceAsync();
    }

    [Fact]
    public async Task RacingRunsAcceptEachItemOnceAndAnyRunThatSucceedsSawAllAccepted()
    {
        for (int round = 0; round < 50; round++)
        {
            await using Seen seen = await Seen.StartAsync(new MemoryStreamStore());
            Task[] runs = [.. Enumerable.Range(0, 3).Select(_ => Task.Run(async () => await (Yielding() | seen.Consecutor).RunAsync(),
                Cancellation))];
            foreach (Task run in runs)
            {
                await Task.WhenAny(run);
                // The last item may come from a superseded run whose append is not counted yet, so the test waits for it.
                if (run.IsCompletedSuccessfully) Assert.Equal(Items, (await seen.Consecutor.WaitForIdleAsync(Cancellation)).Accepted);
                else await AssertSupersededAsync(run);
            }
            Assert.Contains(runs, run => run.IsCompletedSuccessfully);
            await seen.AssertAllOnceAsync();
        }
    }

    [Fact]
    public async Task ARunAcceptsNoItemAfterAFailedAppend()
    {
        var store = new HiccupStore();
        await using Seen seen = await Seen.StartAsync(store);
        var (reached, goOn) = (NewGate(), NewGate());
        Task run = (Slow(reached, goOn) | seen.Consecutor).RunAsync();
        await reached.Task;
        long accepted = seen.Consecutor.Snapshot().Accepted;
        store.RefuseNext();
        goOn.SetResult();
        await Assert.ThrowsAsync<PipelineException>(() => run);
        Assert.Equal(accepted, seen.Consecutor.Snapshot().Accepted);
        await (Numbers() | seen.Consecutor).RunAsync();
        await seen.AssertAllOnceAsync();
    }

    private static async Task AssertSupersededAsync(Task run)
    {
        var failure = await Assert.ThrowsAsync<PipelineException>(() => run);
        Assert.Contains("another run of the producer 'numbers' has begun since", failure.Message, StringComparison.Ordinal);
        Assert.Contains("goes on behind what this one had accepted", failure.Message, StringComparison.Ordinal);
    }

    private static Source<int> Numbers() => Source.Resumable<int>("numbers", (position, _) => From(position).ToAsyncEnumerable());

    private static Source<int> Yielding() => Source.Resumable<int>("numbers", (position, _) => YieldingFrom(position));

    /// <summary>Yields one item, then waits until it is released.</summary>
    private static Source<int> Slow(TaskCompletionSource reached, TaskCompletionSource goOn)
        => Source.Resumable<int>("numbers", (position, _) => SlowFrom(position, reached, goOn.Task));

    private static IEnumerable<WithPosition<int>> From(ReadOnlyMemory<byte> position)
    {
        for (int n = position.IsEmpty ? 0 : BitConverter.ToInt32(position.Span); n < Items; n++)
            yield return new(n, BitConverter.GetBytes(n + 1));
    }

    private static async IAsyncEnumerable<WithPosition<int>> YieldingFrom(ReadOnlyMemory<byte> position)
    {
        foreach (WithPosition<int> item in From(position))
        {
            await Task.Yield();
            yield return item;
        }
    }

    private static async IAsyncEnumerable<WithPosition<int>> SlowFrom(ReadOnlyMemory<byte> position, TaskCompletionSource reached,
        Task goOn)
    {
        foreach (WithPosition<int> item in From(position))
        {
            if (item.Item == 1)
            {
                reached.SetResult();
                await goOn;
            }
            if (item.Item > 1) await Task.Yield();
            yield return item;
        }
    }

    private static TaskCompletionSource NewGate() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private sealed class Seen(Consecutor<int> consecutor, ConcurrentQueue<int> items) : IAsyncDisposable
    {
        public Consecutor<int> Consecutor => consecutor;

        public static async Task<Seen> StartAsync(IStreamStore store)
        {
            var items = new ConcurrentQueue<int>();
            var consecutor = new Consecutor<int>("numbers", source => source.ForEach(items.Enqueue),
                new() { Store = store, Stream = new() { Partitions = 1 } });
            await consecutor.StartAsync(Cancellation);
            return new(consecutor, items);
        }

        public async Task AssertAllOnceAsync()
        {
            await consecutor.WaitForIdleAsync(Cancellation);
            Assert.Equal(Enumerable.Range(0, Items), items);
        }

        public ValueTask DisposeAsync() => consecutor.DisposeAsync();
    }

    /// <summary>A store whose next append can lose its answer or be refused.</summary>
    private sealed class HiccupStore() : StreamStoreWrapper(new MemoryStreamStore())
    {
        private Func<AppendRequest, Func<ValueTask<AppendResult>>, ValueTask<AppendResult>>? next;

        public void FailNext(bool isApplied, Func<Task> meanwhile) => next = async (_, append) =>
        {
            if (isApplied) await append();
            await meanwhile();
            throw new StreamStoreException("The answer was lost.");
        };

        public void RefuseNext() => next = (_, _) => throw new ArgumentException("It is not taken.");

        public override ValueTask<AppendResult> AppendAsync(AppendRequest request, CancellationToken cancellation = default)
            => Interlocked.Exchange(ref next, null) is { } act ? act(request, () => base.AppendAsync(request, cancellation))
            : base.AppendAsync(request, cancellation);
    }
}
