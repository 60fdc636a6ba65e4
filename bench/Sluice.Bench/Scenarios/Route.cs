using System.Reactive.Linq;
using System.Threading.Tasks.Dataflow;

namespace Sluice.Bench;

/// <summary>Routes every item to one of four branches with a map each, and merges them again.</summary>
internal static class Route
{
    private const int Branches = 4;

    public static Scenario Scenario { get; } = new("route", "over 4 branches and merged, fused and buffered",
    [
        new Comparison("route", 5_000_000, 2_000_000, Expected,
        [
            Variant.OfTask(Variant.Ours, SluiceAsync),
            Variant.Of("rx", Rx),
        ]),
        new Comparison("route-buffered", 1_000_000, 400_000, Expected,
        [
            Variant.OfTask(Variant.Ours, SluiceBufferedAsync),
            Variant.OfTask("channels", ChannelsAsync),
            Variant.OfTask("tpl", TplAsync),
        ]),
    ]);

    private static int BranchOf(long item) => (int)(item & (Branches - 1));

    private static async Task<double> SluiceAsync(long count)
    {
        long sum = 0;
        var branches = Maps.All.Take(Branches).Select(map => Pipe.Of<long>() | map).ToArray();
        var pipeline = Source.Range(0, count) < Sluice.Route.By(BranchOf, branches) > (value => { sum += value; });
        await pipeline.RunAsync(Chain.OnThisThread);
        return sum;
    }

    private static async Task<double> SluiceBufferedAsync(long count)
    {
        long sum = 0;
        var branches = Maps.All.Take(Branches).Select(map => Pipe.Of<long>().Buffer(ChannelStages.Capacity) | map).ToArray();
        var pipeline = Source.Range(0, count) < Sluice.Route.By(BranchOf, branches) > (value => { sum += value; });
        await pipeline.RunAsync();
        return sum;
    }

    private static double Rx(long count)
    {
        var query = Numbers.Observable(count).GroupBy(BranchOf).SelectMany(branch => branch.Select(Maps.All[branch.Key]));
        long sum = 0;
        using (query.Subscribe(value => sum += value)) return sum;
    }

    private static async Task<double> ChannelsAsync(long count)
    {
        var merged = ChannelStages.Create<long>(singleWriter: false);
        var branches = Enumerable.Range(0, Branches).Select(_ => ChannelStages.Create<long>()).ToArray();
        var maps = Enumerable.Range(0, Branches)
            .Select(i => Task.Run(() => ChannelStages.MapAsync(branches[i].Reader, Maps.All[i], merged.Writer, complete: false)))
            .ToArray();
        var sum = Task.Run(() => ChannelStages.SumAsync(merged.Reader));
        for (long i = 0; i < count; i++)
        {
            var writer = branches[BranchOf(i)].Writer;
            if (!writer.TryWrite(i)) await writer.WriteAsync(i);
        }

        foreach (var branch in branches) branch.Writer.Complete();
        await Task.WhenAll(maps);
        merged.Writer.Complete();
        return await sum;
    }

    private static async Task<double> TplAsync(long count)
    {
        long sum = 0;
        var merged = new ActionBlock<long>(value => sum += value, DataflowBlocks.Bounded(singleProducer: false));
        var branches = Maps.All.Take(Branches).Select(map => new TransformBlock<long, long>(map, DataflowBlocks.Bounded())).ToArray();
        foreach (var branch in branches) branch.LinkTo(merged);
        for (long i = 0; i < count; i++)
        {
            var branch = branches[BranchOf(i)];
            if (!branch.Post(i)) await branch.SendAsync(i);
        }

        foreach (var branch in branches) branch.Complete();
        await Task.WhenAll(branches.Select(branch => branch.Completion));
        merged.Complete();
        await merged.Completion;
        return sum;
    }

    private static double Expected(long count)
    {
        long sum = 0;
        for (long i = 0; i < count; i++)
        {
            sum += (i & 3) switch
            {
                0 => i + 1,
                1 => i ^ 3,
                2 => i - 2,
                _ => i + 7,
            };
        }

        return sum;
    }
}
