using System.Collections.Concurrent;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>Two runs of one resumable producer at the same time: the later one has it, from the position at which it fenced the earlier
/// one.</summary>
public class OverlappingRunsTests
{
    private const int Items = 40;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task TheOlderRunEndsWithAnErrorThatSaysItWasSupersededAndEveryItemIsAcceptedOnce()
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
    public async Task AnAppendWhoseAnswerWasLostIsSentAgainWithoutTakingTheProducerBack(bool isApplied)
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
    public async Task RunsThatRaceAcceptEveryItemOnceAndEachOneThatEndsWithoutAnErrorHasSeenThemAllAccepted()
    {
        for (int round = 0; round < 50; round++)
        {
            await using Seen seen = await Seen.StartAsync(new MemoryStreamStore());
            Task[] runs = [.. Enumerable.Range(0, 3).Select(_ => Task.Run(async () => await (Yielding() | seen.Consecutor).RunAsync(),
                Cancellation))];
            foreach (Task run in runs)
            {
                await Task.WhenAny(run);
                // The last may be the append of a run that it has superseded, whose answer is still to be counted: that is waited for.
                if (run.IsCompletedSuccessfully) Assert.Equal(Items, (await seen.Consecutor.WaitForIdleAsync(Cancellation)).Accepted);
                else await AssertSupersededAsync(run);
            }
            Assert.Contains(runs, run => run.IsCompletedSuccessfully);
            await seen.AssertAllOnceAsync();
        }
    }

    [Fact]
    public async Task NothingIsAcceptedBehindAnAppendThatFailed()
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

    /// <summary>Accepts one item, then waits until it is let on.</summary>
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

    /// <summary>A store one of whose appends loses its answer, or is refused for good, when it is told.</summary>
    private sealed class HiccupStore() : StreamStoreWrapper(new MemoryStreamStore())
    {
        private Func<AppendRequest, Func<ValueTask<AppendResult>>, ValueTask<AppendResult>>? next;

        public void FailNext(bool isApplied, Func<Task> meanwhile) => next = async (_, append) =>
        {
            if (isApplied) await append();
            await meanwhile();
            throw new StreamStoreException("The answer was lost.");
        };

        public void RefuseNext() => next = (_, _) => throw new InvalidOperationException("It is not taken.");

        public override ValueTask<AppendResult> AppendAsync(AppendRequest request, CancellationToken cancellation = default)
            => Interlocked.Exchange(ref next, null) is { } act ? act(request, () => base.AppendAsync(request, cancellation))
            : base.AppendAsync(request, cancellation);
    }
}
