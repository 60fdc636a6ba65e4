using System.Collections.Concurrent;
using Sluice.Testing;

namespace Sluice.Tests.Deliveries;

public class ConsecutorTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task WhatIsSentIsProcessedAndCounted()
    {
        await using var store = new MemoryStreamStore();
        var seen = new ConcurrentBag<int>();
        await using var consecutor = new Consecutor<int>("numbers", source => source.Where(n => n % 3 != 0) | (n => n * 2) | seen.Add, new() { Store = store });
        await consecutor.StartAsync(Cancellation);

        for (int i = 0; i < 30; i++) await consecutor.SendAsync(i, Cancellation);
        ConsecutorSnapshot end = await consecutor.IdleAsync(Cancellation);

        Assert.Equal((30L, 20L, 10L, 0L), (end.Accepted, end.Completed, end.Skipped, end.Unaccounted));
        Assert.Equal(Enumerable.Range(0, 30).Where(n => n % 3 != 0).Select(n => n * 2), seen.Order());
    }

    [Theory]
    [InlineData(DeliveryLevel.None, 1, 0, 2)]
    [InlineData(DeliveryLevel.Confirm, 1, 0, 2)]
    [InlineData(DeliveryLevel.Track, 1, 1, 1)]
    [InlineData(DeliveryLevel.Replay, 4, 2, 0)]
    public async Task EachLevelDoesWithAFailureWhatItSays(DeliveryLevel level, int starts, int dead, int cancelled)
    {
        var attempts = new ConcurrentDictionary<int, int>();
        Sluice.Delivery delivery = level switch
        {
            DeliveryLevel.None => Sluice.Delivery.None,
            DeliveryLevel.Confirm => Sluice.Delivery.Confirm,
            DeliveryLevel.Track => Sluice.Delivery.Track(1),
            _ => Sluice.Delivery.Replay(3, Backoff.None),
        };
        await using var store = new MemoryStreamStore();
        await using var consecutor = new Consecutor<int>("numbers", source => source | Check | (_ => { }), new() { Store = store, Delivery = delivery });
        await consecutor.StartAsync(Cancellation);
        for (int i = 0; i < 5; i++)
        {
            await consecutor.SendAsync(i, Cancellation);
            await consecutor.IdleAsync(Cancellation);
        }

        ConsecutorSnapshot end = await consecutor.IdleAsync(Cancellation);
        Assert.Equal((5L, 3L, dead, cancelled, 0L), (end.Accepted, end.Completed, end.Dead, end.Cancelled, end.Unaccounted));
        Assert.Equal(starts, attempts[1]);
        Assert.Equal(1, attempts[0]);
        List<DeadLetter> letters = await LettersAsync(consecutor);
        Assert.All(letters, letter => Assert.Equal(("Check", starts, letter.Item), (letter.Node, letter.Attempts, 4 - (letters.Count == 2 && letter == letters[0] ? 3 : 0))));

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
        await using var consecutor = new Consecutor<int>("numbers", source => source | (n => n == 1 && ++starts < 2 ? throw new TimeoutException() : n) | seen.Enqueue,
            new() { Store = store, Delivery = Sluice.Delivery.Replay(1, Backoff.Constant(TimeSpan.FromMinutes(5))), Run = new() { Time = clock } });
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAsync([1, 2], Cancellation);
        await UntilAsync(consecutor, snapshot => snapshot is { Retrying: 1, Completed: 1 });
        await consecutor.SendAsync(3, Cancellation);
        await UntilAsync(consecutor, snapshot => snapshot is { Retrying: 1, Completed: 2 });

        Task<ConsecutorSnapshot> idle = consecutor.IdleAsync(Cancellation);
        await clock.WaitForTimersAsync(2, Cancellation);              // the heart, and the pump that waits for what is due
        clock.Advance(TimeSpan.FromMinutes(5));
        Assert.Equal(3, (await idle).Completed);
        Assert.Equal([2, 3, 1], seen);
    }

    [Fact]
    public async Task APartThatDiedIsRedrivenFromItsNodeAndKeepsItsId()
    {
        await using var store = new MemoryStreamStore();
        var ledger = new Ledger();
        var ids = new ConcurrentBag<string>();
        bool isMended = false;
        int splits = 0;
        Consecutor<int> consecutor = New();
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAsync(7, Cancellation);
        ConsecutorSnapshot end = await consecutor.IdleAsync(Cancellation);
        Assert.Equal((0L, 2L, 1L, 0L), (end.Completed, end.Dead, end.Split, end.Unaccounted));
        Assert.Equal(["70"], ledger.Lines);
        List<DeadLetter> letters = await LettersAsync(consecutor);
        Assert.Equal([71, 72], letters.Select(letter => letter.Item).Order());
        Assert.All(letters, letter => Assert.Equal(("Check", 1, "numbers -> Split -> Check", "FormatException: no good", true),
            (letter.Node, letter.Attempts, letter.Path, letter.Error, letter.EntersAtNode)));

        // In another process, mended.
        await consecutor.DisposeAsync();
        isMended = true;
        await using Consecutor<int> next = New();
        await next.StartAsync(Cancellation);
        Assert.Equal(1, await next.RedriveAsync(letter => letter.Item is 71, Cancellation));
        end = await next.IdleAsync(Cancellation);
        Assert.Equal((1L, 1L, 0L), (end.Completed, end.Dead, end.Unaccounted));
        Assert.Equal(1, await next.RedriveAsync(letters[0].Id, Cancellation));
        await next.IdleAsync(Cancellation);

        Assert.Equal(["70", "71", "72"], ledger.Lines.Order());
        Assert.Equal(1, splits);
        Assert.Equal(letters[0].Id, Assert.Single(ids.Distinct()));

        Consecutor<int> New() => new("numbers", source => source | Split | Check | [s => s | ledger.Sink<int>(), s => s.ForEachAsync(NoteAsync)],
            new() { Store = store, Delivery = Sluice.Delivery.Replay(0) });

        IEnumerable<int> Split(int n)
        {
            splits++;
            return [n * 10, (n * 10) + 1, (n * 10) + 2];
        }

        int Check(int n) => n % 10 == 0 || isMended ? n : throw new FormatException("no good");

        ValueTask NoteAsync(int n, ItemContext item, CancellationToken cancellation)
        {
            ids.Add(item.Id);
            return default;
        }
    }

    [Fact]
    public async Task AnItemForANodeThatTheCodeDoesNotHaveIsParkedUntilItHasOne()
    {
        await using var store = new MemoryStreamStore();
        bool isMended = false;
        var seen = new ConcurrentBag<int>();
        await using (Consecutor<int> first = New("check"))
        {
            await first.StartAsync(Cancellation);
            await first.SendAsync(1, Cancellation);
            Assert.Equal(1, (await first.IdleAsync(Cancellation)).Dead);
            await first.StopAsync();
        }
        isMended = true;
        await using (Consecutor<int> renamed = New("verify"))
        {
            await renamed.StartAsync(Cancellation);
            await renamed.RedriveAsync(_ => true, Cancellation);
            ConsecutorSnapshot parked = await UntilAsync(renamed, snapshot => snapshot.Parked == 1);
            Assert.Equal((0L, 0L), (parked.InFlight, parked.Unaccounted));
            WaitingEntry waiting = Assert.Single(await WaitingAsync(store));
            Assert.Contains("no node 'check'", waiting.Error, StringComparison.Ordinal);
            await renamed.StopAsync();
        }
        await using Consecutor<int> again = New("check");
        await again.StartAsync(Cancellation);
        Assert.Equal(1, (await again.IdleAsync(Cancellation)).Completed);
        Assert.Equal([2], seen);

        Consecutor<int> New(string node) => new("numbers",
            source => source | (n => n + 1) | ((int n) => isMended ? n : throw new FormatException()) | Stage.Named(node) | seen.Add,
            new() { Store = store, Delivery = Sluice.Delivery.Replay(0) });
    }

    [Fact]
    public async Task WhatKillsTheProcessDiesAloneAndInnocentsPayNothing()
    {
        await using var store = new MemoryStreamStore();
        var done = new ConcurrentBag<int>();
        var attempts = new ConcurrentDictionary<int, int>();
        int lives = 0;
        ConsecutorSnapshot? end = null;
        while (end is null)
        {
            Assert.True(++lives < 10, "It goes on dying.");
            var killed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var consecutor = new Consecutor<int>("numbers", source => source.ForEachAsync(WorkAsync), new() { Store = store, Delivery = Sluice.Delivery.Replay(2, Backoff.None) });
            await consecutor.StartAsync(Cancellation);
            if (lives == 1) await consecutor.SendAsync(Enumerable.Range(0, 20).ToList(), Cancellation);
            Task<ConsecutorSnapshot> idle = consecutor.IdleAsync(Cancellation);
            if (await Task.WhenAny(idle, killed.Task) == idle)
            {
                end = await idle;
                DeadLetter letter = Assert.Single(await LettersAsync(consecutor));
                Assert.Contains("The process ended 3 times while nothing but this item", letter.Error, StringComparison.Ordinal);
                Assert.Equal(11, letter.Item);
                await consecutor.DisposeAsync();
            }
            else await consecutor.AbandonAsync();

            async ValueTask WorkAsync(int n, ItemContext item, CancellationToken cancellation)
            {
                if (n == 11)
                {
                    killed.TrySetResult();
                    await Task.Delay(Timeout.InfiniteTimeSpan, cancellation);
                }
                Assert.Equal(1, item.Attempt);
                done.Add(n);
            }
        }
        Assert.Equal((19L, 1L, 0L), (end.Completed, end.Dead, end.Unaccounted));
        Assert.Equal(5, lives);                      // a shared crash, three alone, and the life that buried it
        Assert.Empty(attempts);
    }

    [Fact]
    public async Task AStopLetsWhatIsUnderWayEndAndChargesNothing()
    {
        await using var store = new MemoryStreamStore();
        var begun = new SemaphoreSlim(0);
        var go = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var done = new ConcurrentBag<(int, int)>();
        await using (Consecutor<int> first = New())
        {
            await first.StartAsync(Cancellation);
            await first.SendAsync([1, 2, 3], Cancellation);
            await begun.WaitAsync(Cancellation);
            Task<bool> stopping = first.StopAsync();
            go.SetResult();
            Assert.True(await stopping);
            Assert.Equal(0, first.Snapshot().Unaccounted);
        }
        await using Consecutor<int> next = New();
        await next.StartAsync(Cancellation);
        ConsecutorSnapshot end = await next.IdleAsync(Cancellation);
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
    public void AStageThatWouldForgetIsRefusedByName()
    {
        var failure = Assert.Throws<InvalidTopologyException>(() => new Consecutor<int>("numbers", source => source.Chunk(10) | (_ => { })));
        Assert.Contains("A chunk does not fit into a consecutor: it holds the items of a chunk", failure.Message, StringComparison.Ordinal);
        failure = Assert.Throws<InvalidTopologyException>(() => new Consecutor<int>("numbers", source => Source.Merge(source, Source.Range(1, 2) | (n => (int)n)) | (_ => { })));
        Assert.Contains("has 2 sources", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task WithoutAStoreItemsAreFollowedInThisProcess()
    {
        int starts = 0;
        var last = new ConcurrentQueue<object>();
        var item = new object();
        await using var consecutor = new Consecutor<object>("objects", source => source | (o => ++starts < 3 ? throw new TimeoutException() : o) | last.Enqueue,
            new() { Delivery = Sluice.Delivery.Replay(2, Backoff.None) });
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAsync(item, Cancellation);
        Assert.Equal(1, (await consecutor.IdleAsync(Cancellation)).Completed);
        Assert.Same(item, Assert.Single(last));
    }

    [Fact]
    public async Task ItemsOfAKeyStayInOrder()
    {
        await using var store = new MemoryStreamStore();
        var seen = new ConcurrentQueue<int>();
        await using var consecutor = new Consecutor<int>("numbers", source => source | (n => n) | Stage.Parallel(4) | seen.Enqueue,
            new() { Store = store, Capacity = 7, Stream = new() { Partitions = 5 } })
        { Key = n => $"{n % 10}" };
        await consecutor.StartAsync(Cancellation);
        await (Source.From(Enumerable.Range(0, 1000)) | consecutor).RunAsync(cancellation: Cancellation);
        await consecutor.IdleAsync(Cancellation);
        for (int key = 0; key < 10; key++) Assert.Equal(Enumerable.Range(0, 100).Select(n => (n * 10) + key), seen.Where(n => n % 10 == key));
    }

    [Fact]
    public async Task AFullStreamMakesSendersWait()
    {
        await using var store = new MemoryStreamStore();
        await using var consecutor = new Consecutor<int>("numbers", source => source | (_ => { }), new() { Store = store, Stream = new() { MaxItems = 3 } });
        await consecutor.SendAsync([1, 2, 3], Cancellation);          // before the start: accepted all the same
        Task waiting = consecutor.SendAsync(4, Cancellation).AsTask();
        Assert.False(waiting.IsCompleted);
        await consecutor.StartAsync(Cancellation);
        await waiting;
        Assert.Equal(4, (await consecutor.IdleAsync(Cancellation)).Completed);
    }

    private static async Task<List<DeadLetter>> LettersAsync<T>(Consecutor<T> consecutor)
    {
        List<DeadLetter> letters = [];
        await foreach (DeadLetter letter in consecutor.DeadLetters(Cancellation)) letters.Add(letter);
        return letters;
    }

    private static async Task<List<WaitingEntry>> WaitingAsync(MemoryStreamStore store)
    {
        var group = new GroupId("numbers", "numbers");
        List<WaitingEntry> waiting = [];
        foreach (PartitionInfo partition in (await store.FindGroupAsync(group, Cancellation))!.Partitions)
            waiting.AddRange(await store.ListWaitingAsync(group, partition.Partition, cancellation: Cancellation));
        return waiting;
    }

    /// <summary>Waits for a state that the consecutor comes to by itself.</summary>
    private static async Task<ConsecutorSnapshot> UntilAsync<T>(Consecutor<T> consecutor, Func<ConsecutorSnapshot, bool> isReached)
    {
        while (true)
        {
            ConsecutorSnapshot snapshot = consecutor.Snapshot();
            if (isReached(snapshot)) return snapshot;
            Cancellation.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }
}
