using System.Threading.Tasks.Dataflow;

namespace Sluice.Bench;

/// <summary>Twenty microseconds of work for each item, two items at a time, results in order.</summary>
internal static class Heavy
{
    private const int Degree = 2, Times = 100;

    public static Scenario Scenario { get; } = new("heavy", $"20 µs of work for each item, {Degree} at a time, ordered",
    [
        new Comparison("heavy", 50_000, 15_000, Expected,
        [
            Variant.OfTask(Variant.Ours, SluiceAsync),
            Variant.OfTask("tpl", TplAsync),
            Variant.Of("plinq", Plinq),
        ]) { WarmCount = 500 },
    ]);

    private static async Task<double> SluiceAsync(long count)
    {
        var sum = new OrderedSum();
        Pipeline pipeline = Source.Range(0, count) | WorkOn | Stage.Parallel(Degree) | sum.Add;
        await pipeline.RunAsync();
        return sum.Value;
    }

    private static async Task<double> TplAsync(long count)
    {
        var sum = new OrderedSum();
        var work = new TransformBlock<long, long>(WorkOn, DataflowBlocks.Bounded(parallel: Degree));
        var sink = new ActionBlock<long>(sum.Add, DataflowBlocks.Bounded());
        work.LinkTo(sink, DataflowBlocks.Propagating);
        await DataflowBlocks.FeedAsync(count, work);
        await sink.Completion;
        return sum.Value;
    }

    private static double Plinq(long count)
    {
        var sum = new OrderedSum();
        ParallelQuery<long> results = Numbers.Range(count).AsParallel().AsOrdered().WithDegreeOfParallelism(Degree).Select(WorkOn);
        foreach (long result in results) sum.Add(result);
        return sum.Value;
    }

    // A hundred times the fifth of a microsecond of the scenario `parallel`.
    private static long WorkOn(long number)
    {
        long result = number;
        for (int i = 0; i < Times; i++) result = Work.Do(result);
        return result;
    }

    private static double Expected(long count)
    {
        var sum = new OrderedSum();
        for (long i = 0; i < count; i++) sum.Add(WorkOn(i));
        return sum.Value;
    }

    /// <summary>Weights results by their position, so that a swapped pair changes the sum.</summary>
    private sealed class OrderedSum
    {
        private long position;

        public long Value { get; private set; }

        public void Add(long result) => Value += (position++ & 1023) * result;
    }
}
