using Sluice.Diagnostics;
using Sluice.Storage;

namespace Sluice.Tests.Delivery;

/// <summary>Dead letters of a consecutor with state are redriven, and the process dies at each call of the store in turn: each item counts
/// once in the outputs and in all states.</summary>
public class RedriveWithStateTests
{
    private const int Items = 12;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("check")]                            // an item in front of all state
    [InlineData("after")]                            // an item that has changed state: it starts from the beginning
    [InlineData("write")]                            // a chunk, which is a child of its items
    [InlineData("bisect")]                           // a half of a chunk, child of a child
    public async Task ARedriveIsExactWhereverTheProcessDies(string bad)
    {
        int calls = await RunAsync(bad, int.MaxValue, Moment.After);
        Assert.True(calls > 10, $"{calls} calls");
        for (int at = 1; at <= calls; at++)
            foreach (Moment moment in MortalStore.MomentsAt(at)) await RunAsync(bad, at, moment);
    }

    private static async Task<int> RunAsync(string bad, int dieAt, Moment moment)
    {
        await using var store = await ScenarioStore.OpenAsync();
        var ledger = new Ledger();
        bool isMended = false;
        await using (Consecutor<int> broken = New(store))
        {
            await broken.StartAsync(Cancellation);
            await broken.SendAllAsync([.. Enumerable.Range(0, Items)], Cancellation);
            await broken.WaitForIdleAsync(Cancellation);
            List<DeadLetter> letters = await broken.ListDeadLettersAsync(Cancellation).ToListAsync(Cancellation);
            Assert.Equal(bad is "check" or "after" ? 3 : 2, letters.Count);
            Assert.All(letters, letter => Assert.Equal((bad == "bisect" ? "write" : bad, bad != "after"),
                (letter.Node, letter.EntersAtNode)));
        }
        isMended = true;
        var mortal = new MortalStore(store, dieAt, moment);
        Consecutor<int> dying = New(mortal);
        await mortal.OutliveAsync(dying, RedriveAsync(dying));

        await using Consecutor<int> last = New(store);
        await RedriveAsync(last);
        await last.CompleteAsync(Cancellation);
        ConsecutorSnapshot end = await last.WaitForIdleAsync(Cancellation);
        Assert.Equal((0L, 0L, 0L), (end.Dead, end.Cancelled, end.Unaccounted));
        Assert.Equal(Enumerable.Range(0, Items), ledger.Lines.Select(int.Parse).Order());
        Assert.Equal([("0", 30), ("1", 36)], await last.ListStateAsync<int>("sum", Cancellation).OrderBy(static cell => cell.Key)
            .Select(static cell => (cell.Key, cell.Value)).ToListAsync(Cancellation));
        Assert.Equal(66, await last.ListStateAsync<int>("total", Cancellation).Select(static cell => cell.Value).SumAsync(Cancellation));
        return mortal.Calls;

        Consecutor<int> New(IStreamStore itsStore) => new("work", source =>
        {
            Source<int> sums = source | ((int n) => Check("check", n % 4 == 1, n)) | Stage.Named("check") | StageNode.Of(() => new Sum())
                | Stage.Named("sum") | ((int n) => Check("after", n % 4 == 2, n)) | Stage.Named("after");
            Source<int[]> written = sums.Chunk(3) | Stage.Named("chunks")
                | ((int[] some) => Check("write", some.Any(static n => n % 6 == 0), some)) | Stage.Named("write");
            if (bad == "bisect") written |= Stage.Bisect;
            return written | Each | StageNode.Of(() => new Sum()) | Stage.Named("total") | ledger.Sink<int>();
        }, new() { Store = itsStore, Delivery = DeliveryGuarantee.Replay(0), Stream = new() { Partitions = 2 }, Process = new() })
        { Key = static n => $"{n % 2}" };

        T Check<T>(string node, bool isBad, T item) => isBad && !isMended && (bad == node || (node == "write" && bad == "bisect"))
            ? throw new FormatException("no good") : item;
    }

    private static async Task RedriveAsync(Consecutor<int> consecutor)
    {
        await consecutor.StartAsync(Cancellation);
        await consecutor.RedriveAsync(_ => true, Cancellation);
        await consecutor.WaitForIdleAsync(Cancellation);
    }

    private static IEnumerable<int> Each(int[] list)
    {
        foreach (int n in list) yield return n;
    }

    private sealed class Sum : StatefulStageNode<int, int, int>
    {
        protected override ValueTask ProcessAsync(int item, Output<int> output, CancellationToken cancellation)
        {
            State += item;
            return output.PushAsync(item);
        }
    }
}
