using System.Reactive.Subjects;
using System.Runtime.InteropServices;
using System.Threading.Tasks.Dataflow;

namespace Sluice.Bench;

/// <summary>Sends every item to four sinks: by direct calls, and with a buffer before each.</summary>
internal static class Broadcast
{
    public static Scenario Scenario { get; } = new("broadcast", "every item to 4 sinks, fused and buffered",
    [
        new Comparison("broadcast", 5_000_000, 2_000_000, Expected,
        [
            Variant.OfTask(Variant.Ours, SluiceAsync),
            Variant.Of("rx", Rx),
        ]),
        new Comparison("broadcast-buffered", 1_000_000, 300_000, Expected,
        [
            Variant.OfTask(Variant.Ours, SluiceBufferedAsync),
            Variant.OfTask("channels", ChannelsAsync),
            Variant.OfTask("tpl", TplAsync),
        ]),
    ]);

    private sealed class Sinks
    {
        private readonly Counter[] counters = [new(), new(), new(), new()];

        public Sinks() => All = [counters[0].Add, counters[1].AddNext, counters[2].AddNeighbour, counters[3].AddPrevious];

        public Action<long>[] All { get; }

        public double Total => counters.Sum(counter => (double)counter.Sum);
    }

    // Padded, so that counters do not share a cache line: they may be on different cores.
    [StructLayout(LayoutKind.Explicit, Size = 192)]
    private sealed class Counter
    {
        [FieldOffset(64)]
        private long sum;

        public long Sum => sum;

        public void Add(long value) => sum += value;

        public void AddNext(long value) => sum += value + 1;

        public void AddNeighbour(long value) => sum += value ^ 1;

        public void AddPrevious(long value) => sum += value - 1;
    }

    private static async Task<double> SluiceAsync(long count)
    {
        var sinks = new Sinks();
        var pipeline = Source.Range(0, count) | [sinks.All[0], sinks.All[1], sinks.All[2], sinks.All[3]];
        await pipeline.RunAsync(Chain.OnThisThread);
        return sinks.Total;
    }

    private static async Task<double> SluiceBufferedAsync(long count)
    {
        var sinks = new Sinks();
        var (first, second, third, fourth) = (Behind(sinks.All[0]), Behind(sinks.All[1]), Behind(sinks.All[2]), Behind(sinks.All[3]));
        var pipeline = Source.Range(0, count) | [first, second, third, fourth];
        await pipeline.RunAsync();
        return sinks.Total;

        static Sink<long> Behind(Action<long> sink) => Pipe.Of<long>().Buffer(ChannelStages.Capacity) | sink;
    }

    private static double Rx(long count)
    {
        var sinks = new Sinks();
        using var subject = new Subject<long>();
        foreach (var sink in sinks.All) subject.Subscribe(sink);
        for (long i = 0; i < count; i++) subject.OnNext(i);
        subject.OnCompleted();
        return sinks.Total;
    }

    private static async Task<double> ChannelsAsync(long count)
    {
        var sinks = new Sinks();
        var branches = sinks.All.Select(_ => ChannelStages.Create<long>()).ToArray();
        var readers = branches.Zip(sinks.All, (branch, sink) => Task.Run(() => ChannelStages.DrainAsync(branch.Reader, sink))).ToArray();
        for (long i = 0; i < count; i++)
            foreach (var branch in branches)
                if (!branch.Writer.TryWrite(i)) await branch.Writer.WriteAsync(i);
        foreach (var branch in branches) branch.Writer.Complete();
        await Task.WhenAll(readers);
        return sinks.Total;
    }

    // By hand: a BroadcastBlock drops items that a bounded target does not take at once.
    private static async Task<double> TplAsync(long count)
    {
        var sinks = new Sinks();
        var branches = sinks.All.Select(sink => new ActionBlock<long>(sink, DataflowBlocks.Bounded())).ToArray();
        for (long i = 0; i < count; i++)
            foreach (var branch in branches)
                if (!branch.Post(i)) await branch.SendAsync(i);
        foreach (var branch in branches) branch.Complete();
        await Task.WhenAll(branches.Select(branch => branch.Completion));
        return sinks.Total;
    }

    private static double Expected(long count)
    {
        double sum = 0;
        for (long i = 0; i < count; i++) sum += i + (i + 1) + (i ^ 1) + (i - 1);
        return sum;
    }
}
