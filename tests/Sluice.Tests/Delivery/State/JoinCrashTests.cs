using Sluice.Diagnostics;
using Sluice.Testing;
using Sluice.Topologies;

namespace Sluice.Tests.Delivery;

/// <summary>Joins, zips and throttles in consecutors.</summary>
public class JoinCrashTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>Each left item is joined with each right item of its key once, despite crashes.</summary>
    [Fact]
    public Task AJoinMakesEachPairOnceDespiteCrashes() => CrashLab.PlayAllAsync(80, async (seed, cancellation) =>
    {
        var random = new Random(seed);
        int items = random.Next(1, 100), keys = random.Next(1, 30);
        bool isApart = random.Next(2) == 0;
        var ledger = new Ledger();
        var starts = new System.Collections.Concurrent.ConcurrentDictionary<string, int>();
        var lab = new CrashLab(random, items) { Key = n => $"{n * 7 % keys}" };
        await lab.PlayAsync(source => source.Select(n => Fail($"item {n}", 11, n)).Join(
            left => isApart ? left.Where(static n => n % 3 != 0) | Stage.Buffer(3) | (static n => n) : left.Where(static n => n % 3 != 0),
            right => right.Where(static n => n % 3 != 1).Select(n => Fail($"right {n}", 13, $"{n}")),
            n => n * 7 % keys, text => int.Parse(text) * 7 % keys, static (left, right) => $"{left}-{right}") | Stage.Named("pairs")
            | (pair => Fail(pair, 7, pair)) | ledger.Sink<string>(), cancellation);

        IEnumerable<string> expected = from left in Enumerable.Range(0, items)
                                       from right in Enumerable.Range(0, items)
                                       where left % 3 != 0 && right % 3 != 1 && left * 7 % keys == right * 7 % keys
                                       select $"{left}-{right}";
        Assert.Equal(expected.Order(), ledger.Lines.Order());
        Assert.Equal(0, lab.End.Unaccounted);

        T Fail<T>(string what, int each, T value) => what.Sum(static c => c) % each == 0
            && starts.AddOrUpdate(what, 1, static (_, known) => known + 1) < 3 ? throw new TimeoutException("not now") : value;
    });

    /// <summary>With one partition, the first items form a pair, then the second items, and so on.</summary>
    [Fact]
    public Task AZipIsExactDespiteCrashes() => CrashLab.PlayAllAsync(60, async (seed, cancellation) =>
    {
        var random = new Random(seed);
        int items = random.Next(1, 100);
        bool isApart = random.Next(2) == 0;
        var ledger = new Ledger();
        var lab = new CrashLab(random, items);
        lab = new CrashLab(random, items) { Options = lab.Options with { Stream = new() { Partitions = 1 } } };
        await lab.PlayAsync(source => source.Zip(
            left => isApart ? left | (static n => n) | Stage.Parallel(3) : left,
            right => right.Where(static n => n % 5 != 0), static (left, right) => $"{left}-{right}") | Stage.Named("zip")
                | ledger.Sink<string>(), cancellation);

        Assert.Equal(Enumerable.Range(0, items).Where(static n => n % 5 != 0).Select(static (right, left) => $"{left}-{right}"),
            ledger.Lines);
        Assert.Equal((0L, 0L), (lab.End.Unaccounted, lab.End.Dead));
    });

    [Fact]
    public async Task AnItemWaitsForItsPartnerOverRestartsButNotForEver()
    {
        var clock = new TestClock();
        var wall = new WallClock(clock);
        await using var store = new MemoryStreamStore(wall);
        (var ledger, var other) = (new Ledger(), new Ledger());
        int[][] sent = [[2, 4], [3], [5], [6, 7]];
        foreach (int[] some in sent)
        {
            await using var consecutor = new Consecutor<int>("numbers", source => source.Join(
                left => left.Where(static n => n % 2 == 0), right => right.Where(static n => n % 2 == 1), static n => n / 2,
                    static n => n / 2, static (left, right) => $"{left}-{right}",
                within: TimeSpan.FromMinutes(50)) | Stage.Named("pairs") | ledger.Sink<string>(),
                    new() { Store = store, Process = new(), Run = new() { Time = wall } });
            await consecutor.StartAsync(Cancellation);
            await consecutor.SendAllAsync(some, Cancellation);
            await consecutor.WaitForIdleAsync(Cancellation);
            clock.Advance(TimeSpan.FromMinutes(30));
            if (some[0] == 3) wall.Jump(-TimeSpan.FromHours(1));
            else if (some[0] == 5) await consecutor.AbandonAsync();
        }
        // 4 and 5: an hour passed between them on the store's clock. The host's clock was set back an hour meanwhile, which must change
        // nothing.
        Assert.Equal(["2-3", "6-7"], ledger.Lines);
        await using var late = new Consecutor<int>("late", source => source.Join(
            left => left.Where(static n => n % 2 == 0), right => right.Where(static n => n % 2 == 1), static n => n / 2, static n => n / 2,
                static (left, right) => $"{left}-{right}",
            within: TimeSpan.FromMinutes(50)) | Stage.Named("pairs") | other.Sink<string>(),
                new() { Store = store, Process = new(), Run = new() { Time = wall } });
        await late.StartAsync(Cancellation);
        await late.SendAsync(8, Cancellation);
        await late.WaitForIdleAsync(Cancellation);
        clock.Advance(TimeSpan.FromMinutes(50));
        await late.SendAsync(9, Cancellation);
        await late.WaitForIdleAsync(Cancellation);
        Assert.Empty(other.Lines);
        Assert.Empty(await late.ListStateAsync("pairs", Cancellation).Where(static row => row.Key[0] == 'L').ToListAsync(Cancellation));
    }

    [Fact]
    public async Task TwoStreamsAreJoinedByAConsecutorThatTakesBoth()
    {
        await using var store = new MemoryStreamStore();
        var ledger = new Ledger();
        var options = new ConsecutorOptions { Store = store, Process = new() };
        await using var both = new Consecutor<OrderOrPayment>("both", source => source.Join(
            orders => orders.Where(static one => one.Order is not null).Select(static one => one.Order!),
                payments => payments.Where(static one => one.Payment is not null).Select(static one => one.Payment!),
            static order => order.Id, static payment => payment.OrderId, static (order, payment) => $"{order.Id}: {payment.Amount}")
                | Stage.Named("paid") | ledger.Sink<string>(), options)
        { Key = static one => $"{one.Order?.Id ?? one.Payment!.OrderId}" };
        await using var orders = new Consecutor<int>("orders",
            source => source | (n => new OrderOrPayment(new(n), null)) | Sink.Output<OrderOrPayment>("orders"), options);
        await using var payments = new Consecutor<int>("payments",
            source => source | (n => new OrderOrPayment(null, new(n, 10 * n))) | Sink.Output<OrderOrPayment>("payments"), options);
        both.From([orders.Output<OrderOrPayment>("orders"), payments.Output<OrderOrPayment>("payments")]);
        await both.StartAsync(Cancellation);
        await orders.StartAsync(Cancellation);
        await payments.StartAsync(Cancellation);
        await orders.SendAllAsync([1, 2, 3], Cancellation);
        await payments.SendAllAsync([3, 1, 4], Cancellation);
        await orders.WaitForIdleAsync(Cancellation);
        await payments.WaitForIdleAsync(Cancellation);
        await both.WaitForIdleAsync(Cancellation);
        Assert.Equal(["1: 10", "3: 30"], ledger.Lines.Order());
    }

    [Fact]
    public async Task AnItemTooFarAheadInAZipIsDeadLetteredAlone()
    {
        await using var store = new MemoryStreamStore();
        var ledger = new Ledger();
        await using var consecutor = new Consecutor<int>("numbers",
            source => source.Zip(left => left.Where(static n => n < 10), right => right.Where(static n => n > 9),
                static (left, right) => $"{left}-{right}", maxHeld: 3)
            | Stage.Named("zip") | ledger.Sink<string>(),
            new() { Store = store, Process = new(), Delivery = Sluice.DeliveryGuarantee.Replay(1, Backoff.None) });
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAllAsync([1, 2, 3, 4, 10, 11], Cancellation);
        Assert.Equal(1, (await consecutor.WaitForIdleAsync(Cancellation)).Dead);
        Assert.Equal(["1-10", "2-11"], ledger.Lines);
    }

    [Fact]
    public void AJoinNeedsAName()
    {
        var failure = Assert.Throws<InvalidTopologyException>(() => new Consecutor<int>("numbers",
            source => source.Join(left => left, right => right, static n => n, static n => n, static (left, right) => left + right)
                | (static _ => { }), new() { Store = new MemoryStreamStore() }));
        Assert.StartsWith("The consecutor numbers is not valid: A join keeps state in a consecutor, and needs a name of its own",
            failure.Message, StringComparison.Ordinal);
    }

    [Theory, InlineData(true), InlineData(false)]
    public async Task AThrottlePacesItemsAndLosesNoneOverRestarts(bool hasState)
    {
        var clock = new TestClock();
        await using var store = new MemoryStreamStore(clock);
        var ledger = new Ledger();
        for (int life = 0; life < 3; life++)
        {
            DateTimeOffset start = clock.GetUtcNow();
            var at = new System.Collections.Concurrent.ConcurrentQueue<double>();
            await using var consecutor = new Consecutor<int>("numbers", source =>
            {
                Source<int> paced = source.Throttle(2, TimeSpan.FromSeconds(10))
                    .Do(_ => at.Enqueue((clock.GetUtcNow() - start).TotalSeconds));
                return (hasState ? paced.Scan(0, static (sum, n) => sum + n) | Stage.Named("sum") : paced) | ledger.Sink<int>();
            }, new() { Store = store, Process = new(), MaxInFlight = 6, Run = new() { Time = clock } });
            await consecutor.StartAsync(Cancellation);
            if (life == 0) await consecutor.SendAllAsync(Enumerable.Range(1, 12).ToList(), Cancellation);
            Task<ConsecutorSnapshot>? idle = life == 2 ? consecutor.WaitForIdleAsync(Cancellation) : null;
            while (idle is { IsCompleted: false } || (idle is null && at.Count < 3))
            {
                clock.Advance(TimeSpan.FromSeconds(1));
                for (int i = 0; i < 200; i++) await Member.NextAsync();
            }
            if (life == 0) await consecutor.AbandonAsync();
            double[] seen = [.. at];                 // each read when it went through, or later
            for (int i = 0; i < seen.Length; i++) Assert.True(seen[i] >= 10 * (i / 2), string.Join(' ', seen));
        }
        int sum = 0;
        IEnumerable<int> expected = Enumerable.Range(1, 12).Select(n => hasState ? sum += n : n);
        Assert.Equal(hasState ? expected : expected.Order(), hasState ? ledger.Lines.Select(int.Parse)
            : ledger.Lines.Select(int.Parse).Order());
    }

    internal sealed record Order(int Id);

    internal sealed record Payment(int OrderId, int Amount);

    internal sealed record OrderOrPayment(Order? Order, Payment? Payment);
}
