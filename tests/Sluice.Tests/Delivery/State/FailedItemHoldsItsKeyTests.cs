using System.Collections.Concurrent;
using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>Once an item of a key has failed, later items of the key are not started before it has ended: every start is a first one or a
/// retry.</summary>
public class FailedItemHoldsItsKeyTests
{
    private readonly ConcurrentQueue<int> calls = new();
    private readonly ConcurrentDictionary<int, int> starts = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("fused")]
    [InlineData("behind a buffer")]
    [InlineData("asynchronous")]
    [InlineData("in lanes by key")]
    [InlineData("in a branch")]
    public async Task LaterItemsOfAKeyWaitWhileAnEarlierItemIsRetried(string shape)
    {
        ConsecutorSnapshot end = await RunAsync(shape, [1, 2, 3, 4, 5], static _ => "a", static (n, start) => n == 2 && start == 1);
        Assert.Equal((5L, 0L), (end.Completed, end.Dead));
        Assert.Equal([1, 2, 2, 3, 4, 5], calls);
    }

    [Theory]
    [InlineData("fused")]
    [InlineData("behind a buffer")]
    [InlineData("asynchronous")]
    [InlineData("in lanes by key")]
    [InlineData("in a branch")]
    public async Task TheHandlerIsCalledOncePerItemAndRetry(string shape)
    {
        const int Items = 400, Retries = 3;
        Func<int, int> failures = static n => n % 11 == 3 ? 1 + (n % 3) : n % 50 == 7 ? int.MaxValue : 0;
        ConsecutorSnapshot end = await RunAsync(shape, [.. Enumerable.Range(0, Items)], static n => $"{n % 7}",
            (n, start) => start <= failures(n));

        int dead = Enumerable.Range(0, Items).Count(n => failures(n) > Retries);
        Assert.Equal((Items - dead, dead, 0L), (end.Completed, end.Dead, end.Unaccounted));
        Assert.Equal(Items + Enumerable.Range(0, Items).Sum(n => Math.Min(failures(n), Retries)), calls.Count);
        foreach (IGrouping<int, int> key in calls.GroupBy(static n => n % 7)) Assert.Equal(key.Order(), key);
    }

    /// <remarks>The first branch lets the second item wait; then the failure of the second branch is final.</remarks>
    [Fact]
    public async Task AnItemThatWaitedForOneThatIsDeadHasNotFailed()
    {
        var warnings = new ConcurrentQueue<string>();
        await using var store = new MemoryStreamStore();
        await using var work = new Consecutor<int>("work", source => source |
        [
            s => s.ForEach(n =>
            {
                calls.Enqueue(n);
                if (n == 1) throw new TimeoutException("not now");
            }),
            s => s.ForEach(static n =>
            {
                if (n == 1) throw new FormatException("never");
            }) | Stage.OnError(ErrorPolicy.DeadLetter),
        ], new() { Store = store, Process = new(), Stream = new() { Partitions = 1 }, OnWarning = warnings.Enqueue })
        { Key = static _ => "a" };
        await work.SendAllAsync([1, 2], Cancellation);
        await work.StartAsync(Cancellation);
        ConsecutorSnapshot end = await work.WaitForIdleAsync(Cancellation);
        Assert.Equal([1, 2], calls);
        Assert.Equal((1L, 0L), (end.Completed, end.Unaccounted));
        Assert.DoesNotContain(warnings, static warning => warning.Contains("is tried again", StringComparison.Ordinal));
    }

    /// <remarks>More items wait, or are dead, than one commit holds.</remarks>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task ARoundInWhichAllItemsFailIsStillSettled(int retries)
    {
        const int Items = 600;
        await using var store = new MemoryStreamStore();
        await using var consecutor = new Consecutor<int>("work",
            source => source | StageNode.Of(() => new Sums(n => starts.AddOrUpdate(n, 1, static (_, known) => known + 1) <= 1))
                | Stage.Named("sums") | (static _ => { }),
            new()
            {
                Store = store,
                Delivery = DeliveryGuarantee.Replay(retries, Backoff.None),
                Process = new(),
                Stream = new() { Partitions = 1 }
            });
        await consecutor.SendAllAsync([.. Enumerable.Range(1, Items)], Cancellation);
        await consecutor.StartAsync(Cancellation);
        ConsecutorSnapshot end = await consecutor.WaitForIdleAsync(Cancellation);
        Assert.Equal((Items, 0L), (end.Completed + end.Dead, end.Unaccounted));
        if (retries == 0) Assert.True(end.Dead > Items / 2, $"{end}");
    }

    /// <remarks>One lease and one commit for each of them would let a partition crawl after a failure.</remarks>
    [Theory]
    [InlineData(1, 20)]
    [InlineData(10, 60)]
    public async Task ItemsThatWaitedForAFailedOneGoOnTogether(int failing, int mostCommits)
    {
        var clock = new TestClock();                 // it stands still: a slow round would make later ones smaller, and so more commits
        await using var store = new CountedCommits(new MemoryStreamStore(clock));
        await using var consecutor = new Consecutor<int>("work", source => source
            | StageNode.Of(() => new Sums(n => starts.AddOrUpdate(n, 1, static (_, known) => known + 1) == 1 && n <= failing))
            | Stage.Named("sums") | (static _ => { }), new()
            {
                Store = store,
                Delivery = DeliveryGuarantee.Replay(1, Backoff.None),
                Process = new(),
                Stream = new() { Partitions = 1 },
                Run = new() { Time = clock }
            });
        await consecutor.SendAllAsync([.. Enumerable.Range(1, 200)], Cancellation);
        await consecutor.StartAsync(Cancellation);
        ConsecutorSnapshot end = await consecutor.WaitForIdleAsync(Cancellation);
        Assert.Equal((200L, 0L), (end.Completed, end.Unaccounted));
        Assert.InRange(store.Commits, 1, mostCommits);
    }

    private async Task<ConsecutorSnapshot> RunAsync(string shape, int[] items, Func<int, string> key, Func<int, int, bool> fails)
    {
        await using var store = new MemoryStreamStore();
        await using var consecutor = new Consecutor<int>("work", source => shape switch
        {
            "fused" => source | Handle,
            "behind a buffer" => source | (static n => n) | Stage.Buffer(64) | Handle,
            "asynchronous" => source | (static n => n) | Stage.Buffer(64) | HandleAsync,
            "in lanes by key" => source.SelectAsync(async (n, cancellation) =>
            {
                await HandleAsync(n, cancellation);
                return n;
            }) | Stage.KeyBy<int, string>(key, 4) | (static _ => { }),
            _ => source | [static some => some | (static _ => { }), some => some | (static n => n) | Stage.Buffer(8) | Handle],
        },
            new()
            {
                Store = store,
                Delivery = DeliveryGuarantee.Replay(3, Backoff.None),
                Process = new(),
                Stream = new() { Partitions = 1 }
            })
        { Key = key };
        await consecutor.SendAllAsync(items, Cancellation);
        await consecutor.StartAsync(Cancellation);
        return await consecutor.WaitForIdleAsync(Cancellation);

        void Handle(int n)
        {
            calls.Enqueue(n);
            if (fails(n, starts.AddOrUpdate(n, 1, static (_, known) => known + 1))) throw new TimeoutException("not now");
        }

        async ValueTask HandleAsync(int n, CancellationToken _)
        {
            for (int i = 0; i < n % 3; i++) await Task.Yield();
            Handle(n);
        }
    }

    private sealed class Sums(Func<int, bool> fails) : StatefulStageNode<int, int, int>
    {
        protected override ValueTask ProcessAsync(int item, Output<int> output, CancellationToken cancellation)
        {
            State += item;
            return fails(item) ? throw new TimeoutException("not now") : output.PushAsync(State);
        }
    }

    private sealed class CountedCommits(IStreamStore inner) : StreamStoreWrapper(inner)
    {
        private int commits;

        public int Commits => Volatile.Read(ref commits);

        public override ValueTask<CommitResult> CommitAsync(StoreCommit commit, CancellationToken cancellation = default)
        {
            Interlocked.Increment(ref commits);
            return base.CommitAsync(commit, cancellation);
        }
    }
}
