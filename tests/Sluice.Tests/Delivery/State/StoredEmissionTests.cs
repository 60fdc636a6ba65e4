using System.Collections.Concurrent;
using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>What a chunk, window or timer puts out fails behind a second state, or has more outputs than a commit holds: it becomes an item
/// of its own, which no state counts twice.</summary>
public class StoredEmissionTests
{
    private readonly Ledger ledger = new();
    private readonly TestClock clock = new();
    private readonly ConcurrentQueue<string> written = new();
    private int starts;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static TheoryData<string> Ways => ["throws", "asynchronously", "behind a buffer", "sink"];

    /// <remarks>The state had the chunk from its first start, and got it again from the second.</remarks>
    [Theory]
    [MemberData(nameof(Ways))]
    public async Task AChunkThatFailsBehindAStateCountsOnce(string way)
    {
        await using var store = await ScenarioStore.OpenAsync(clock);
        await using var numbers = new Consecutor<int>("numbers", source =>
        {
            var sums = source.Chunk(2) | Stage.Named("pairs");
            var total = sums.Scan(0, static (sum, pair) => sum + pair.Sum()) | Stage.Named("sum");
            return way switch
            {
                "throws" => total | Fail | Stage.Named("fail") | ledger.Sink<int>(),
                "asynchronously" => total | FailLaterAsync | Stage.Named("fail") | ledger.Sink<int>(),
                "behind a buffer" => total | Stage.Buffer(4) | Fail | Stage.Named("fail") | ledger.Sink<int>(),
                _ => total | Sink.Commit(() => new RefusingSink(this)),
            };
        }, Options(store));
        await numbers.StartAsync(Cancellation);
        await numbers.SendAllAsync([1, 2], Cancellation);
        ConsecutorSnapshot end = await numbers.WaitForIdleAsync(Cancellation);
        Assert.True(starts > 1);
        Assert.Equal((0L, 0L), (end.Dead, end.Unaccounted));
        await numbers.SendAllAsync([10, 20], Cancellation);
        await numbers.WaitForIdleAsync(Cancellation);
        Assert.Equal(["3", "33"], ledger.Lines.Concat(written));
    }

    /// <remarks>Formerly it was tried again, perhaps alone in its commit, where a database cannot tell whose fault it is and lets it
    /// wait.</remarks>
    [Fact]
    public async Task AChunkThatASinkRefusesForGoodIsADeadLetterAtOnce()
    {
        await using var store = await ScenarioStore.OpenAsync(clock);
        await using var numbers = new Consecutor<int>("numbers", source => source.Chunk(2) | Stage.Named("pairs")
            | (static pair => pair.Sum()) | Sink.Commit(() => new RefusingSink(this) { IsFinal = true }) | Stage.Named("rows"),
            Options(store));
        await numbers.StartAsync(Cancellation);
        await numbers.SendAllAsync([1, 2, 10, 20], Cancellation);
        ConsecutorSnapshot end = await numbers.WaitForIdleAsync(Cancellation);
        Assert.Equal((1L, 0L, "30"), (end.Dead, end.Unaccounted, Assert.Single(written)));
        DeadLetter letter = Assert.Single(await numbers.ListDeadLettersAsync(Cancellation).ToListAsync(Cancellation));
        Assert.Equal(("rows", true), (letter.Node, letter.EntersAtNode));
        Assert.Contains("not now", letter.Error, StringComparison.Ordinal);
        Assert.Equal(1, await numbers.RedriveAsync(static _ => true, Cancellation));
        end = await numbers.WaitForIdleAsync(Cancellation);
        Assert.Equal((0L, 0L), (end.Dead, end.Unaccounted));
        Assert.Equal(["30", "3"], written);
    }

    /// <remarks>All windows and results of the round became dead letters: which of them is to blame was a guess.</remarks>
    [Fact]
    public async Task ARefusalForGoodThatNamesNoItemIsTheLastWordForTheRefusedOneOnly()
    {
        await using var store = await ScenarioStore.OpenAsync(clock);
        await using var numbers = new Consecutor<int>("numbers", source => (source | Stage.KeyBy(static (int n) => n, lanes: 1))
            .Aggregate(0, static (sum, n) => sum + n) | Stage.Named("sums")
            | Sink.Commit(() => new RefusingSink(this) { IsFinal = true, IsUnnamed = true }) | Stage.Named("rows"), Options(store));
        await numbers.StartAsync(Cancellation);
        await numbers.SendAllAsync([.. Enumerable.Range(1, 20)], Cancellation);
        await numbers.CompleteAsync(Cancellation);
        ConsecutorSnapshot end = await numbers.WaitForIdleAsync(Cancellation);
        Assert.Equal((1L, 0L, 19), (end.Dead, end.Unaccounted, written.Count));
        Assert.DoesNotContain("3", written);
    }

    [Fact]
    public async Task AResultAtTheEndThatFailsBehindAStateCountsOnce()
    {
        await using var store = await ScenarioStore.OpenAsync(clock);
        await using var numbers = new Consecutor<int>("numbers", source
            => (source.Aggregate(0, static (sum, n) => sum + n) | Stage.Named("all")).Scan(0, static (sum, n) => sum + n)
            | Stage.Named("sum") | Fail | Stage.Named("fail") | ledger.Sink<int>(), Options(store));
        await numbers.StartAsync(Cancellation);
        await numbers.SendAllAsync([1, 2], Cancellation);
        await numbers.CompleteAsync(Cancellation);
        Assert.Equal(0, (await numbers.WaitForIdleAsync(Cancellation)).Dead);
        Assert.Equal((2, "3"), (starts, Assert.Single(ledger.Lines)));
    }

    /// <remarks>The round that ran again found nothing due, because time had passed since the look that found no item. So the window was
    /// started without end.</remarks>
    [Fact]
    public async Task AWindowOfAnIdleInputThatAlwaysFailsBehindAStateIsADeadLetter()
    {
        await using var store = await ScenarioStore.OpenAsync(clock);
        var time = new EventTime<int>(static n => DateTimeOffset.UnixEpoch.AddSeconds(n)) { IdleTimeout = TimeSpan.FromSeconds(5) };
        await using var numbers = new Consecutor<int>("numbers", source
            => (source.Window(time, TimeSpan.FromSeconds(10)) | Stage.Named("tens"))
            .Scan(0, static (sum, window) => sum + window.Items.Sum()) | Stage.Named("sum") | FailAlways | Stage.Named("fail")
            | ledger.Sink<int>(),
            Options(store) with { Run = new() { Time = new TickingClock(clock) } });
        await numbers.StartAsync(Cancellation);
        await numbers.SendAllAsync([1, 2], Cancellation);
        await numbers.WaitForIdleAsync(Cancellation);
        while (numbers.Snapshot().Dead == 0)
        {
            Assert.InRange(Volatile.Read(ref starts), 0, 7);
            clock.Advance(TimeSpan.FromSeconds(1));
            await Member.PollAsync();
        }
        Assert.Equal(7, starts);                     // one that does not count, and six attempts
    }

    /// <summary>It closes by time, so there is no item whose commit could be divided.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AWindowMayHaveMoreOutputsThanACommitHolds(bool isAtTheEnd)
    {
        const int Many = 2_500;
        await using var store = await ScenarioStore.OpenAsync(clock);
        await using var numbers = new Consecutor<int>("numbers", static source
            => (source.Window(TimeSpan.FromHours(1)) | Stage.Named("hours")).SelectMany(static window => window.Items)
            | Sink.Output<int>("parts"), Options(store));
        var parts = new ConcurrentBag<int>();
        await using var reader = new Consecutor<int>("parts", source => source | parts.Add, Options(store));
        numbers.Output<int>("parts").To(reader);
        await reader.StartAsync(Cancellation);
        await numbers.StartAsync(Cancellation);
        await numbers.SendAllAsync([.. Enumerable.Range(0, Many)], Cancellation);
        await numbers.WaitForIdleAsync(Cancellation);
        if (isAtTheEnd) await numbers.CompleteAsync(Cancellation);
        else clock.Advance(TimeSpan.FromHours(2));
        while (parts.Count < Many)
        {
            Assert.False(numbers.Completion.IsFaulted, $"{numbers.Snapshot()}");
            clock.Advance(TimeSpan.FromSeconds(1));
            await Member.PollAsync();
        }
        await reader.WaitForIdleAsync(Cancellation);
        Assert.Equal(Enumerable.Range(0, Many), parts.Order());
        Assert.Equal(0, (await numbers.WaitForIdleAsync(Cancellation)).Dead);
    }

    /// <summary>The process dies while many windows of event time come out; no further item comes.</summary>
    [Fact]
    public async Task WindowsThatAreOverComeOutAfterARestart()
    {
        await using var store = await ScenarioStore.OpenAsync(clock);
        bool isFree = false;
        await using (Consecutor<int> first = Seconds())
        {
            await first.StartAsync(Cancellation);
            await first.SendAllAsync([.. Enumerable.Range(0, 400)], Cancellation);
            await first.SendAsync(10_000, Cancellation);
            while (ledger.Lines.Count < 100) await Member.PollAsync();
            await first.AbandonAsync();
        }
        Volatile.Write(ref isFree, true);
        Assert.InRange(ledger.Lines.Count, 100, 399);
        await using Consecutor<int> second = Seconds();
        await second.StartAsync(Cancellation);
        while (ledger.Lines.Count < 400) await Member.PollAsync();
        Assert.Equal(Enumerable.Range(0, 400), ledger.Lines.Select(int.Parse));

        Consecutor<int> Seconds() => new("numbers", source => source.Window(new EventTime<int>(
            static n => DateTimeOffset.UnixEpoch.AddSeconds(n))
        { MaxOutOfOrderness = TimeSpan.FromSeconds(2000) }, TimeSpan.FromSeconds(1))
            | Stage.Named("seconds") | (async (window, cancellation) =>
            {
                int item = window.Items.Single();
                if (item == 200 && !Volatile.Read(ref isFree)) await Task.Delay(Timeout.Infinite, cancellation);
                return item;
            }) | ledger.Sink<int>(), Options(store));
    }

    private ConsecutorOptions Options(IStreamStore store) => new()
    {
        Store = store,
        InstanceId = "me",
        Process = new(),
        Run = new() { Time = clock },
        Delivery = DeliveryGuarantee.Replay(5, Backoff.None),
        Stream = new() { Partitions = 1 }
    };

    private int Fail(int sum) => Interlocked.Increment(ref starts) == 1 ? throw new TimeoutException("not now") : sum;

    private int FailAlways(int sum)
    {
        Interlocked.Increment(ref starts);
        throw new TimeoutException("not now");
    }

    private async Task<int> FailLaterAsync(int sum)
    {
        await Task.Yield();
        return Fail(sum);
    }

    /// <summary>Time goes on by 100 nanoseconds with each look, as no two looks at a real clock say the same.</summary>
    private sealed class TickingClock(TestClock inner) : TimeProvider
    {
        private long looks;

        public override long TimestampFrequency => inner.TimestampFrequency;

        public override long GetTimestamp() => inner.GetTimestamp() + Interlocked.Increment(ref looks);

        public override DateTimeOffset GetUtcNow() => inner.GetUtcNow();

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
            => inner.CreateTimer(callback, state, dueTime, period);
    }

    /// <summary>Refuses its first item.</summary>
    private sealed class RefusingSink(StoredEmissionTests test) : TransactionalSink<int>
    {
        public bool IsFinal { get; init; }

        /// <summary>Whether it refuses each commit with a 3, without a word of which item it is.</summary>
        public bool IsUnnamed { get; init; }

        protected override ValueTask BeginAsync(SinkState state, CancellationToken cancellation) => default;

        protected override ValueTask PrepareAsync(SinkCommit<int> commit, CancellationToken cancellation)
            => (IsUnnamed ? commit.Items.Any(static item => item.Value == 3) : Interlocked.Increment(ref test.starts) == 1)
                ? throw new ItemRejectedException("not now") { Item = IsUnnamed ? null : 0, IsFinal = IsFinal } : default;

        protected override ValueTask CommittedAsync(SinkCommit<int> commit, CancellationToken cancellation)
        {
            foreach (StagedItem<int> item in commit.Items) test.written.Enqueue($"{item.Value}");
            return default;
        }
    }
}
