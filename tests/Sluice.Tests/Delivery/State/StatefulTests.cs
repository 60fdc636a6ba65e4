using Sluice.Diagnostics;
using Sluice.Storage;

namespace Sluice.Tests.Delivery;

/// <summary>Consecutors with state, over stops and crashes of their processes.</summary>
public class StatefulTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task StateByKeyGoesOnAfterARestart()
    {
        await using var store = await ScenarioStore.OpenAsync();
        var ledger = new Ledger();
        for (int life = 0; life < 3; life++)
        {
            await using Consecutor<int> consecutor = Make(store, ledger);
            await consecutor.StartAsync(Cancellation);
            await consecutor.SendAllAsync(Enumerable.Range(0, 10).ToList(), Cancellation);
            ConsecutorSnapshot end = await consecutor.WaitForIdleAsync(Cancellation);
            Assert.Equal((10L * (life + 1), 10L * (life + 1), 0L), (end.Accepted, end.Completed, end.Unaccounted));
            Assert.True(await consecutor.StopAsync());
        }
        int[] sums = new int[2];
        List<string> expected = [];
        foreach (int n in Enumerable.Repeat(Enumerable.Range(0, 10), 3).SelectMany(static some => some))
            expected.Add($"{n % 2}:{sums[n % 2] += n}");
        Assert.Equal(ByKey(expected), ByKey(ledger.Lines));
    }

    [Fact]
    public async Task AFailedItemsStateChangesAreUndoneAndLaterItemsOfItsKeyWait()
    {
        await using var store = await ScenarioStore.OpenAsync();
        var ledger = new Ledger();
        int failures = 0;
        await using Consecutor<int> consecutor = Make(store, ledger, value => value.StartsWith("0:2") && failures++ < 2
            ? throw new TimeoutException("not now") : value);
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAllAsync(Enumerable.Range(0, 6).ToList(), Cancellation);
        ConsecutorSnapshot end = await consecutor.WaitForIdleAsync(Cancellation);
        Assert.Equal((6L, 6L, 0L, 0L), (end.Accepted, end.Completed, end.Dead, end.Unaccounted));
        Assert.Equal(["0:0", "0:2", "0:6", "1:1", "1:4", "1:9"], ledger.Lines.Order());
        Assert.Equal(ByKey(["0:0", "0:2", "0:6", "1:1", "1:4", "1:9"]), ByKey(ledger.Lines));
        Assert.Equal(3, failures);                   // two failures, and the attempt that succeeded
    }

    [Fact]
    public async Task AnItemThatDiesLeavesNoTraceInTheState()
    {
        await using var store = await ScenarioStore.OpenAsync();
        var ledger = new Ledger();
        await using Consecutor<int> consecutor = Make(store, ledger, value => value == "0:2" ? throw new FormatException("poison") : value);
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAllAsync(Enumerable.Range(0, 6).ToList(), Cancellation);
        ConsecutorSnapshot end = await consecutor.WaitForIdleAsync(Cancellation);
        Assert.Equal((6L, 5L, 1L, 0L), (end.Accepted, end.Completed, end.Dead, end.Unaccounted));
        Assert.Equal(ByKey(["0:0", "0:4", "1:1", "1:4", "1:9"]), ByKey(ledger.Lines));
    }

    [Fact]
    public async Task ChunksAreCompletedOverRestarts()
    {
        await using var store = await ScenarioStore.OpenAsync();
        var ledger = new Ledger();
        for (int life = 0; life < 5; life++)
        {
            await using var consecutor = new Consecutor<int>("numbers",
                source => source.Chunk(10) | Stage.Named("tens") | (some => string.Join(',', some)) | ledger.Sink<string>(),
                    new() { Store = store, Process = new() });
            await consecutor.StartAsync(Cancellation);
            await consecutor.SendAllAsync(Enumerable.Range(life * 7, 7).ToList(), Cancellation);
            ConsecutorSnapshot end = await consecutor.WaitForIdleAsync(Cancellation);
            Assert.Equal((7L * (life + 1), 0L), (end.Completed, end.Unaccounted));
            if (life % 2 == 0) await consecutor.StopAsync();
            else await consecutor.AbandonAsync();
        }
        Assert.Equal(Enumerable.Range(0, 3).Select(static n => string.Join(',', Enumerable.Range(n * 10, 10))), ledger.Lines);
    }

    /// <summary>One commit deletes all the rows that were stored of the chunk.</summary>
    [Fact]
    public async Task AChunkOfMoreItemsThanACommitHoldsIsPutOut()
    {
        await using var store = await ScenarioStore.OpenAsync();
        var ledger = new Ledger();
        await using var consecutor = new Consecutor<int>("numbers",
            source => source.Chunk(1500) | Stage.Named("many") | (some => some.Sum()) | ledger.Sink<int>(),
                new() { Store = store, Process = new(), MaxInFlight = ScenarioStore.Share == 1 ? 1 : 50 });
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAllAsync(Enumerable.Range(0, 1500).ToList(), Cancellation);
        ConsecutorSnapshot end = await consecutor.WaitForIdleAsync(Cancellation);
        Assert.Equal((1500L, 0L), (end.Completed, end.Dead));
        Assert.Equal([$"{1500 * 1499 / 2}"], ledger.Lines);
    }

    [Fact]
    public async Task AFailedOutputOfAChunkIsRetriedByItself()
    {
        await using var store = await ScenarioStore.OpenAsync();
        var ledger = new Ledger();
        int failures = 0, summed = 0;
        await using var consecutor = new Consecutor<int>("numbers",
            source => source.Chunk(3) | Stage.Named("threes") | (some => Interlocked.Increment(ref summed) > 0 ? some.Sum() : 0)
                | (sum => sum == 12 && failures++ < 2 ? throw new TimeoutException("not now") : sum) | ledger.Sink<int>(),
            new() { Store = store, Process = new(), Delivery = Sluice.DeliveryGuarantee.Replay(3, Backoff.None) });
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAllAsync(Enumerable.Range(0, 9).ToList(), Cancellation);
        ConsecutorSnapshot end = await consecutor.WaitForIdleAsync(Cancellation);
        Assert.Equal((9L, 10L, 0L, 0L), (end.Accepted, end.Completed, end.Dead, end.Unaccounted));
        Assert.Equal(["12", "21", "3"], ledger.Lines.Order());
        Assert.Equal((3, 5), (failures, summed));    // each chunk once, and the failed one twice more
    }

    private static Consecutor<int> Make(IStreamStore store, Ledger ledger, Func<string, string>? then = null)
        => new("numbers", source => source | StageNode.Of(() => new RunningSum()) | Stage.Named("sum") | (then ?? (static value => value))
        | ledger.Sink<string>(),
            new() { Store = store, Process = new(), Delivery = Sluice.DeliveryGuarantee.Replay(3, Backoff.None) })
        { Key = static n => $"{n % 2}" };

    private static string[][] ByKey(IEnumerable<string> lines)
        => [.. lines.GroupBy(static line => line.Split(':')[0]).OrderBy(static group => group.Key).Select(static group => group.ToArray())];

    private sealed class RunningSum : StatefulStageNode<int, string, int>
    {
        protected override ValueTask ProcessAsync(int item, Output<string> output, CancellationToken cancellation)
        {
            State += item;
            return output.PushAsync($"{Key}:{State}");
        }
    }
}
