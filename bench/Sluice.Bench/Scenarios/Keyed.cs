using System.Threading.Channels;
using System.Threading.Tasks.Dataflow;

namespace Sluice.Bench;

/// <summary>Ten thousand accounts in four lanes: entries of one account in order, accounts in parallel.</summary>
internal static class Keyed
{
    private const int Keys = 10_000;
    private const int Lanes = 4;

    public static Scenario Scenario { get; } = new("keyed", "1 M items, 10,000 keys, order per key, 4 lanes",
    [
        new Comparison("keyed", 1_000_000, 400_000, Numbers.ExpectedSum,
        [
            Variant.OfTask(Variant.Ours, SluiceAsync),
            Variant.OfTask("channels", ChannelsAsync),
            Variant.OfTask("tpl", TplAsync),
        ]),
    ]);

    private readonly record struct Entry(int Key, long Amount);

    // Amounts grow, so an entry overtaken by a later one of its key spoils the total. No lock: a key stays in its lane.
    private sealed class Ledger
    {
        private readonly (long Last, long Sum)[] accounts = new (long, long)[Keys];
        private volatile bool overtaken;

        public void Post(Entry entry)
        {
            ref var account = ref accounts[entry.Key];
            if (entry.Amount < account.Last) overtaken = true;
            account = (entry.Amount, account.Sum + entry.Amount);
        }

        public double Total => overtaken ? double.NaN : accounts.Sum(account => (double)account.Sum);
    }

    // Scattered, like real keys.
    private static Entry EntryOf(long i) => new((int)(((ulong)i * 0x9E3779B97F4A7C15 >> 33) % Keys), i);

    private static int LaneOf(Entry entry) => (int)((uint)entry.Key.GetHashCode() % Lanes);

    private static async Task<double> SluiceAsync(long count)
    {
        var ledger = new Ledger();
        var pipeline = Source.Range(0, count) | EntryOf | Stage.KeyBy((Entry entry) => entry.Key, lanes: Lanes) | ledger.Post;
        await pipeline.RunAsync();
        return ledger.Total;
    }

    private static async Task<double> ChannelsAsync(long count)
    {
        var ledger = new Ledger();
        var lanes = Enumerable.Range(0, Lanes).Select(_ => ChannelStages.Create<Entry>()).ToArray();
        var workers = lanes.Select(lane => Task.Run(() => ChannelStages.DrainAsync(lane.Reader, ledger.Post))).ToArray();
        for (long i = 0; i < count; i++)
        {
            var entry = EntryOf(i);
            var writer = lanes[LaneOf(entry)].Writer;
            if (!writer.TryWrite(entry)) await writer.WriteAsync(entry);
        }

        foreach (var lane in lanes) lane.Writer.Complete();
        await Task.WhenAll(workers);
        return ledger.Total;
    }

    private static async Task<double> TplAsync(long count)
    {
        var ledger = new Ledger();
        var lanes = Enumerable.Range(0, Lanes).Select(_ => new ActionBlock<Entry>(ledger.Post, DataflowBlocks.Bounded())).ToArray();
        for (long i = 0; i < count; i++)
        {
            var entry = EntryOf(i);
            var lane = lanes[LaneOf(entry)];
            if (!lane.Post(entry)) await lane.SendAsync(entry);
        }

        foreach (var lane in lanes) lane.Complete();
        await Task.WhenAll(lanes.Select(lane => lane.Completion));
        return ledger.Total;
    }
}
