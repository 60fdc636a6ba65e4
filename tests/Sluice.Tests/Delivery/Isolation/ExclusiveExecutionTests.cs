using System.Collections.Concurrent;
using Sluice.Delivery;
using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>A suspect of a crash runs alone: no other item of any consecutor runs in its process meanwhile.</summary>
public class ExclusiveExecutionTests
{
    private readonly TestClock clock = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ASuspectWaitsForItemsInFlightElsewhereAndNewItemsWaitForIt(bool isLocal)
    {
        await using var store = new MemoryStreamStore(clock);
        await CrashAsync(store, [1, 2]);
        var process = new ExclusiveExecution();
        var steps = new ConcurrentQueue<string>();
        Hold held = new(), suspect = new();
        await using var other = new Consecutor<int>("other",
            source => source.ForEachAsync(async (int n, ItemContext _, CancellationToken _) =>
        {
            steps.Enqueue($"other {n}");
            if (n == 1) await held.WaitAsync();
        }), Options(isLocal ? null : store, process));
        await other.StartAsync(Cancellation);
        await other.SendAsync(1, Cancellation);
        await held.Reached;

        await using var work = new Consecutor<int>("work",
            source => source.ForEachAsync(async (int n, ItemContext _, CancellationToken _) =>
        {
            steps.Enqueue($"work {n}");
            if (n == 1) await suspect.WaitAsync();
        }), Options(store, process));
        await work.StartAsync(Cancellation);
        await Member.UntilAsync(() => process.IsAsked);
        await other.SendAsync(2, Cancellation);
        Assert.Equal(["other 1"], steps);            // neither the suspect nor the new item has started
        held.Release();
        await suspect.Reached;
        await other.SendAsync(3, Cancellation);
        Assert.Equal(["other 1", "work 1"], steps);
        suspect.Release();
        Assert.Equal(2, (await work.WaitForIdleAsync(Cancellation)).Completed);
        Assert.Equal(3, (await other.WaitForIdleAsync(Cancellation)).Completed);
        Assert.Equal(["other 1", "work 1", "work 2", "other 2", "other 3"], steps);
    }

    [Fact]
    public async Task SuspectsOfManyConsecutorsRunOneAtATime()
    {
        await using var store = new MemoryStreamStore();
        var process = new ExclusiveExecution();
        string[] names = ["work", "more", "most"];
        foreach (string name in names) await CrashAsync(store, [.. Enumerable.Range(0, 20)], name);
        int running = 0, overlaps = 0;
        List<Consecutor<int>> all = [.. names.Select(name => new Consecutor<int>(name,
            source => source.ForEachAsync(async (int n, ItemContext _, CancellationToken _) =>
        {
            bool isSuspect = n < 20;
            int others = Interlocked.Add(ref running, isSuspect ? 1000 : 1);
            if (others > 1000 || (!isSuspect && others >= 1000)) Interlocked.Increment(ref overlaps);
            for (int i = 0; i < n % 5; i++) await Task.Yield();
            Interlocked.Add(ref running, isSuspect ? -1000 : -1);
        }), new() { Store = store, Process = process, Stream = new() { Partitions = 3 } }))];
        await Task.WhenAll(all.Select(async consecutor =>
        {
            Task started = consecutor.StartAsync(Cancellation);
            await consecutor.SendAllAsync([.. Enumerable.Range(20, 500)], Cancellation);
            await started;
        }));
        foreach (Consecutor<int> consecutor in all)
        {
            ConsecutorSnapshot end = await consecutor.WaitForIdleAsync(Cancellation);
            Assert.Equal((520L, 0L), (end.Completed, end.Unaccounted));
            await consecutor.DisposeAsync();
        }
        Assert.Equal(0, overlaps);
    }

    [Fact]
    public async Task ASuspectThatNeedsAnotherConsecutorGetsItInTheEnd()
    {
        await using var store = new MemoryStreamStore(clock);
        await CrashAsync(store, [1, 2]);
        var process = new ExclusiveExecution();
        var answers = new ConcurrentDictionary<int, TaskCompletionSource>();
        await using var other = new Consecutor<int>("other", source => source | (n => { answers[n].TrySetResult(); }),
            Options(store, process));
        await other.StartAsync(Cancellation);
        await using var work = new Consecutor<int>("work",
            source => source.ForEachAsync(async (int n, ItemContext _, CancellationToken _) =>
        {
            var answer = answers[n] = new(TaskCreationOptions.RunContinuationsAsynchronously);
            await other.SendAsync(n, Cancellation);
            await answer.Task;
        }), Options(store, process));
        await work.StartAsync(Cancellation);
        Task<ConsecutorSnapshot> idle = work.WaitForIdleAsync(Cancellation);
        await PatienceAsync(idle);
        Assert.Equal((2L, 0L), ((await idle).Completed, (await idle).Dead));
        Assert.Equal(2, (await other.WaitForIdleAsync(Cancellation)).Completed);
    }

    [Fact]
    public async Task AnItemThatNeedsAConsecutorWithSuspectsGetsItInTheEnd()
    {
        await using var store = new MemoryStreamStore(clock);
        await CrashAsync(store, [1, 2]);
        var process = new ExclusiveExecution();
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Hold begun = new();
        await using var other = new Consecutor<int>("other",
            source => source.ForEachAsync(async (int _, ItemContext _, CancellationToken _) =>
        {
            begun.Release();
            await begun.WaitAsync();
            await done.Task;
        }), Options(store, process));
        await other.StartAsync(Cancellation);
        await other.SendAsync(1, Cancellation);
        await begun.Reached;
        int left = 2;
        await using var work = new Consecutor<int>("work", source => source | (_ =>
        {
            if (Interlocked.Decrement(ref left) == 0) done.SetResult();
        }), Options(store, process));
        await work.StartAsync(Cancellation);
        Task<ConsecutorSnapshot> idle = other.WaitForIdleAsync(Cancellation);
        await PatienceAsync(idle);
        Assert.Equal(1, (await idle).Completed);
        Assert.Equal(2, (await work.WaitForIdleAsync(Cancellation)).Completed);
    }

    /// <summary>A suspect waits for a place in the full stream of a consecutor that has suspects too and may not run them meanwhile. The
    /// clock stands still.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ASuspectIsNotStuckOnAFullStreamWhoseConsecutorMayNotRun(bool hasKey)
    {
        await using var store = new MemoryStreamStore(clock);
        var (first, second) = Chain(new(), hasKey, async cancellation => await Task.Delay(Timeout.InfiniteTimeSpan, cancellation));
        await first.SendAllAsync([.. Enumerable.Range(0, 20)], Cancellation);
        await second.StartAsync(Cancellation);
        await first.StartAsync(Cancellation);
        await Member.UntilAsync(() => first.Snapshot().Problem?.Contains("waits for a place") == true && second.Snapshot().InFlight > 0);
        await Task.WhenAll(first.AbandonAsync(), second.AbandonAsync());

        (first, second) = Chain(new(), hasKey, _ => default);
        await using var one = first;
        await using var two = second;
        await first.StartAsync(Cancellation);
        await second.StartAsync(Cancellation);
        Assert.Equal((20L, 0L), ((await first.WaitForIdleAsync(Cancellation)).Completed, first.Snapshot().Dead));
        Assert.Equal((20L, 0L), ((await second.WaitForIdleAsync(Cancellation)).Completed, second.Snapshot().Dead));

        (Consecutor<int>, Consecutor<int>) Chain(ExclusiveExecution process, bool hasKey, Func<CancellationToken, ValueTask> work)
        {
            ConsecutorOptions options = Options(store, process) with { MaxInFlight = 4 };
            var first = new Consecutor<int>("first", source => source | Sink.Output<int>("out"), options)
            {
                Key = hasKey ? n => $"{n % 3}"
                : null
            };
            var second = new Consecutor<int>("second",
                source => source.ForEachAsync((int _, ItemContext _, CancellationToken cancellation) => work(cancellation)),
                options with { Stream = new() { Partitions = 1, MaxItems = 3 } });
            first.Output<int>("out").To(second, OutputMode.Blocking);
            return (first, second);
        }
    }

    /// <summary>A suspect that hangs does not hold back the suspects of other consecutors for ever.</summary>
    [Fact]
    public async Task AHangingSuspectDelaysOtherSuspectsForALimitedTimeOnly()
    {
        await using var store = new MemoryStreamStore(clock);
        await CrashAsync(store, [1]);
        await CrashAsync(store, [1, 2], "more");
        var process = new ExclusiveExecution();
        Hold hangs = new();
        await using var work = new Consecutor<int>("work",
            source => source.ForEachAsync(async (int _, ItemContext _, CancellationToken _) => await hangs.WaitAsync()),
                Options(store, process));
        await work.StartAsync(Cancellation);
        await hangs.Reached;
        await using var more = new Consecutor<int>("more", source => source | (_ => { }), Options(store, process));
        await more.StartAsync(Cancellation);
        Task<ConsecutorSnapshot> idle = more.WaitForIdleAsync(Cancellation);
        await PatienceAsync(idle);
        Assert.Equal(2, (await idle).Completed);
        hangs.Release();
        Assert.Equal(1, (await work.WaitForIdleAsync(Cancellation)).Completed);
        await Member.UntilAsync(() => !process.IsAsked);
    }

    [Fact]
    public async Task APausedOrStoppedConsecutorDoesNotDelaySuspects()
    {
        await using var store = new MemoryStreamStore(clock);
        await CrashAsync(store, [1]);
        await CrashAsync(store, [1], "more");
        var process = new ExclusiveExecution();
        await using var paused = new Consecutor<int>("more", source => source | (_ => { }), Options(store, process));
        await paused.StartAsync(Cancellation);
        await paused.WaitForIdleAsync(Cancellation);
        await paused.PauseAsync(Cancellation);
        await using var local = new Consecutor<int>("local", source => source | (_ => { }), Options(null, process));
        await local.StartAsync(Cancellation);
        await local.SendAsync(1, Cancellation);
        await local.WaitForIdleAsync(Cancellation);
        await local.PauseAsync(Cancellation);
        await using (var stopped = new Consecutor<int>("stopped", source => source | (_ => { }), Options(store, process)))
        {
            await stopped.StartAsync(Cancellation);
            await stopped.SendAsync(1, Cancellation);
            await stopped.WaitForIdleAsync(Cancellation);
            await stopped.StopAsync();
        }
        await using var work = new Consecutor<int>("work", source => source | (_ => { }), Options(store, process));
        await work.StartAsync(Cancellation);
        Assert.Equal(1, (await work.WaitForIdleAsync(Cancellation)).Completed);
        await Member.UntilAsync(() => !process.IsAsked);
    }

    /// <summary>Advances the clock until the waiting consecutors time out, as often as needed.</summary>
    private async Task PatienceAsync(Task until)
    {
        while (!until.IsCompleted)
        {
            clock.Advance(Member.LeaseTime / 3);
            for (int i = 0; i < 20; i++) await Task.Yield();
            Cancellation.ThrowIfCancellationRequested();
        }
    }

    private ConsecutorOptions Options(IStreamStore? store, ExclusiveExecution process) => new()
    {
        Store = store,
        Process = process,
        LeaseDuration = Member.LeaseTime,
        Delivery = DeliveryGuarantee.Replay(0),
        Stream = new() { Partitions = 1 },
        Run = new() { Time = clock },
    };

    /// <summary>A process dies while items are in flight.</summary>
    private static async Task CrashAsync(IStreamStore store, int[] items, string name = "work")
    {
        var consecutor = new Consecutor<int>(name, source =>
            source.ForEachAsync(async (int _, ItemContext _, CancellationToken cancellation) => await Task.Delay(Timeout.InfiniteTimeSpan,
            cancellation)),
            new() { Store = store, Process = new(), Stream = new() { Partitions = items.Length <= 2 ? 1 : 3 } });
        await consecutor.SendAllAsync(items, Cancellation);
        await consecutor.StartAsync(Cancellation);                         // leases all of them at once
        await Member.UntilAsync(() => consecutor.Snapshot().InFlight > 0);
        await consecutor.AbandonAsync();
    }

    /// <summary>A gate where a handler waits until it is released.</summary>
    private sealed class Hold
    {
        private readonly TaskCompletionSource reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource released = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Reached => reached.Task;

        public void Release() => released.TrySetResult();

        public Task WaitAsync()
        {
            reached.TrySetResult();
            return released.Task;
        }
    }
}
