using System.Collections.Concurrent;
using Sluice.Diagnostics;
using Sluice.Testing;
using Sluice.Topologies;

namespace Sluice.Tests.Delivery;

public class ConsecutorTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task SentItemsAreProcessedAndCounted()
    {
        await using var store = new MemoryStreamStore();
        var seen = new ConcurrentBag<int>();
        await using var consecutor = new Consecutor<int>("numbers", source => source.Where(n => n % 3 != 0) | (n => n * 2) | seen.Add,
            new() { Store = store });
        await consecutor.StartAsync(Cancellation);

        for (int i = 0; i < 30; i++) await consecutor.SendAsync(i, Cancellation);
        ConsecutorSnapshot end = await consecutor.WaitForIdleAsync(Cancellation);

        Assert.Equal((30L, 20L, 10L, 0L), (end.Accepted, end.Completed, end.Skipped, end.Unaccounted));
        Assert.Equal(Enumerable.Range(0, 30).Where(n => n % 3 != 0).Select(n => n * 2), seen.Order());
    }

    [Theory]
    [InlineData(nameof(DeliveryLevel.None), 1, 0, 2)]
    [InlineData(nameof(DeliveryLevel.Confirm), 1, 0, 2)]
    [InlineData(nameof(DeliveryLevel.Track), 1, 1, 1)]
    [InlineData(nameof(DeliveryLevel.Replay), 4, 2, 0)]
    public async Task EachDeliveryLevelRetriesAndDeadLettersAsItPromises(string level, int starts, int dead, int cancelled)
    {
        var attempts = new ConcurrentDictionary<int, int>();
        Sluice.DeliveryGuarantee delivery = level switch
        {
            nameof(DeliveryLevel.None) => Sluice.DeliveryGuarantee.None,
            nameof(DeliveryLevel.Confirm) => Sluice.DeliveryGuarantee.Confirm,
            nameof(DeliveryLevel.Track) => Sluice.DeliveryGuarantee.Track(1),
            _ => Sluice.DeliveryGuarantee.Replay(3, Backoff.None),
        };
        await using var store = new MemoryStreamStore();
        await using var consecutor = new Consecutor<int>("numbers", source => source | Check | (_ => { }),
            new() { Store = store, Delivery = delivery });
        await consecutor.StartAsync(Cancellation);
        for (int i = 0; i < 5; i++)
        {
            await consecutor.SendAsync(i, Cancellation);
            await consecutor.WaitForIdleAsync(Cancellation);
        }

        ConsecutorSnapshot end = await consecutor.WaitForIdleAsync(Cancellation);
        Assert.Equal((5L, 3L, dead, cancelled, 0L), (end.Accepted, end.Completed, end.Dead, end.Cancelled, end.Unaccounted));
        Assert.Equal(starts, attempts[1]);
        Assert.Equal(1, attempts[0]);
        List<DeadLetter> letters = await LettersAsync(consecutor);
        Assert.All(letters, letter => Assert.Equal(("Check", starts, letter.Item),
            (letter.Node, letter.Attempts, 4 - (letters.Count == 2 && letter == letters[0] ? 3 : 0))));

        int Check(int n)
        {
            attempts.AddOrUpdate(n, 1, static (_, known) => known + 1);
            return n is 1 or 4 ? throw new FormatException("no good") : n;
        }
    }

    [Fact]
    public async Task AnItemWaitsForItsBackoffWhileOthersGoOn()
    {
        var clock = new TestClock();
        await using var store = new MemoryStreamStore(clock);
        var seen = new ConcurrentQueue<int>();
        int starts = 0;
        await using var consecutor = new Consecutor<int>("numbers",
            source => source | (n => n == 1 && ++starts < 2 ? throw new TimeoutException() : n) | seen.Enqueue,
            new()
            {
                Store = store,
                Delivery = Sluice.DeliveryGuarantee.Replay(1, Backoff.Constant(TimeSpan.FromMinutes(5))),
                Run = new() { Time = clock }
            });
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAllAsync([1, 2], Cancellation);
        await Member.UntilAsync(consecutor, snapshot => snapshot is { Retrying: 1, Completed: 1 });
        await consecutor.SendAsync(3, Cancellation);
        await Member.UntilAsync(consecutor, snapshot => snapshot is { Retrying: 1, Completed: 2 });

        Task<ConsecutorSnapshot> idle = consecutor.WaitForIdleAsync(Cancellation);
        await clock.WaitForTimersAsync(2, Cancellation);              // the timers of the heartbeat and of the retry
        clock.Advance(TimeSpan.FromMinutes(5));
        Assert.Equal(3, (await idle).Completed);
        Assert.Equal([2, 3, 1], seen);
    }

    [Fact]
    public async Task AStopFinishesItemsInFlightWithoutChargingAnAttempt()
    {
        await using var store = new MemoryStreamStore();
        var begun = new SemaphoreSlim(0);
        var go = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var done = new ConcurrentBag<(int, int)>();
        await using (Consecutor<int> first = New())
        {
            await first.StartAsync(Cancellation);
            await first.SendAllAsync([1, 2, 3], Cancellation);
            await begun.WaitAsync(Cancellation);
            Task<bool> stopping = first.StopAsync();
            go.SetResult();
            Assert.True(await stopping);
            Assert.Equal(0, first.Snapshot().Unaccounted);
        }
        await using Consecutor<int> next = New();
        await next.StartAsync(Cancellation);
        ConsecutorSnapshot end = await next.WaitForIdleAsync(Cancellation);
        Assert.Equal((3L, 3L, 0L), (end.Accepted, end.Completed, end.Suspect));
        Assert.Equal([(1, 1), (2, 1), (3, 1)], done.Order());

        Consecutor<int> New() => new("numbers", source => source.ForEachAsync(async (n, item, _) =>
        {
            begun.Release();
            await go.Task;
            done.Add((n, item.Attempt));
        }), new() { Store = store });
    }

    [Fact]
    public void AStageWithStateInMemoryAndAForeignSourceAreRefusedByName()
    {
        var failure = Assert.Throws<InvalidTopologyException>(() => new Consecutor<int>("numbers", source => source.Skip(10) | (_ => { })));
        Assert.Contains("A skip does not fit into a consecutor: it ", failure.Message, StringComparison.Ordinal);
        failure = Assert.Throws<InvalidTopologyException>(() => new Consecutor<int>("numbers",
            source => Source.Merge(source, Source.Range(1, 2) | (n => (int)n)) | (_ => { })));
        Assert.Contains("begins with numbers, range-1", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task WithoutAStoreAConsecutorRetriesAndPassesTheSameObject()
    {
        int starts = 0;
        var last = new ConcurrentQueue<object>();
        var item = new object();
        await using var consecutor = new Consecutor<object>("objects",
            source => source | (o => ++starts < 3 ? throw new TimeoutException() : o) | last.Enqueue,
            new() { Delivery = Sluice.DeliveryGuarantee.Replay(2, Backoff.None) });
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAsync(item, Cancellation);
        Assert.Equal(1, (await consecutor.WaitForIdleAsync(Cancellation)).Completed);
        Assert.Same(item, Assert.Single(last));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task WithoutAStoreItemsAreCountedAndRetriesKeepTheirIds(bool hasBoundary)
    {
        const int Count = 20_000;
        var ids = new ConcurrentDictionary<int, ConcurrentBag<string>>();
        int done = 0;
        await using var consecutor = new Consecutor<int>("numbers", Body,
            new() { Delivery = Sluice.DeliveryGuarantee.Replay(2, Backoff.None) });
        await consecutor.StartAsync(Cancellation);
        await (Source.From(Enumerable.Range(0, Count)) | consecutor).RunAsync(cancellation: Cancellation);
        ConsecutorSnapshot end = await consecutor.WaitForIdleAsync(Cancellation);

        Assert.Equal((Count, Count - 210L, 200L, 10L, 0L, 0L),
            (end.Accepted, end.Completed, end.Skipped, end.Dead, end.Cancelled, end.Unaccounted));
        Assert.Equal(Count - 210, done);
        Assert.All(ids, seen => Assert.Single(seen.Value.Distinct()));
        Assert.Equal(20, ids.Count);
        Assert.All(await LettersAsync(consecutor), letter => Assert.Equal((0, 3), ((int)letter.Item! % 2000, letter.Attempts)));

        Pipeline Body(Source<int> source)
        {
            Source<int> kept = source.Where(n => n % 100 != 1) | Note;
            return hasBoundary ? kept | Stage.Buffer(10) | Count1 : kept | Count1;
        }

        int Note(int n) => n;

        async ValueTask Count1(int n, ItemContext item, CancellationToken cancellation)
        {
            if (n % 1000 == 0)
            {
                ConcurrentBag<string> seen = ids.GetOrAdd(n, static _ => []);
                seen.Add(item.Id);
                if (n % 2000 == 0 || seen.Count < 2) throw new FormatException("no good");
            }
            Interlocked.Increment(ref done);
            await Task.CompletedTask;
        }
    }

    [Fact]
    public async Task ItemsOfAKeyStayInOrder()
    {
        await using var store = new MemoryStreamStore();
        var seen = new ConcurrentQueue<int>();
        await using var consecutor = new Consecutor<int>("numbers", source => source | (n => n) | Stage.Parallel(4) | seen.Enqueue,
            new() { Store = store, MaxInFlight = 7, Stream = new() { Partitions = 5 } })
        { Key = n => $"{n % 10}" };
        await consecutor.StartAsync(Cancellation);
        await (Source.From(Enumerable.Range(0, 1000)) | consecutor).RunAsync(cancellation: Cancellation);
        await consecutor.WaitForIdleAsync(Cancellation);
        for (int key = 0; key < 10; key++) Assert.Equal(Enumerable.Range(0, 100).Select(n => (n * 10) + key),
            seen.Where(n => n % 10 == key));
    }

    [Fact]
    public async Task AFullStreamMakesSendersWait()
    {
        await using var store = new MemoryStreamStore();
        await using var consecutor = new Consecutor<int>("numbers", source => source | (_ => { }),
            new() { Store = store, Stream = new() { MaxItems = 3 } });
        await consecutor.SendAllAsync([1, 2, 3], Cancellation);          // before the start: accepted all the same
        Task waiting = consecutor.SendAsync(4, Cancellation).AsTask();
        Assert.False(waiting.IsCompleted);
        await consecutor.StartAsync(Cancellation);
        await waiting;
        Assert.Equal(4, (await consecutor.WaitForIdleAsync(Cancellation)).Completed);
    }

    private static async Task<List<DeadLetter>> LettersAsync<T>(Consecutor<T> consecutor)
    {
        List<DeadLetter> letters = [];
        await foreach (DeadLetter letter in consecutor.ListDeadLettersAsync(Cancellation)) letters.Add(letter);
        return letters;
    }
}
