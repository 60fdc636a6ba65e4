using System.Diagnostics;
using System.Threading.Tasks.Dataflow;

namespace Sluice.Bench;

/// <summary>A trickle through three boundaries: how long is the middle item under way, from the producer to the sink?</summary>
internal static class Latency
{
    public static Scenario Scenario { get; } = new("latency", "one item per millisecond through 3 boundaries; the column is the p50",
    [
        new Comparison("latency", 1_000, 300, static count => count,
        [
            new Variant(Variant.Ours, SluiceAsync),
            new Variant("channels", ChannelsAsync),
            new Variant("tpl", TplAsync),
        ]) { WarmCount = 40 },
    ]);

    /// <summary>Sends the time of sending, once a millisecond, from a thread of its own.</summary>
    /// <remarks>
    /// It sleeps and does not spin, or it would take a core from those it measures; the system adds about 60 µs to each sleep, the same for all.
    /// It does not catch up either: a burst is not a trickle.
    /// </remarks>
    private static Task PaceAsync(long count, Action<long> send)
    {
        return Task.Factory.StartNew(Pace, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

        void Pace()
        {
            for (long i = 0; i < count; i++)
            {
                Thread.Sleep(1);
                send(Stopwatch.GetTimestamp());
            }
        }
    }

    // One sink per run, called by one thread at a time.
    private sealed class Arrivals(long count)
    {
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
                return new Outcome(overtaken ? double.NaN : arrived, ticks[ticks.Length / 2] * 1e9 / Stopwatch.Frequency);
            }
        }
    }

    // The pace is the same, kept by a sequence that sleeps on the thread of its pump.
    private static async Task<Outcome> SluiceAsync(long count)
    {
        var arrivals = new Arrivals(count);
        var intake = Source.Manual<long>(ChannelStages.Capacity);            // the first boundary
        var pipeline = intake
            | (static sent => sent) | Stage.Buffer(ChannelStages.Capacity)
            | (static sent => sent) | Stage.Buffer(ChannelStages.Capacity)
            | arrivals.Add;
        var run = pipeline.RunAsync();
        await PaceAsync(count, sent =>
        {
            var accepted = intake.SendAsync(sent);                           // the first waits for the run to begin
            if (!accepted.IsCompletedSuccessfully) accepted.AsTask().GetAwaiter().GetResult();
        });
        intake.Complete();
        await run;
        return arrivals.Outcome;
    }

    private static async Task<Outcome> ChannelsAsync(long count)
    {
        var arrivals = new Arrivals(count);
        var (first, second, third) = (ChannelStages.Create<long>(), ChannelStages.Create<long>(), ChannelStages.Create<long>());
        var stages = new[]
        {
            Task.Run(() => ChannelStages.MapAsync(first, static sent => sent, second)),
            Task.Run(() => ChannelStages.MapAsync(second, static sent => sent, third)),
            Task.Run(() => ChannelStages.DrainAsync<long>(third, arrivals.Add)),
        };
        await PaceAsync(count, sent =>
        {
            if (!first.Writer.TryWrite(sent)) throw new InvalidOperationException("a trickle has filled a channel");
        });
        first.Writer.Complete();
        await Task.WhenAll(stages);
        return arrivals.Outcome;
    }

    private static async Task<Outcome> TplAsync(long count)
    {
        var arrivals = new Arrivals(count);
        var first = new TransformBlock<long, long>(static sent => sent, DataflowBlocks.Bounded());
        var second = new TransformBlock<long, long>(static sent => sent, DataflowBlocks.Bounded());
        var third = new ActionBlock<long>(arrivals.Add, DataflowBlocks.Bounded());
        first.LinkTo(second, DataflowBlocks.Propagating);
        second.LinkTo(third, DataflowBlocks.Propagating);
        await PaceAsync(count, sent =>
        {
            if (!first.Post(sent)) throw new InvalidOperationException("a trickle has filled a block");
        });
        first.Complete();
        await third.Completion;
        return arrivals.Outcome;
    }
}
