using System.Threading.Tasks.Dataflow;

namespace Sluice.Bench;

/// <summary>One stage that processes four items at a time, in order: a little computation, and a wait that ends at once.</summary>
internal static class Parallel
{
    private const int Degree = 4;

    public static Scenario Scenario { get; } = new("parallel", "ordered, 4 at a time: 0.2 µs of work; Task.Yield",
    [
        new Comparison("parallel", 1_000_000, 300_000, ExpectedOfWork,
        [
            Variant.OfTask(Variant.Ours, count => SluiceAsync(Source.Range(0, count) | Work.Do | Stage.Parallel(Degree))),
            Variant.OfTask("tpl", count => TplAsync(count,
                new TransformBlock<long, long>(Work.Do, DataflowBlocks.Bounded(parallel: Degree)))),
        ]),
        new Comparison("parallel-async", 500_000, 200_000, ExpectedOfYield,
        [
            Variant.OfTask(Variant.Ours, count => SluiceAsync(Source.Range(0, count) | YieldAsync | Stage.Parallel(Degree))),
            Variant.OfTask("tpl", count => TplAsync(count,
                new TransformBlock<long, long>(YieldAsync, DataflowBlocks.Bounded(parallel: Degree)))),
            Variant.OfTask("foreach-async", ForEachAsync),
        ]),
    ]);

    /// <summary>Weights results by their position, so that a swapped pair changes the sum.</summary>
    private sealed class OrderedSum
    {
        private long position;

        public long Value { get; private set; }

        public void Add(long result) => Value += Weighted(position++, result);
    }

    private static long Weighted(long position, long result) => (position & 1023) * result;

    private static async Task<long> YieldAsync(long item)
    {
        await Task.Yield();
        return item & 0xFFFF;
    }

    private static async Task<double> SluiceAsync(Source<long> results)
    {
        var sum = new OrderedSum();
        var pipeline = results | sum.Add;
        await pipeline.RunAsync();
        return sum.Value;
    }

    private static async Task<double> TplAsync(long count, TransformBlock<long, long> transform)
    {
        var sum = new OrderedSum();
        var sink = new ActionBlock<long>(sum.Add, DataflowBlocks.Bounded());
        transform.LinkTo(sink, DataflowBlocks.Propagating);
        await DataflowBlocks.FeedAsync(count, transform);
        await sink.Completion;
        return sum.Value;
    }

    // It has no outputs, hence no order: each call adds its own result.
    private static async Task<double> ForEachAsync(long count)
    {
        long sum = 0;
        var options = new ParallelOptions { MaxDegreeOfParallelism = Degree };
        await System.Threading.Tasks.Parallel.ForEachAsync(Numbers.Range(count), options, async (item, _) =>
        {
            await Task.Yield();
            Interlocked.Add(ref sum, Weighted(item, item & 0xFFFF));
        });
        return sum;
    }

    private static double ExpectedOfWork(long count)
    {
        long sum = 0;
        for (long i = 0; i < count; i++) sum += Weighted(i, Work.Do(i));
        return sum;
    }

    private static double ExpectedOfYield(long count)
    {
        long sum = 0;
        for (long i = 0; i < count; i++) sum += Weighted(i, i & 0xFFFF);
        return sum;
    }
}
