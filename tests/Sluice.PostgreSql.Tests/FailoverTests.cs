using System.Text;
using System.Text.Json;
using Npgsql;
using Sluice.Flows;
using Sluice.Storage;

namespace Sluice.PostgreSql.Tests;

/// <summary>A standby that lags becomes the primary: what it never got is lost, and the store says so.</summary>
public sealed class FailoverTests
{
    private static readonly GroupId Main = new("orders", "main");
    private static readonly string[] Replicating = ["wal_level=replica", "max_wal_senders=4"];

    [Fact]
    public async Task EntriesThatALaggingStandbyNeverGotAreNoticedAsLost()
    {
        await using PostgresServer primary = await PostgresServer.StartAsync(Replicating);
        int port = FreePort.Next();
        await using PostgresStreamStore store = await OpenAsync(primary, port);
        await store.OpenStreamAsync("orders", new() { Partitions = 1 });
        await store.AddGroupAsync(Main);
        await AppendAsync(1, "a");
        await using PostgresServer standby = await StartLaggingAsync(primary, port);

        await AppendAsync(2, "b");
        await AppendAsync(3, "c");
        Ownership owner = (await store.AcquireAsync(Main, 0, new("m"))).Ownership;
        await primary.KillAsync();
        await standby.AskAsync("SELECT pg_promote()");

        ReadResult read = await store.ReadAsync(new("orders", 0, 1));
        Assert.Equal(["a"], read.Entries.ToArray().Select(static entry => Encoding.UTF8.GetString(entry.Payload.Span)));
        Assert.Equal((AppendStatus.Gap, 1L), (await AppendAsync(4, "d")) is var gap ? (gap.Status, gap.Last) : default);
        await Assert.ThrowsAsync<StoreRolledBackException>(async () => await store.ReadAsync(new("orders", 0, 4)));
        var lost = await Assert.ThrowsAsync<StoreRolledBackException>(
            async () => await store.CommitAsync(new(owner, 1) { Settled = [new(1, 1)] }));
        Assert.Contains("it has lost writes", lost.Message, StringComparison.Ordinal);
        Assert.Equal(2, await store.RaiseGenerationAsync(1));
        Assert.Equal(AppendStatus.Accepted, (await AppendAsync(2, "b again")).Status);

        async Task<AppendResult> AppendAsync(long number, string text)
        {
            using var batch = new EntryBatch();
            batch.Add(Encoding.UTF8.GetBytes(text));
            return await store.AppendAsync(new("orders", "p", 0, number, batch));
        }
    }

    /// <summary>What a consecutor on the store says and does: nothing that the standby has is lost or done twice.</summary>
    [Fact]
    public async Task AConsecutorNamesTheLossAndGoesOnWithWhatTheStandbyHas()
    {
        await using PostgresServer primary = await PostgresServer.StartAsync(Replicating);
        int port = FreePort.Next();
        await using PostgresStreamStore store = await OpenAsync(primary, port);
        System.Collections.Concurrent.ConcurrentQueue<string> seen = new(), warnings = new();
        await using Consecutor<string> orders = new("orders", source => source | seen.Enqueue,
            new()
            {
                Store = store,
                Stream = new() { Partitions = 1 },
                OnWarning = warnings.Enqueue,
                LeaseDuration = TimeSpan.FromSeconds(2)
            });
        await orders.StartAsync();
        await orders.SendAsync("a");
        await orders.WaitForIdleAsync();
        await using PostgresServer standby = await StartLaggingAsync(primary, port);
        await orders.SendAsync("lost");
        await orders.WaitForIdleAsync();

        await primary.KillAsync();
        await standby.AskAsync("SELECT pg_promote()");
        while (!warnings.Any(static one => one.Contains("has lost", StringComparison.Ordinal)))
        {
            try
            {
                await orders.SendAsync("while it is noticed");
            }
            catch (SluiceException)
            {
                // the send is refused until the loss is noticed
            }
            await Task.Yield();
        }
        string loss = warnings.First(static one => one.Contains("has lost", StringComparison.Ordinal));
        Assert.Contains("a server took over that did not have all of it", loss, StringComparison.Ordinal);
        Assert.Contains(". The consecutor goes on with what the store has.", loss, StringComparison.Ordinal);
        await orders.SendAsync("after");
        while (!seen.Contains("after")) await Task.Yield();
        Assert.Equal(1, seen.Count(static one => one == "a"));
        Assert.Equal(1, seen.Count(static one => one == "lost"));
    }

    /// <summary>A processor without outputs that has committed items the standby never got: its next commit is ahead of the standby's.
    /// </summary>
    [Fact]
    public async Task AProcessorWithoutOutputsGoesOnWithWhatTheStandbyHas()
    {
        const int Known = 20, Lost = 40, All = 60;
        await using PostgresServer primary = await PostgresServer.StartAsync(Replicating);
        int port = FreePort.Next();
        await using PostgresStreamStore store = await OpenAsync(primary, port);
        System.Collections.Concurrent.ConcurrentQueue<string> warnings = new();
        await using var service = Supervisor.Attach(store, new() { Name = "service", OnWarning = warnings.Enqueue });
        var send = new Processor("send") { Inputs = ["x"], Resume = ResumeMode.PerItem };
        Dictionary<int, TaskCompletionSource> reached = new() { [Known] = new(), [Lost] = new() },
            gates = new() { [Known] = new(), [Lost] = new() };
        service.Register(send, async (IO<int> x, CancellationToken cancellation) =>
        {
            await foreach (int value in x.StreamAsync(cancellation))
            {
                if (!gates.TryGetValue(value, out TaskCompletionSource? gate)) continue;
                reached[value].TrySetResult();
                await gate.Task.WaitAsync(cancellation);
            }
        });
        await using FlowRun run = await service.StartAsync(Flow.From(send).Resolve(),
            Enumerable.Range(1, All).Select(static n => IOVal.Of("x", n)), run: "run");
        await reached[Known].Task;
        await using PostgresServer standby = await StartLaggingAsync(primary, port);
        gates[Known].SetResult();
        await reached[Lost].Task;
        while (await PassedAsync() < Lost) await Task.Yield();       // a timer commits what is before the item in progress

        await primary.KillAsync();
        await standby.AskAsync("SELECT pg_promote()");
        gates[Lost].SetResult();
        await run.Completion.WaitAsync(TimeSpan.FromMinutes(2));
        Assert.Contains(warnings, static text => text.StartsWith("The store has lost writes of the run run; the processor send goes on "
            + "from what is left: It has refused a commit", StringComparison.Ordinal));

        async Task<long> PassedAsync()
        {
            GroupId hosts = new("work/send", "hosts");
            for (int part = 0; part < 16; part++)
                foreach (StateRow row in await store.ReadStateAsync(hosts, part, "work", ["run"]))
                    return JsonDocument.Parse(row.Value!.Value).RootElement.GetProperty("Inputs").TryGetProperty("x", out JsonElement x)
                        ? x.GetInt64() : 0;
            return 0;
        }
    }

    /// <summary>Opens the store of a server, or of the standby at a port that takes its place.</summary>
    private static async Task<PostgresStreamStore> OpenAsync(PostgresServer primary, int standby)
        => await PostgresStreamStore.OpenAsync(new NpgsqlConnectionStringBuilder(primary.Address)
        { Host = $"127.0.0.1:{primary.Port},127.0.0.1:{standby}" }.ConnectionString, new() { Timeout = TimeSpan.FromMinutes(1) });

    /// <summary>Starts a standby with everything so far, which gets nothing more.</summary>
    private static async Task<PostgresServer> StartLaggingAsync(PostgresServer primary, int port)
    {
        PostgresServer standby = await primary.StartStandbyAsync(Replicating, port);
        await standby.AskAsync("ALTER SYSTEM SET primary_conninfo = ''");
        await standby.AskAsync("SELECT pg_reload_conf()");
        await ByHand.UntilAsync(primary, "SELECT count(*) = 0 FROM pg_stat_replication");
        return standby;
    }
}
