using Sluice.Flows;
using StackExchange.Redis;

namespace Sluice.Redis.Tests;

/// <summary>Data that was changed on the server is reported as damage, not as a server that does not answer.</summary>
public class DamagedFlowTests(SharedServer server)
{
    private static readonly Processor Copies = new("copies") { Inputs = ["x"], Outputs = ["y"] };
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public Task AChangedEntryFailsTheRun() => FailAsync("x/0/1 is damaged: it does not match its checksum", bytes =>
    {
        bytes[^1] ^= 1;
        return bytes;
    });

    [Fact]
    public Task AnOverwrittenEntryFailsTheRun() => FailAsync("is damaged", bytes => [7, 7, 7]);

    [Fact]
    public Task ADeletedEntryFailsTheRun() => FailAsync("x/0/1 is not in the store although it should be", change: null);

    [Fact]
    public async Task AChangedWorkOrderFailsItsRunOnly()
    {
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(server.Address,
            Patient.Options with { Prefix = SharedServer.NewPrefix() }, Cancellation);
        await using var service = Supervisor.Attach(store);
        await using FlowRun run = await service.StartAsync(Flow.From(Copies).Resolve(), [IOVal.Of("x", "hello")],
            cancellation: Cancellation);
        await ChangeAsync(store, "work%2Fcopies", bytes =>
        {
            bytes[^1] ^= 1;
            return bytes;
        });
        await using FlowRun other = await service.StartAsync(Flow.From(Copies).Resolve(), [IOVal.Of("x", "hello")],
            cancellation: Cancellation);
        service.Register(Copies, async (IO<string> x, CancellationToken cancellation) => await x.FirstAsync(cancellation));

        await other.Completion.WaitAsync(Patience, Cancellation);
        var failure = await Assert.ThrowsAsync<FlowException>(() => run.Completion.WaitAsync(Patience, Cancellation));
        Assert.Contains("has failed: the processor copies has: Its work order cannot be read: work/copies/", failure.Message,
            StringComparison.Ordinal);
        Assert.Contains("is damaged: it does not match its checksum", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ARunWithADamagedJournalIsLeftOutOfTheList()
    {
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(server.Address,
            Patient.Options with { Prefix = SharedServer.NewPrefix() }, Cancellation);
        var warnings = new System.Collections.Concurrent.ConcurrentQueue<string>();
        await using var service = Supervisor.Attach(store, new() { OnWarning = warnings.Enqueue });
        await using (await service.StartAsync(Flow.From(Copies).Resolve(), [IOVal.Of("x", 1)], run: "sound", cancellation: Cancellation))
        { }
        await using (await service.StartAsync(Flow.From(Copies).Resolve(), [IOVal.Of("x", 1)], run: "spoilt", cancellation: Cancellation))
        { }
        await ChangeAsync(store, "flow%2Fspoilt", bytes =>
        {
            bytes[^1] ^= 1;
            return bytes;
        });

        Assert.Equal(["sound"], await service.ListAsync(Cancellation).Select(run => run.Run).ToListAsync(Cancellation));
        Assert.Contains(warnings, warning => warning.StartsWith("The run spoilt is left out: ", StringComparison.Ordinal));
    }

    private async Task FailAsync(string why, Func<byte[], byte[]>? change)
    {
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(server.Address,
            Patient.Options with { Prefix = SharedServer.NewPrefix() }, Cancellation);
        await using var service = Supervisor.Attach(store);
        await using FlowRun run = await service.StartAsync(Flow.From(Copies).Resolve(), [IOVal.Of("x", "hello")],
            cancellation: Cancellation);
        await ChangeAsync(store, $"flow-io%2F{run.Id}%2Fx", change);
        service.Register(Copies, async (IO<string> x, CancellationToken cancellation) => await x.FirstAsync(cancellation));

        var failure = await Assert.ThrowsAsync<FlowException>(() => run.Completion.WaitAsync(Patience, Cancellation));
        Assert.Contains($"has failed: the processor copies has: The stream x cannot be read any further: ", failure.Message,
            StringComparison.Ordinal);
        Assert.Contains(why, failure.Message, StringComparison.Ordinal);
        Assert.Equal("copies", failure.Processor);
    }

    // Redis cannot change stream entries in place, so they are written again with the same ids.
    private static async Task ChangeAsync(RedisStreamStore store, string stream, Func<byte[], byte[]>? change)
    {
        IDatabase database = store.Connection.Database;
        string pattern = ((string)store.Connection.Meta!).Replace("meta", $"*{stream}*", StringComparison.Ordinal);
        int changed = 0;
        foreach (RedisResult found in (RedisResult[])(await database.ExecuteAsync("KEYS", pattern))!)
        {
            string key = (string)found!;
            if ((string)(await database.ExecuteAsync("TYPE", key))! != "stream") continue;
            var entries = (RedisResult[])(await database.ExecuteAsync("XRANGE", key, "-", "+"))!;
            await database.ExecuteAsync("DEL", key);
            changed++;
            if (change is null) continue;
            foreach (RedisResult entry in entries)
            {
                var parts = (RedisResult[])entry!;
                var fields = (RedisResult[])parts[1]!;
                await database.ExecuteAsync("XADD", [key, (string)parts[0]!,
                    .. fields.SelectMany((field, i) => new object[] { i % 2 == 1 && ((byte[])field!).Length > 16 ? change((byte[])field!)
                        : (byte[])field! })]);
            }
        }
        Assert.Equal(1, changed);
    }
}
