using System.Diagnostics;
using System.Globalization;
using Sluice.Redis;
using Sluice.Storage;

namespace Sluice.Bench;

/// <summary>
/// One consecutor on several processes over a Redis server: items in a second, and the processor time of the server for an item. The items
/// are in the store, and the members own their partitions, before the clock starts.
/// </summary>
/// <remarks>The members, the server and this program share the machine: the figures tell what more members cost, not how far they
/// scale.</remarks>
internal static class Members
{
    /// <summary>The first argument of a member; the other is the address of the server.</summary>
    public const string MemberOption = "--member";

    private const int Many = 400_000, Few = 100_000;
    private const int Partitions = 64;
    private const int BatchSize = 1024;
    private static readonly int[] Sizes = [1, 2, 4, 8];
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5), Look = TimeSpan.FromMilliseconds(20);

    public static Scenario Scenario { get; } = new("members",
        $"one consecutor on {string.Join(", ", Sizes)} processes, items of {Durable.ItemBytes} bytes on Redis: items in a second, and the "
            + "server's processor time for an item", [])
    { MeasureAsync = MeasureAsync, Finish = BenchServer.Stop };

    /// <summary>A member: answers each line with the number of items that it has completed, until its input ends.</summary>
    public static async Task ServeAsync(string address)
    {
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(address, new() { Prefix = "members" });
        await using Consecutor<byte[]> consecutor = Make(store);
        await consecutor.StartAsync();
        Console.WriteLine("ready");
        while (await Console.In.ReadLineAsync() is not null)
            Console.WriteLine(consecutor.Snapshot().Completed.ToString(CultureInfo.InvariantCulture));
        await consecutor.StopAsync();
    }

    private static async Task<IReadOnlyList<Result>> MeasureAsync(bool quick)
    {
        List<Measurement> speeds = [], costs = [];
        foreach (int size in Sizes)
        {
            BenchServer.Stop();                      // the memory of one server must not count for the next
            (double speed, double cost) = await RunAsync(size, quick ? Few : Many);
            string name = string.Create(CultureInfo.InvariantCulture, $"{size}");
            speeds.Add(new(name));
            costs.Add(new(name));
            speeds[^1].Add(speed, double.NaN);
            costs[^1].Add(cost, double.NaN);
        }
        return [new("members", speeds) { Unit = "items/s" }, new("members-server", costs)];
    }

    private static async Task<(double Speed, double ServerTime)> RunAsync(int size, int count)
    {
        string address = (await BenchServer.GetAsync()).Address;
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(address, new() { Prefix = "members" });
        await using Consecutor<byte[]> sender = Make(store);
        await sender.PauseAsync();
        List<ReaderProcess> members = [];
        try
        {
            for (int i = 0; i < size; i++) members.Add(await ReaderProcess.StartAsync(MemberOption, address));
            for (int from = 0; from < count; from += BatchSize)
                await sender.SendAllAsync(Enumerable.Range(from, Math.Min(BatchSize, count - from)).Select(static i => Durable.Item(i)));
            await BalancedAsync(store, size);

            double before = await ServerNanosecondsAsync();
            long started = Stopwatch.GetTimestamp();
            await sender.ResumeAsync();
            for (double completed = 0; completed < count;)
            {
                if (Stopwatch.GetElapsedTime(started) > Patience) throw new TimeoutException($"{completed} of {count} items are through.");
                await Task.Delay(Look);
                foreach (ReaderProcess member in members) await member.BeginAsync("");
                completed = 0;
                foreach (ReaderProcess member in members) completed += await member.AnswerAsync();
                if (completed > count) throw new WrongResultException($"members: {completed} items completed of {count}");
            }
            double seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
            return (count / seconds, (await ServerNanosecondsAsync() - before) / count);
        }
        finally
        {
            foreach (ReaderProcess member in members) member.Dispose();
        }
    }

    // All partitions have owners, of which no one has more than its share.
    private static async Task BalancedAsync(RedisStreamStore store, int size)
    {
        long started = Stopwatch.GetTimestamp();
        while (true)
        {
            GroupInfo? group = await store.FindGroupAsync(new("members", "members"));
            var shares = group!.Partitions.Where(static one => one.Owner is not null).GroupBy(static one => one.Owner).ToList();
            if (shares.Count == size && shares.Sum(static share => share.Count()) == Partitions
                && shares.All(share => share.Count() <= Partitions / size)) return;
            if (Stopwatch.GetElapsedTime(started) > Patience) throw new TimeoutException("The members do not share partitions evenly.");
            await Task.Delay(Look);
        }
    }

    private static async Task<double> ServerNanosecondsAsync()
        => (await BenchServer.InfoAsync("used_cpu_user") + await BenchServer.InfoAsync("used_cpu_sys")) * 1e9;

    private static Consecutor<byte[]> Make(RedisStreamStore store)
        => new("members", source => source | Durable.Whole | (static _ => { }), new()
        {
            Store = store,
            Delivery = DeliveryGuarantee.Replay(3),
            Stream = new() { Partitions = Partitions, MaxItems = long.MaxValue, MaxBytes = long.MaxValue },
            OnWarning = static _ => { },             // that it is paused: it is meant
        });
}
