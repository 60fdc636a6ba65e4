using Sluice.Diagnostics;
using Sluice.Sqlite;

namespace Sluice.Bench;

/// <summary>
/// The items of <see cref="Durable"/> through two consecutors, the second fed by an output of the first, against one consecutor.
/// </summary>
internal static class Chained
{
    public static Scenario Scenario { get; } = new("chained",
        $"{Durable.ItemBytes} bytes an item: two consecutors, the second fed by the first, against one; power-safe SQLite",
    [
        new Comparison("chained", 500_000, 60_000, Numbers.ExpectedSum,
        [
            Variant.OfTask(Variant.Ours, count => RunAsync(count, isChained: true)),
            Variant.OfTask("durable", count => RunAsync(count, isChained: false)),
        ]) { WarmCount = 40_000 },
    ]);

    private static async Task<double> RunAsync(long count, bool isChained)
    {
        using var directory = new Scratch();
        long sum = 0;
        await using SqliteStreamStore store = await SqliteStreamStore.OpenAsync(directory.File, Durability.Power);
        await using Consecutor<byte[]> last = Durable.Make(store, number => sum += number);
        await using var first = new Consecutor<byte[]>("first", source => source | Durable.Whole | Sink.Output<byte[]>("next"),
            new() { Store = store, Delivery = DeliveryGuarantee.Replay(3) });
        first.Output<byte[]>("next").To(last);
        await last.StartAsync();
        await first.StartAsync();
        Consecutor<byte[]> entrance = isChained ? first : last;
        await Task.WhenAll(Enumerable.Range(0, Durable.Senders).Select(sender =>
            Task.Run(() => Durable.SendOneByOneAsync(entrance, count * sender / Durable.Senders, count * (sender + 1) / Durable.Senders))));
        await first.WaitForIdleAsync();
        ConsecutorSnapshot books = await last.WaitForIdleAsync();
        await first.StopAsync();
        await last.StopAsync();
        return books.Completed == count ? sum : double.NaN;
    }
}
