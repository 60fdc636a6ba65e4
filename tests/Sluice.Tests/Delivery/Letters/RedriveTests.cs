using System.Collections.Concurrent;
using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>Redriving slowly, in parts, and through crashes.</summary>
public class RedriveTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>The store redrives the letters, and the caller has given up.</summary>
    [Fact]
    public async Task AWaitForIdleWaitsForLettersThatACancelledCallHasRedriven()
    {
        TestClock clock = new();
        await using var inner = await ScenarioStore.OpenAsync(clock);
        using var giveUp = new CancellationTokenSource();
        var store = new AbandonedRedrive(inner, giveUp);
        bool isMended = false;
        await using var work = new Consecutor<int>("work", source => source | (_ =>
        {
            if (!Volatile.Read(ref isMended)) throw new FormatException();
        }), new()
        {
            Store = store,
            Delivery = DeliveryGuarantee.Replay(0),
            Run = new() { Time = clock },
            Stream = new() { Partitions = 1 }
        });
        await work.StartAsync(Cancellation);
        await work.SendAllAsync([.. Enumerable.Range(0, 100)], Cancellation);
        Assert.Equal(100, (await work.WaitForIdleAsync(Cancellation)).Dead);
        Volatile.Write(ref isMended, true);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => work.RedriveAsync(_ => true, giveUp.Token));
        Task<ConsecutorSnapshot> idle = work.WaitForIdleAsync(Cancellation);
        while (!idle.IsCompleted)
        {
            clock.Advance(TimeSpan.FromMilliseconds(100));
            await Member.NextAsync();
        }
        ConsecutorSnapshot end = await idle;
        Assert.True(end is { Completed: 100, Dead: 0 }, $"{end}");
        store.Gate.SetResult();
    }

    /// <remarks>Regression: the continuation of the function waited for the thread that the function blocked. In the main run it goes on on
    /// the thread pool.</remarks>
    [Fact]
    public async Task ARedrivenItemMayBlockOnItsOwnAsynchronousCode()
    {
        await using var store = new MemoryStreamStore();
        bool isMended = false;
        await using var work = new Consecutor<int>("work", source => source | (n => n) | Stage.Named("first") | (n =>
        {
            BookAsync().GetAwaiter().GetResult();
            return Volatile.Read(ref isMended) ? n : throw new FormatException();
        }) | (_ => { }), new() { Store = store, Delivery = DeliveryGuarantee.Replay(0) });
        await work.StartAsync(Cancellation);
        await work.SendAllAsync([1, 2, 3], Cancellation);
        Assert.Equal(3, (await work.WaitForIdleAsync(Cancellation)).Dead);
        Assert.All(await work.ListDeadLettersAsync(Cancellation).ToListAsync(Cancellation), letter => Assert.True(letter.EntersAtNode));
        Volatile.Write(ref isMended, true);
        await work.RedriveAsync(_ => true, Cancellation);
        Assert.Equal(3, (await work.WaitForIdleAsync(Cancellation).WaitAsync(TimeSpan.FromMinutes(1), Cancellation)).Completed);

        static async Task BookAsync() => await Task.Yield();
    }

    private sealed class AbandonedRedrive(IStreamStore inner, CancellationTokenSource cut) : StreamStoreWrapper(inner)
    {
        public TaskCompletionSource Gate { get; } = new();

        public override async ValueTask<int> RedriveAsync(GroupId group, IReadOnlyList<long> numbers,
            CancellationToken cancellation = default)
        {
            int redriven = await base.RedriveAsync(group, numbers, CancellationToken.None);
            await cut.CancelAsync();
            await Gate.Task;
            return redriven;
        }
    }

    [Theory]
    [InlineData(10, 25)]
    [InlineData(0.5, 4)]
    [InlineData(200, 170)]
    public async Task ARedriveKeepsItsRateAndCanBeContinuedAfterACancellation(double perSecond, int letters)
    {
        TestClock clock = new();
        await using var inner = await ScenarioStore.OpenAsync(clock);
        var store = new CountedRedrives(inner, clock);
        bool isMended = false;
        int completed = 0;
        await using var consecutor = new Consecutor<int>("work", source => source | (_ =>
        {
            if (!Volatile.Read(ref isMended)) throw new FormatException();
            Interlocked.Increment(ref completed);
        }), new()
        {
            Store = store,
            Delivery = DeliveryGuarantee.Replay(0),
            Run = new() { Time = clock },
            Stream = new() { Partitions = 1 }
        });
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAllAsync([.. Enumerable.Range(0, letters)], Cancellation);
        Assert.Equal(letters, (await consecutor.WaitForIdleAsync(Cancellation)).Dead);
        Volatile.Write(ref isMended, true);

        // Half of the letters, then the redrive is cancelled.
        using var cancelled = new CancellationTokenSource();
        Task<int> redriving = consecutor.RedriveAsync(_ => true, perSecond, cancelled.Token);
        await PassAsync(() => store.Total * 2 >= letters);
        await cancelled.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => redriving);
        int first = store.Total;
        Assert.InRange(first, 1, letters - 1);
        await Member.UntilAsync(() => consecutor.Snapshot() is { IsIdle: true } now && now.Completed == first);
        Assert.Equal(letters - first, consecutor.Snapshot().Dead);

        // The rest. Letters that were redriven are not redriven again.
        redriving = consecutor.RedriveAsync(_ => true, perSecond, Cancellation);
        await PassAsync(() => redriving.IsCompleted);
        Assert.Equal(letters - first, await redriving);
        ConsecutorSnapshot end = await consecutor.WaitForIdleAsync(Cancellation);
        Assert.Equal((letters, 0L, 0L, letters), (end.Completed, end.Dead, end.Unaccounted, completed));
        Assert.True(store.Span >= TimeSpan.FromSeconds((letters - 2 * store.Largest) / perSecond), $"{letters} letters in {store.Span}");

        async Task PassAsync(Func<bool> isOver)
        {
            while (!isOver())
            {
                int before = store.Total;
                clock.Advance(TimeSpan.FromSeconds(0.05 / perSecond));
                await Task.Yield();
                Assert.True(store.Total - before <= store.Largest, "more than one step at an instant");
            }
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task ACrashDuringARedriveNeitherLosesNorRepeatsAnItem(bool isPart)
    {
        int calls = await RunAsync(int.MaxValue, Moment.After);
        Assert.True(calls > 10, $"{calls} calls");
        for (int at = 1; at <= calls; at++)
            foreach (Moment moment in MortalStore.MomentsAt(at)) await RunAsync(at, moment);

        // Of ten items, three die: as a whole at the first node, or in one of their two parts at the second.
        async Task<int> RunAsync(int dieAt, Moment moment)
        {
            await using var store = await ScenarioStore.OpenAsync();
            var ledger = new Ledger();
            bool isMended = false;
            await using (Consecutor<int> broken = New(store))
            {
                await broken.StartAsync(Cancellation);
                await broken.SendAllAsync([.. Enumerable.Range(0, 10)], Cancellation);
                Assert.Equal(3, (await broken.WaitForIdleAsync(Cancellation)).Dead);
                Assert.Equal(isPart ? 17 : 14, ledger.Lines.Count);
                Assert.All(await broken.ListDeadLettersAsync(Cancellation).ToListAsync(Cancellation),
                    letter => Assert.Equal((isPart, isPart ? "second" : "first"), (letter.EntersAtNode, letter.Node)));
            }
            isMended = true;
            var mortal = new MortalStore(store, dieAt, moment);
            Consecutor<int> dying = New(mortal);
            await mortal.OutliveAsync(dying, RedriveAsync(dying));
            await using Consecutor<int> last = New(store);
            await RedriveAsync(last);
            ConsecutorSnapshot end = last.Snapshot();
            Assert.Equal((10L, 0L, 0L), (end.Completed, end.Dead, end.Unaccounted));
            Assert.Equal(Enumerable.Range(0, 10).SelectMany(n => new[] { $"{n * 10}", $"{(n * 10) + 1}" }).Order(StringComparer.Ordinal),
                ledger.Lines.Order(StringComparer.Ordinal));
            return mortal.Calls;

            Consecutor<int> New(IStreamStore itsStore) => new("work",
                source => source | First | Stage.Named("first") | Second | Stage.Named("second") | ledger.Sink<int>(),
                new() { Store = itsStore, Delivery = DeliveryGuarantee.Replay(0), Stream = new() { Partitions = 2 }, Process = new() });

            // An item that fails between two outputs dies as a whole.
            IEnumerable<int> First(int n)
            {
                yield return n * 10;
                if (!isPart && !isMended && n % 4 == 1) throw new FormatException("no good");
                yield return (n * 10) + 1;
            }

            int Second(int n) => isPart && !isMended && n % 40 == 11 ? throw new FormatException("no good") : n;
        }

        static async Task RedriveAsync(Consecutor<int> consecutor)
        {
            await consecutor.StartAsync(Cancellation);
            await consecutor.RedriveAsync(_ => true, Cancellation);
            await consecutor.WaitForIdleAsync(Cancellation);
        }
    }

    /// <summary>Notes how many letters are redriven, and in what time.</summary>
    private sealed class CountedRedrives(IStreamStore inner, TestClock clock) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        private readonly ConcurrentQueue<(DateTimeOffset At, int Count)> steps = new();

        public int Total => steps.Sum(step => step.Count);

        public int Largest => steps.IsEmpty ? 0 : steps.Max(step => step.Count);

        public TimeSpan Span => steps.Last().At - steps.First().At;

        public override async ValueTask<int> RedriveAsync(GroupId group, IReadOnlyList<long> letters,
            CancellationToken cancellation = default)
        {
            int redriven = await Inner.RedriveAsync(group, letters, cancellation);
            steps.Enqueue((clock.GetUtcNow(), redriven));
            return redriven;
        }
    }
}
