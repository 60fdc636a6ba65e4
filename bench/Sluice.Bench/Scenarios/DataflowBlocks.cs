using System.Threading.Tasks.Dataflow;

namespace Sluice.Bench;

/// <summary>The settings that a good user of TPL Dataflow chooses, and the chain that two scenarios share.</summary>
internal static class DataflowBlocks
{
    public static readonly DataflowLinkOptions Propagating = new() { PropagateCompletion = true };

    public static ExecutionDataflowBlockOptions Bounded(bool singleProducer = true, int parallel = 1) => new()
    {
        BoundedCapacity = ChannelStages.Capacity,
        SingleProducerConstrained = singleProducer,
        MaxDegreeOfParallelism = parallel,
        EnsureOrdered = true,
    };

    public static async Task FeedAsync(long count, ITargetBlock<long> first)
    {
        for (long i = 0; i < count; i++)
            if (!first.Post(i)) await first.SendAsync(i);
        first.Complete();
    }

    /// <summary>Runs the numbers through a block for each map, and a block that sums.</summary>
    public static async Task<long> ChainAsync(long count, IEnumerable<Func<long, long>> maps)
    {
        long sum = 0;
        var blocks = maps.Select(map => new TransformBlock<long, long>(map, Bounded())).ToArray();
        var sink = new ActionBlock<long>(value => sum += value, Bounded());
        for (var i = 1; i < blocks.Length; i++) blocks[i - 1].LinkTo(blocks[i], Propagating);
        blocks[^1].LinkTo(sink, Propagating);
        await FeedAsync(count, blocks[0]);
        await sink.Completion;
        return sum;
    }
}
