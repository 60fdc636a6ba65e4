using System.Collections.Concurrent;
using Sluice.Diagnostics;
using Sluice.Topologies;

namespace Sluice.Tests.Delivery;

/// <summary>Joins by the item in consecutors: scenario 20, "a filtered join".</summary>
public class ForkJoinDeliveryTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public void BisectIsRefusedInABranch()
    {
        InvalidTopologyException failure = Assert.Throws<InvalidTopologyException>(() => new Consecutor<int[]>("lists",
            source => source.ForkJoin(sums => sums | (list => list.Sum()) | Stage.Bisect, sizes => sizes | (list => list.Length),
                (list, sums, sizes) => sums[0]) | (_ => { })));
        Assert.Contains("Bisect does not fit to a", failure.Message, StringComparison.Ordinal);
    }

    /// <summary>Each item has one result, whatever its branches filter, and despite failures and crashes.</summary>
    [Fact]
    public Task AJoinFiresOnceForEachItemAlsoWhenBranchesFilterEverything() => CrashLab.PlayAllAsync(80, async (seed, cancellation) =>
    {
        var random = new Random(seed);
        int items = random.Next(1, 120), kind = random.Next(4);
        bool hasKey = random.Next(2) == 0;
        var ledger = new Ledger();
        var starts = new ConcurrentDictionary<string, int>();
        var lab = new CrashLab(random, items) { Key = hasKey ? static n => $"{n % 5}" : null };
        await lab.PlayAsync(source => source.ForkJoin(
                first => Apart(first).Where(static n => n % 3 == 0) | (n => Fail($"first {n}", n)),
                second => Apart(second) | (n => Enumerable.Repeat($"x{n}", n % 4)) | (text => Fail(text, text)),
                (n, first, second) => Fail($"join {n}", $"{n}: {first.Count} {string.Join(' ', second)}")) | Stage.Named("join")
                    | ledger.Sink<string>(), cancellation);

        Assert.Equal(Enumerable.Range(0, items).Select(static n =>
            $"{n}: {(n % 3 == 0 ? 1 : 0)} {string.Join(' ', Enumerable.Repeat($"x{n}", n % 4))}").Order(), ledger.Lines.Order());
        Assert.Equal((items, items, 0L, 0L), (lab.End.Accepted, lab.End.Completed, lab.End.Dead, lab.End.Unaccounted));

        Source<int> Apart(Source<int> branch) => kind switch
        {
            0 => branch,
            1 => branch.Buffer(3),
            2 => branch | LaterAsync | Stage.Parallel(4).Unordered,
            _ => branch | Stage.KeyBy((int n) => n % 7, lanes: 3) | LaterAsync,
        };

        T Fail<T>(string what, T value) => what.Sum(static c => c) % 7 == 0
            && starts.AddOrUpdate(what, 1, static (_, known) => known + 1) < 3 ? throw new TimeoutException("not now") : value;
    });

    /// <summary>State in a branch and behind the join: a failure in another branch undoes the item's state changes, and each item counts
    /// once.</summary>
    [Fact]
    public Task StateInABranchCountsEachItemOnce() => CrashLab.PlayAllAsync(60, async (seed, cancellation) =>
    {
        var random = new Random(seed);
        int items = random.Next(1, 100);
        bool isApart = random.Next(2) == 0;
        var ledger = new Ledger();
        var starts = new ConcurrentDictionary<int, int>();
        var lab = new CrashLab(random, items) { Key = static n => $"{n % 4}" };
        await lab.PlayAsync(source => source.ForkJoin(
                first => (isApart ? first.Buffer(2) : first) | StageNode.Of(static () => new Running()) | Stage.Named("first"),
                second => second | (n => n % 11 == 5 && starts.AddOrUpdate(n, 1, static (_, known) => known + 1) < 3
                    ? throw new TimeoutException("not now") : n),
                static (n, sums, _) => (Item: n, Sum: sums[0])) | StageNode.Of(static () => new Behind()) | Stage.Named("behind")
                    | ledger.Sink<string>(), cancellation);

        List<string> expected = [];
        foreach (var key in Enumerable.Range(0, items).GroupBy(static n => n % 4))
        {
            long sum = 0, sums = 0;
            foreach (int n in key) expected.Add($"{n}: {sum += n} {sums += sum}");
        }
        Assert.Equal(expected.Order(), ledger.Lines.Order());
        Assert.Equal((items, 0L), (lab.End.Completed, lab.End.Unaccounted));
    });

    /// <summary>The dead letter keeps the item as it was accepted and names the failed node; a redrive starts the item from the
    /// beginning.</summary>
    [Theory, InlineData(true), InlineData(false)]
    public async Task ADeadLetterOfABranchHoldsTheItemAndIsRedrivenFromTheStart(bool isApart)
    {
        await using var store = new MemoryStreamStore();
        var ledger = new Ledger();
        bool isMended = false;
        int joins = 0;
        Consecutor<int> consecutor = New();
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAllAsync([1, 2, 3], Cancellation);
        ConsecutorSnapshot end = await consecutor.WaitForIdleAsync(Cancellation);
        Assert.Equal((2L, 1L, 0L, 2), (end.Completed, end.Dead, end.Unaccounted, joins));
        DeadLetter letter = Assert.Single(await consecutor.ListDeadLettersAsync(Cancellation).ToListAsync(Cancellation));
        Assert.Equal(("check", 2, false, 2), (letter.Node, letter.Item, letter.EntersAtNode, letter.Attempts));
        await consecutor.DisposeAsync();

        isMended = true;
        await using Consecutor<int> next = New();
        await next.StartAsync(Cancellation);
        Assert.Equal(1, await next.RedriveAsync(static _ => true, Cancellation));
        end = await next.WaitForIdleAsync(Cancellation);
        Assert.Equal((3L, 0L, 0L, 3), (end.Completed, end.Dead, end.Unaccounted, joins));
        Assert.Equal(["1: 10", "2: 20", "3: 30"], ledger.Lines.Order());

        Consecutor<int> New() => new("numbers", source => source.ForkJoin(
                first => (isApart ? first.Buffer(3) : first) | (static n => n * 10)
                    | (n => n == 20 && !isMended ? throw new FormatException("no good") : n) | Stage.Named("check"),
                second => second.Where(static _ => false),
                (n, first, _) =>
                {
                    Interlocked.Increment(ref joins);
                    return $"{n}: {first[0]}";
                }) | ledger.Sink<string>(), new() { Store = store, Process = new(), Delivery = DeliveryGuarantee.Replay(1, Backoff.None) });
    }

    /// <summary>A skipped part counts as filtered. An item with a dead part is not joined, and none of its outputs is committed.</summary>
    [Theory, InlineData(true), InlineData(false)]
    public async Task ANamedOutputOfABranchIsCommittedWithItsItemOrNotAtAll(bool isApart)
    {
        await using var store = new MemoryStreamStore();
        (var ledger, var noted) = (new Ledger(), new Ledger());
        await using var first = new Consecutor<int>("first", source => source.ForkJoin(
                one => (isApart ? one.Buffer(3) : one) | StageNode.Of(static () => new Noting()),
                two => two | (static n => n % 5 == 1 ? throw new FormatException("skipped") : n) | Stage.OnError(ErrorPolicy.Skip)
                    | (static n => n % 5 == 2 ? throw new FormatException("dead") : n) | Stage.OnError(ErrorPolicy.DeadLetter),
                static (n, one, two) => $"{n}: {one.Count} {two.Count}") | Stage.Named("join") | ledger.Sink<string>(),
                    new() { Store = store, Process = new() });
        await using var second = new Consecutor<int>("second", source => source | (n => $"{n}") | noted.Sink<string>(),
            new() { Store = store, Process = new() });
        first.Output<int>("noted").To(second);
        await second.StartAsync(Cancellation);
        await first.StartAsync(Cancellation);
        await first.SendAllAsync([.. Enumerable.Range(0, 50)], Cancellation);
        ConsecutorSnapshot end = await first.WaitForIdleAsync(Cancellation);
        await second.WaitForIdleAsync(Cancellation);
        Assert.Equal((30L, 10L, 10L, 0L), (end.Completed, end.Cancelled, end.Dead, end.Unaccounted));
        int[] living = [.. Enumerable.Range(0, 50).Where(static n => n % 5 != 2)];
        Assert.Equal(living.Select(static n => $"{n}: 1 {(n % 5 == 1 ? 0 : 1)}").Order(), ledger.Lines.Order());
        Assert.Equal(living.Select(static n => $"{n}").Order(), noted.Lines.Order());
    }

    /// <summary>At a stop, items in the branches are finished; after a crash they run again.</summary>
    [Theory, InlineData(true), InlineData(false)]
    public async Task ItemsInTheBranchesAtAStopOrCrashAreJoinedOnce(bool isCrash)
    {
        await using var store = new MemoryStreamStore();
        var ledger = new Ledger();
        var open = new TaskCompletionSource();
        int waiting = 0;
        Consecutor<int> consecutor = New();
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAllAsync([.. Enumerable.Range(0, 20)], Cancellation);
        await Member.UntilAsync(() => Volatile.Read(ref waiting) == 20);
        Assert.Equal(20, consecutor.Snapshot().InFlight);
        if (isCrash) await consecutor.AbandonAsync();
        Task stopped = consecutor.StopAsync();
        open.SetResult();
        await stopped;
        await consecutor.DisposeAsync();
        Assert.Equal(isCrash ? 0 : 20, ledger.Lines.Count);
        await using Consecutor<int> next = New();
        await next.StartAsync(Cancellation);
        Assert.Equal((20L, 0L), await next.WaitForIdleAsync(Cancellation) is var end ? (end.Accepted, end.Unaccounted) : default);
        Assert.Equal(Enumerable.Range(0, 20).Select(static n => $"{n}").Order(), ledger.Lines.Order());

        Consecutor<int> New() => new("numbers", source => source.ForkJoin(first => first | WaitAsync | Stage.Parallel(20), second => second,
            static (n, _, _) => $"{n}") | ledger.Sink<string>(),
            new() { Store = store, Process = new() });

        async Task<int> WaitAsync(int n, CancellationToken cancellation)
        {
            Interlocked.Increment(ref waiting);
            await open.Task.WaitAsync(cancellation);
            return n;
        }
    }

    [Fact]
    public void AStageThatHoldsItemsIsRefusedInABranch()
    {
        var failure = Assert.Throws<InvalidTopologyException>(() => new Consecutor<int>("numbers",
            source => source.ForkJoin(first => first.Chunk(3) | Stage.Named("chunks"), second => second, static (n, _, _) => n)
                | (static _ => { }), new() { Store = new MemoryStreamStore() }));
        Assert.StartsWith("The consecutor numbers is not valid: A chunk does not fit into a branch of a fork-join",
            failure.Message, StringComparison.Ordinal);
    }

    private static async Task<int> LaterAsync(int n, CancellationToken cancellation)
    {
        for (int i = n * 7 % 5; i > 0; i--) await Task.Yield();
        cancellation.ThrowIfCancellationRequested();
        return n;
    }

    private sealed class Running : StatefulStageNode<int, long, long>
    {
        protected override ValueTask ProcessAsync(int item, Output<long> output, CancellationToken cancellation)
            => output.PushAsync(State += item);
    }

    private sealed class Behind : StatefulStageNode<(int Item, long Sum), string, long>
    {
        protected override ValueTask ProcessAsync((int Item, long Sum) item, Output<string> output, CancellationToken cancellation)
        {
            State += item.Sum;
            return output.PushAsync($"{item.Item}: {item.Sum} {State}");
        }
    }

    private sealed class Noting : StageNode<int, int>
    {
        private readonly NamedOutput<int> noted = new("noted");

        protected override async ValueTask ProcessAsync(int item, Output<int> output, CancellationToken cancellation)
        {
            await output.PushAsync(noted, item);
            await output.PushAsync(item);
        }
    }
}
