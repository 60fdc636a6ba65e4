using Sluice.Diagnostics;
using Sluice.Storage;

namespace Sluice.Tests.Delivery;

/// <summary>At the end of a consecutor's input, nodes put out what they hold, once and not before.</summary>
public class CompletionTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AnAggregatePutsOutOneResultOverTenRestarts()
    {
        await using var store = await ScenarioStore.OpenAsync();
        var ledger = new Ledger();
        for (int life = 0; life < 10; life++)
        {
            await using Consecutor<int> consecutor = Sum(store, ledger);
            await consecutor.StartAsync(Cancellation);
            await consecutor.SendAllAsync([life, 100], Cancellation);
            if (life % 3 > 0) await consecutor.WaitForIdleAsync(Cancellation);
            if (life % 3 == 1) await consecutor.AbandonAsync();
            else Assert.True(await consecutor.StopAsync());
            Assert.Empty(ledger.Lines);
        }
        for (int life = 0; life < 3; life++)
        {
            await using Consecutor<int> last = Sum(store, ledger);
            await last.StartAsync(Cancellation);
            await last.CompleteAsync(Cancellation);
            ConsecutorSnapshot end = await last.WaitForIdleAsync(Cancellation);
            Assert.Equal(["1045"], ledger.Lines);
            Assert.Equal((20L, 20L, 0L), (end.Accepted, end.Completed, end.Unaccounted));
            if (life == 0) await last.AbandonAsync();
        }
    }

    [Fact]
    public async Task AnAggregateWithACombinerKeepsItsStateInTheStoreToo()
    {
        await using var store = await ScenarioStore.OpenAsync();
        var ledger = new Ledger();
        for (int life = 0; life < 3; life++)
        {
            await using var consecutor = new Consecutor<int>("numbers",
                source => (source | (n => (long)n) | Stage.Parallel(4)).Aggregate(() => 0L, static (sum, n) => sum + n,
                    static (_, _) => throw new InvalidOperationException("There are no lanes to combine."))
                    | Stage.Named("sum") | ledger.Sink<long>(),
                Options(store));
            await consecutor.StartAsync(Cancellation);
            await consecutor.SendAllAsync([life, 100], Cancellation);
            await consecutor.WaitForIdleAsync(Cancellation);
            if (life < 2) continue;
            await consecutor.CompleteAsync(Cancellation);
            ConsecutorSnapshot end = await consecutor.WaitForIdleAsync(Cancellation);
            Assert.Equal(["303"], ledger.Lines);
            Assert.Equal((6L, 6L, 0L), (end.Accepted, end.Completed, end.Unaccounted));
        }
    }

    [Fact]
    public async Task ACompletedInputRefusesFurtherItems()
    {
        await using var store = await ScenarioStore.OpenAsync();
        var ledger = new Ledger();
        await using (Consecutor<int> first = Sum(store, ledger))
        {
            await first.StartAsync(Cancellation);
            await (Source.Resumable("numbers", Enumerable.Range(0, 5)) | first).RunAsync(cancellation: Cancellation);
            await first.CompleteAsync(Cancellation);
            await first.CompleteAsync(Cancellation);
            await first.WaitForIdleAsync(Cancellation);
        }
        await using Consecutor<int> second = Sum(store, ledger);
        await second.StartAsync(Cancellation);
        var refusal = await Assert.ThrowsAsync<InvalidOperationException>(async () => await second.SendAsync(1, Cancellation));
        Assert.Equal(
            "The input of numbers is complete (Consecutor.CompleteAsync): nothing can be sent to it any more. The items were not accepted. "
                + "The store keeps that, also over restarts: send them to a consecutor of another name. To end a program whose next start "
                + "sends more, call StopAsync, and not CompleteAsync.", refusal.Message);
        Assert.True(second.Snapshot().IsInputComplete);
        refusal = await Assert.ThrowsAsync<InvalidOperationException>(
            () => second.TrySendAsync(1, new() { IdempotencyKey = "a" }, Cancellation));
        Assert.StartsWith("The input of numbers is complete", refusal.Message, StringComparison.Ordinal);
        // has nothing new: a program may simply be run again
        await (Source.Resumable("numbers", Enumerable.Range(0, 5)) | second).RunAsync(cancellation: Cancellation);
        await second.WaitForIdleAsync(Cancellation);
        Assert.Equal(["10"], ledger.Lines);
    }

    [Fact]
    public async Task ACompletedInputWithoutAStoreRefusesFurtherItems()
    {
        var seen = new List<int>();
        await using var consecutor = new Consecutor<int>("numbers", source => source | seen.Add);
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAsync(1, Cancellation);
        await consecutor.CompleteAsync(Cancellation);
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await consecutor.SendAsync(2, Cancellation));
        await consecutor.WaitForIdleAsync(Cancellation);
        Assert.Equal([1], seen);
    }

    [Fact]
    public async Task NodesEndInOrderAndWaitForRetriesOfEarlierOutputs()
    {
        await using var store = await ScenarioStore.OpenAsync();
        var ledger = new Ledger();
        int failures = 0;
        await using var consecutor = new Consecutor<int>("numbers",
            source => (source.Chunk(4) | Stage.Named("fours")
                | (some => some.Length < 4 && failures++ < 2 ? throw new TimeoutException("not now") : some))
                .Aggregate("", static (text, some) => $"{text}[{string.Join(',', some)}]") | Stage.Named("text") | ledger.Sink<string>(),
            Options(store));
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAllAsync(Enumerable.Range(0, 10).ToList(), Cancellation);
        await consecutor.CompleteAsync(Cancellation);
        await consecutor.WaitForIdleAsync(Cancellation);
        Assert.Equal(["[0,1,2,3][4,5,6,7][8,9]"], ledger.Lines);
    }

    [Fact]
    public async Task EachKeyEndsOnce()
    {
        await using var store = await ScenarioStore.OpenAsync();
        var ledger = new Ledger();
        const int Keys = 200;
        await using var consecutor = new Consecutor<int>("numbers",
            source => source | Sluice.StageNode.Of(() => new Total()) | Stage.Named("total") | ledger.Sink<string>(),
            Options(store) with { Stream = new() { Partitions = 2 } })
        { Key = static n => $"{n % Keys}" };
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAllAsync(Enumerable.Range(0, 3 * Keys).ToList(), Cancellation);
        await consecutor.CompleteAsync(Cancellation);
        await consecutor.WaitForIdleAsync(Cancellation);
        Assert.Equal(Enumerable.Range(0, Keys).Select(static n => $"{n}={3 * (n + Keys)}").Order(), ledger.Lines.Order());
        Assert.Empty(await consecutor.ListStateAsync("total", Cancellation).ToListAsync(Cancellation));
    }

    [Fact]
    public async Task InAPlainRunEachKeyEndsAtTheEnd()
    {
        List<string> seen = [];
        await (Source.From(Enumerable.Range(0, 6)) | Stage.KeyBy((int n) => n % 2, lanes: 1)
            | Sluice.StageNode.Of(() => new Total())).ForEach(seen.Add).RunAsync(cancellation: Cancellation);
        Assert.Equal(["0=6", "1=9"], seen);
    }

    [Fact]
    public async Task ARedriveAfterTheEndPutsOutAnUpdatedResult()
    {
        await using var store = await ScenarioStore.OpenAsync();
        var ledger = new Ledger();
        bool fails = true;
        await using var consecutor = new Consecutor<int>("numbers",
            source => (source | (n => n == 3 && fails ? throw new FormatException("poison") : n)).Aggregate(0, static (sum, n) => sum + n)
                | Stage.Named("sum") | ledger.Sink<int>(), Options(store));
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAllAsync([1, 2, 3, 4], Cancellation);
        await consecutor.CompleteAsync(Cancellation);
        Assert.Equal(1, (await consecutor.WaitForIdleAsync(Cancellation)).Dead);
        Assert.Equal(["7"], ledger.Lines);
        fails = false;
        Assert.Equal(1, await consecutor.RedriveAsync(static _ => true, Cancellation));
        await consecutor.WaitForIdleAsync(Cancellation);
        Assert.Equal(["7", "10"], ledger.Lines);
    }

    /// <remarks>Formerly the result of the other branch came out again, unchanged.</remarks>
    [Theory]
    [InlineData(3)]
    [InlineData(4)]
    public async Task ARedriveIntoOneBranchAfterTheEndPutsOutNothingOfTheOther(int poison)
    {
        await using var store = await ScenarioStore.OpenAsync();
        Ledger odd = new(), even = new();
        bool fails = true;
        await using var consecutor = new Consecutor<int>("numbers", source => source
            | (n => n == poison && fails ? throw new FormatException("poison") : n) |
        [
            all => all.Where(static n => n % 2 == 1).Aggregate(0, static (sum, n) => sum + n) | Stage.Named("odd")
                | odd.Sink<int>("odd"),
            all => all.Where(static n => n % 2 == 0).Aggregate(0, static (sum, n) => sum + n) | Stage.Named("even")
                | even.Sink<int>("even"),
        ], Options(store));
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAllAsync([1, 2, 3, 4], Cancellation);
        await consecutor.CompleteAsync(Cancellation);
        await consecutor.WaitForIdleAsync(Cancellation);
        fails = false;
        Assert.Equal(1, await consecutor.RedriveAsync(static _ => true, Cancellation));
        await consecutor.WaitForIdleAsync(Cancellation);
        Assert.Equal(poison == 3 ? ["1", "4"] : ["4"], odd.Lines);
        Assert.Equal(poison == 4 ? ["2", "6"] : ["6"], even.Lines);
    }

    [Fact]
    public Task EachResultIsPutOutOnceDespiteCrashes() => CrashLab.PlayAllAsync(80, async (seed, cancellation) =>
    {
        var random = new Random(seed);
        int items = random.Next(60), size = random.Next(1, 9);
        var ledger = new Ledger();
        var starts = new System.Collections.Concurrent.ConcurrentDictionary<int, int>();
        var lab = new CrashLab(random, items) { IsCompleted = true, Key = random.Next(2) == 0 ? null : static n => $"{n % 5}" };
        await lab.PlayAsync(source =>
        {
            Source<int> sums = source.Chunk(size) | Stage.Named("chunks")
                | (some => some.Sum() % 3 == 0 && starts.AddOrUpdate(some.Sum(), 1, static (_, known) => known + 1) < 3
                ? throw new TimeoutException("not now") : some.Sum());
            return (sums | Stage.Buffer(3) | (n => n)).Aggregate((Count: 0, Sum: 0), static (all, sum) => (all.Count + 1, all.Sum + sum),
                static all => $"{all.Count}:{all.Sum}")
                | Stage.Named("all") | ledger.Sink<string>();
        }, cancellation);

        // One result for each partition: together they have every item once.
        Assert.Equal(lab.Options.Stream.Partitions, ledger.Lines.Count);
        Assert.Equal(items * (items - 1) / 2, ledger.Lines.Sum(static line => int.Parse(line.Split(':')[1])));
        int chunks = ledger.Lines.Sum(static line => int.Parse(line.Split(':')[0]));
        Assert.InRange(chunks, (items + size - 1) / size, (items / size) + lab.Options.Stream.Partitions);
        Assert.Equal(0, lab.End.Unaccounted);
    });

    private static Consecutor<int> Sum(IStreamStore store, Ledger ledger)
        => new("numbers", source => source.Aggregate(0, static (sum, n) => sum + n) | Stage.Named("sum") | ledger.Sink<int>(),
        Options(store));

    private static ConsecutorOptions Options(IStreamStore store)
        => new() { Store = store, Process = new(), Delivery = Sluice.DeliveryGuarantee.Replay(5, Backoff.None) };

    private sealed class Total : StatefulStageNode<int, string, int>
    {
        protected override ValueTask ProcessAsync(int item, Output<string> output, CancellationToken cancellation)
        {
            State += item;
            return default;
        }

        protected override async ValueTask EndKeyAsync(Output<string> output, CancellationToken cancellation)
        {
            await output.PushAsync($"{Key}={State}");
            RemoveState();
        }
    }
}
