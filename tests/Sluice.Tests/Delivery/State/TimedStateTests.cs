using System.Collections.Concurrent;
using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>Windows and chunks with a time limit in consecutors, over restarts and with wall clocks that jump.</summary>
public class TimedStateTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);         // real time: on a busy machine looks tell nothing

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AWindowSurvivesRestartsAndClosesWithoutAnotherItem()
    {
        var clock = new TestClock();
        await using var store = new MemoryStreamStore(clock);
        var ledger = new Ledger();
        for (int life = 0; life < 3; life++)
        {
            await using Consecutor<int> consecutor = Windows(store, ledger, clock);
            await consecutor.StartAsync(Cancellation);
            await consecutor.SendAllAsync([life, life + 10], Cancellation);
            await consecutor.WaitForIdleAsync(Cancellation);
            Assert.Empty(ledger.Lines);
            clock.Advance(TimeSpan.FromMinutes(10));
            if (life == 1) await consecutor.AbandonAsync();
        }
        await using Consecutor<int> last = Windows(store, ledger, clock);
        await last.StartAsync(Cancellation);
        await AdvanceUntilAsync(clock, TimeSpan.FromMinutes(30), () => ledger.Lines.Count > 0);
        Assert.Equal(["00:00-01:00 0,10,1,11,2,12"], ledger.Lines);
        Assert.Equal(0, last.Snapshot().Unaccounted);
    }

    [Fact]
    public async Task AWindowThatFallsDueDuringALeaseIsClosed()
    {
        var clock = new TestClock();
        TimeSpan moment = TimeSpan.FromMilliseconds(1);
        var moving = new Lock();
        await using var store = new SlowLeases(new MemoryStreamStore(clock), () => Move(_ => moment));
        var ledger = new Ledger();
        await using Consecutor<int> consecutor = Windows(store, ledger, clock);
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAsync(1, Cancellation);
        await consecutor.WaitForIdleAsync(Cancellation);
        for (int i = 0; i < 10_000; i++) await Member.NextAsync();       // until it waits for the hour
        Move(now => now.Date.AddHours(1) - now - moment);
        for (int i = 0; i < 10_000; i++) await Member.NextAsync();       // if it looks too early, the hour comes in the middle of that
        Move(_ => moment);
        await Member.UntilAsync(() => ledger.Lines.Count > 0);
        Assert.Equal(["00:00-01:00 1"], ledger.Lines);

        void Move(Func<DateTimeOffset, TimeSpan> by)
        {
            lock (moving) clock.Advance(by(clock.GetUtcNow()));
        }
    }

    [Fact]
    public async Task AClockThatIsSetBackAnHourClosesNoWindowTwice()
    {
        var clock = new TestClock();
        var wall = new WallClock(clock);
        await using var store = new MemoryStreamStore(wall);
        var ledger = new Ledger();
        await using (Consecutor<int> first = Windows(store, ledger, wall))
        {
            await first.StartAsync(Cancellation);
            await first.SendAsync(1, Cancellation);
            await first.WaitForIdleAsync(Cancellation);
            await AdvanceUntilAsync(clock, TimeSpan.FromMinutes(61), () => ledger.Lines.Count == 1);
            wall.Jump(-TimeSpan.FromHours(1));
            await first.SendAsync(2, Cancellation);
            await first.WaitForIdleAsync(Cancellation);
        }
        await using Consecutor<int> second = Windows(store, ledger, wall);
        await second.StartAsync(Cancellation);
        await second.SendAsync(3, Cancellation);
        await second.WaitForIdleAsync(Cancellation);
        await AdvanceUntilAsync(clock, TimeSpan.FromMinutes(60), () => ledger.Lines.Count == 2);
        Assert.Equal(["00:00-01:00 1", "01:00-02:00 2,3"], ledger.Lines);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task ARetryThatFallsDueWhileThePumpLooksIsNotMissed(int partitions)
    {
        for (int seed = 0; seed < 20; seed++)
        {
            var clock = new TestClock();
            var creeping = new CreepingClock(clock, seed);
            await using var store = new MemoryStreamStore(creeping);
            var starts = new ConcurrentDictionary<int, int>();
            await using var consecutor = new Consecutor<int>("numbers",
                source => (source | (n => starts.AddOrUpdate(n, 1, static (_, count) => count + 1) > 2 ? n
                    : throw new InvalidOperationException("Not yet.")))
                .Scan(0, static (sum, n) => sum + n) | Stage.Named("sum") | (_ => { }), new()
                {
                    Store = store,
                    Process = new(),
                    Stream = new() { Partitions = partitions },
                    Delivery = Sluice.DeliveryGuarantee.Replay(9, Backoff.Constant(TimeSpan.FromMilliseconds(2))),
                    Run = new() { Time = creeping },
                });
            await consecutor.StartAsync(Cancellation);
            await consecutor.SendAllAsync(Enumerable.Range(0, 30).ToList(), Cancellation);
            Task<ConsecutorSnapshot> idle = consecutor.WaitForIdleAsync(Cancellation);
            using var standstill = new CancellationTokenSource(Patience);
            for (int i = 0; !standstill.IsCancellationRequested && !idle.IsCompleted; i++)
            {
                await Member.NextAsync();
                if (i % 100 == 0) clock.Advance(TimeSpan.FromMilliseconds(1));
            }
            Assert.True(idle.IsCompleted, $"seed {seed} has come to a stand: {consecutor.Snapshot()}");
            Assert.Equal(30, (await idle).Completed);
        }
    }

    [Fact]
    public async Task AnIncompleteChunkIsPutOutWhenItsTimeLimitExpires()
    {
        var clock = new TestClock();
        await using var store = new MemoryStreamStore(clock);
        var ledger = new Ledger();
        await using (Consecutor<int> first = New())
        {
            await first.StartAsync(Cancellation);
            await first.SendAllAsync([1, 2], Cancellation);
            await first.WaitForIdleAsync(Cancellation);
        }
        clock.Advance(TimeSpan.FromMinutes(4));
        await using Consecutor<int> second = New();
        await second.StartAsync(Cancellation);
        await second.SendAsync(3, Cancellation);
        await second.WaitForIdleAsync(Cancellation);
        Assert.Empty(ledger.Lines);
        clock.Advance(TimeSpan.FromSeconds(58));
        for (int i = 0; i < 1_000; i++) await Member.NextAsync();
        Assert.Empty(ledger.Lines);
        await AdvanceUntilAsync(clock, TimeSpan.FromSeconds(3), () => ledger.Lines.Count == 1);
        Assert.Equal(["1,2,3"], ledger.Lines);

        Consecutor<int> New() => new("numbers", source => source.Chunk(10, within: TimeSpan.FromMinutes(5)) | Stage.Named("some")
            | (some => string.Join(',', some)) | ledger.Sink<string>(),
            new() { Store = store, Process = new(), Run = new() { Time = clock } });
    }

    private static Consecutor<int> Windows(IStreamStore store, Ledger ledger, TimeProvider time) => new("numbers",
        source => source.Window(TimeSpan.FromHours(1)) | Stage.Named("hours")
            | (window => $"{window.Start:HH:mm}-{window.End:HH:mm} {string.Join(',', window.Items)}") | ledger.Sink<string>(),
        new() { Store = store, Process = new(), Run = new() { Time = time } });

    /// <summary>Advances the clock once and waits; then second by second, in case a timer was about to be set just then. If a thread
    /// stands still meanwhile, the clock does not run hours ahead.</summary>
    internal static async Task AdvanceUntilAsync(TestClock clock, TimeSpan by, Func<bool> isReached)
    {
        clock.Advance(by);
        for (int second = 0; !isReached(); second++)
        {
            for (int i = 0; i < 5_000 && !isReached(); i++) await Member.NextAsync();
            if (second > 30) await Task.Delay(20, Cancellation);
            clock.Advance(TimeSpan.FromSeconds(1));
        }
    }

    /// <summary>Runs an action while a lease finds no items.</summary>
    private sealed class SlowLeases(IStreamStore inner, Action meanwhile) : StreamStoreWrapper(inner)
    {
        public override async ValueTask<LeaseResult> LeaseAsync(LeaseRequest request, CancellationToken cancellation = default)
        {
            LeaseResult lease = await base.LeaseAsync(request, cancellation);
            if (lease.Batches.Count == 0) meanwhile();
            return lease;
        }
    }
}

/// <summary>A clock that advances a little at each reading: a time that was ahead at one reading is past at the next.</summary>
internal sealed class CreepingClock(TestClock inner, int seed) : TimeProvider
{
    private readonly Random random = new(seed);
    private long crept;

    public override long TimestampFrequency => inner.TimestampFrequency;

    public override DateTimeOffset GetUtcNow() => inner.GetUtcNow() + TimeSpan.FromTicks(Interlocked.Read(ref crept));

    public override long GetTimestamp()
    {
        lock (random) return inner.GetTimestamp() + Interlocked.Add(ref crept, random.Next(2_000));
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        => inner.CreateTimer(callback, state, dueTime, period);
}
