using System.Buffers.Binary;
using System.Globalization;
using Sluice.Diagnostics;
using Sluice.Sqlite;

namespace Sluice.Bench;

/// <summary>
/// The items of <see cref="Durable"/> with a balance for each of 10,000 accounts, compared with the same items without state. The result is read
/// from the store when the consecutor is gone: it is the state after a crash.
/// </summary>
internal static class Stateful
{
    private const int Keys = 10_000;

    private static readonly string[] Accounts = [.. Enumerable.Range(0, Keys)
        .Select(static i => string.Create(CultureInfo.InvariantCulture, $"account-{i}"))];

    public static Scenario Scenario { get; } = new("stateful",
        $"{Durable.ItemBytes} bytes an item: a balance for each of {Keys:N0} keys, exact after a crash, against durable without; "
            + $"power-safe SQLite",
    [
        new Comparison("stateful", 500_000, 60_000, Numbers.ExpectedSum,
        [
            Variant.OfTask(Variant.Ours, KeyedAsync),
            Variant.OfTask("durable", PlainAsync),
        ]) { WarmCount = 40_000 },
    ])
    { Finish = BytesWritten.Print };

    private static async Task<double> KeyedAsync(long count)
    {
        using var directory = new Scratch();
        using var written = BytesWritten.Measure("stateful sluice", count);
        await using SqliteStreamStore store = await SqliteStreamStore.OpenAsync(directory.File, Durability.Power);
        await using (Consecutor<byte[]> consecutor = Make(store))
        {
            await consecutor.StartAsync();
            await SendAsync(consecutor, count);
            await consecutor.WaitForIdleAsync();
            await consecutor.StopAsync();
        }
        await using Consecutor<byte[]> reader = Make(store);
        decimal sum = 0;
        await foreach (KeyValuePair<string, decimal> balance in reader.ListStateAsync<decimal>("balance")) sum += balance.Value;
        return (double)sum;
    }

    private static async Task<double> PlainAsync(long count)
    {
        using var directory = new Scratch();
        using var written = BytesWritten.Measure("stateful durable", count);
        await using SqliteStreamStore store = await SqliteStreamStore.OpenAsync(directory.File, Durability.Power);
        long sum = 0;
        await using Consecutor<byte[]> consecutor = Durable.Make(store, number => sum += number);
        await consecutor.StartAsync();
        await SendAsync(consecutor, count);
        ConsecutorSnapshot books = await consecutor.WaitForIdleAsync();
        await consecutor.StopAsync();
        return books.Completed == count ? sum : double.NaN;
    }

    private static Task SendAsync(Consecutor<byte[]> consecutor, long count)
        => Task.WhenAll(Enumerable.Range(0, Durable.Senders).Select(sender =>
        Task.Run(() => Durable.SendOneByOneAsync(consecutor, count * sender / Durable.Senders, count * (sender + 1) / Durable.Senders))));

    private static Consecutor<byte[]> Make(SqliteStreamStore store)
        => new("stateful", source => source | Durable.Whole | StageNode.Of(static () => new Balance()) | Stage.Named("balance")
        | (static _ => { }),
            new() { Store = store, Delivery = DeliveryGuarantee.Replay(3) })
        { Key = static item => Accounts[NumberOf(item) % Keys] };

    private static long NumberOf(byte[] item) => BinaryPrimitives.ReadInt64LittleEndian(item);

    private sealed class Balance : StatefulStageNode<byte[], decimal, decimal>
    {
        protected override ValueTask ProcessAsync(byte[] item, Output<decimal> output, CancellationToken cancellation)
        {
            State += NumberOf(item);
            return output.PushAsync(State);
        }
    }
}
