using System.Diagnostics;
using System.Threading.Tasks.Dataflow;

namespace Sluice.Bench;

/// <summary>
/// A trickle through three boundaries: the time of an item from the producer to the sink, its median and what 99 of 100 do not exceed.
/// </summary>
internal static class Latency
{
    public static Scenario Scenario { get; } = new("latency", "one item per millisecond through 3 boundaries; the columns are p50 and p99",
    [
        Compare("latency", 0.5),
        Compare("latency-p99", 0.99),
    ]);

    private static Comparison Compare(string name, double part) => new(name, 1_000, 300, static count => count,
    [
        new Variant(Variant.Ours, count => SluiceAsync(new(count, part))),
        new Variant("channels", count => ChannelsAsync(new(count, part))),
        new Variant("tpl", count => TplAsync(new(count, part))),
    ])
    { WarmCount = 40 };

    /// <summary>Sends the current time once a millisecond. It never catches up, because a burst is not a trickle.</summary>
    private static async Task PaceAsync(long count, Func<long, ValueTask> sendAsync)
    {
        using var beat = new PeriodicTimer(TimeSpan.FromMilliseconds(1));
        for (long i = 0; i < count; i++)
        {
            await beat.WaitForNextTickAsync();
            await sendAsync(Stopwatch.GetTimestamp());
        }
    }

    // One per run, called by one thread at a time.
    private sealed class Arrivals(long count, double part)
    {
        public long Count => count;

        private readonly long[] ticks = new long[count];
        private long last;
        private int arrived;
        private bool overtaken;

        public void Add(long sent)
        {
            ticks[arrived++] = Stopwatch.GetTimestamp() - sent;
            if (sent < last) overtaken = true;
            last = sent;
        }

        public Outcome Outcome
        {
            get
            {
                Array.Sort(ticks);
                return new Outcome(overtaken ? double.NaN : arrived, ticks[(int)(ticks.Length * part)] * 1e9 / Stopwatch.Frequency);
            }
        }
    }

    // A sequence that sleeps on the thread of its pump keeps the same pace.
    private static async Task<Outcome> SluiceAsync(Arrivals arrivals)
    {
        var intake = Source.Manual<long>(ChannelStages.Capacity);            // the first boundary
        var pipeline = intake
            | (static sent => sent) | Stage.Buffer(ChannelStages.Capacity)
            | (static sent => sent) | Stage.Buffer(ChannelStages.Capacity)
            | arrivals.Add;
        var run = pipeline.RunAsync();
        await PaceAsync(arrivals.Count, sent => intake.SendAsync(sent));
        intake.Complete();
        await run;
        return arrivals.Outcome;
    }

    private static async Task<Outcome> ChannelsAsync(Arrivals arrivals)
    {
        var (first, second, third) = (ChannelStages.Create<long>(), ChannelStages.Create<long>(), ChannelStages.Create<long>());
        var stages = new[]
        {
            Task.Run(() => ChannelStages.MapAsync(first, static sent => sent, second)),
            Task.Run(() => ChannelStages.MapAsync(second, static sent => sent, third)),
            Task.Run(() => ChannelStages.DrainAsync<long>(third, arrivals.Add)),
        };
        await PaceAsync(arrivals.Count, sent => first.Writer.WriteAsync(sent));
        first.Writer.Complete();
        await Task.WhenAll(stages);
        return arrivals.Outcome;
    }

    private static async Task<Outcome> TplAsync(Arrivals arrivals)
    {
        var first = new TransformBlock<long, long>(static sent => sent, DataflowBlocks.Bounded());
        var second = new TransformBlock<long, long>(static sent => sent, DataflowBlocks.Bounded());
        var third = new ActionBlock<long>(arrivals.Add, DataflowBlocks.Bounded());
        first.LinkTo(second, DataflowBlocks.Propagating);
        second.LinkTo(third, DataflowBlocks.Propagating);
        await PaceAsync(arrivals.Count, async sent => await first.SendAsync(sent));
        first.Complete();
        await third.Completion;
        return arrivals.Outcome;
    }
}
