using System.Collections.Concurrent;
using System.Diagnostics;
using Sluice.PostgreSql;
using Sluice.PostgreSql.Tests;
using Sluice.Redis;
using Sluice.Redis.Tests;

namespace Sluice.Dashboard.Tests.Load;

/// <summary>A dashboard over a server that is killed and started again.</summary>
public sealed class ServerTests
{
    [Fact]
    public async Task PagesSayThatARedisServerIsGoneAndRecoverWhenItIsBack()
    {
        await using RedisServer server = await RedisServer.StartAsync("--appendfsync", "always", "--requirepass", "secret");
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync($"{server.Address},password=secret");
        await RecoversAsync(store, server.KillAsync, server.StartAgainAsync);
    }

    [Long("the same with Redis")]
    [Fact]
    public async Task PagesSayThatAPostgreSqlServerIsGoneAndRecoverWhenItIsBack()
    {
        await using PostgresServer server = await PostgresServer.StartAsync();
        await using PostgresStreamStore store = await PostgresStreamStore.OpenAsync(server.Address,
            new() { Timeout = TimeSpan.FromSeconds(1) });
        await IsDrainedAsync(store, server.Address);
        await RecoversAsync(store, server.KillAsync, server.StartAgainAsync);
    }

    // Two processes, as far as the store can tell: the dashboard and the consecutor have connections of their own.
    private static async Task IsDrainedAsync(IStreamStore store, string address)
    {
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        await using PostgresStreamStore other = await PostgresStreamStore.OpenAsync(address, new());
        TaskCompletionSource isInside = new(), mayEnd = new();
        var seen = new ConcurrentQueue<int>();
        await using var bills = new Consecutor<int>("bills", source => source.ForEachAsync(async (int item, ItemContext _,
            CancellationToken _) =>
        {
            isInside.TrySetResult();
            await mayEnd.Task;
            seen.Enqueue(item);
        }), new() { Store = other, InstanceId = "biller" });
        await bills.StartAsync(cancellation);
        await bills.SendAsync(1, cancellation);
        await isInside.Task.WaitAsync(cancellation);
        await using DashboardProgram program = await DashboardProgram.StartAsync(new()
        {
            Stores = new Dictionary<string, IStreamStore> { ["main"] = store },
            RefreshInterval = TimeSpan.FromMilliseconds(100),
        });
        using Viewer viewer = program.NewViewer();
        Assert.Equal(HttpStatusCode.SeeOther, (await viewer.PostAsync("/consecutors/bills/drain", "/consecutors/bills")).Status);
        await UntilAsync(viewer, "/consecutors/bills", "1 of 64 partitions is not released yet, with at most 1 item in flight.");
        await bills.SendAsync(2, cancellation);
        mayEnd.SetResult();
        await UntilAsync(viewer, "/consecutors/bills",
            "no process has a partition. Its processes can be stopped. 1 item stays in the store.");
        Assert.Equal([1], seen);
        Assert.Equal(HttpStatusCode.SeeOther, (await viewer.PostAsync("/consecutors/bills/resume", "/consecutors/bills")).Status);
        Assert.Equal(2, (await bills.WaitForIdleAsync(cancellation)).Completed);
        Assert.Equal([1, 2], seen);
    }

    private static async Task RecoversAsync(IStreamStore store, Func<Task> kill, Func<Task> startAgain)
    {
        await new Letters(store).AddAsync("one", "two");
        await using DashboardProgram program = await DashboardProgram.StartAsync(new()
        {
            Stores = new Dictionary<string, IStreamStore> { ["main"] = store },
            RefreshInterval = TimeSpan.FromMilliseconds(100),
        }, isSilent: true);
        using Viewer viewer = program.NewViewer();
        await UntilAsync("", "Answers.");
        await kill();                                    // and nobody looks meanwhile
        await startAgain();
        await UntilAsync("/consecutors/orders/dead", "2 dead letters.");

        string letters = "";
        for (int round = 0; round < 2; round++)
        {
            await kill();
            string gone = await UntilAsync("", "verdict failing");
            Assert.Contains("orders", gone, StringComparison.Ordinal);              // what was seen last stays
            foreach (string path in (string[])["/consecutors/orders/dead", "/consecutors/orders/state", "/flows", "/audit"])
            {
                Answer answer = await viewer.GetAsync(path);
                Assert.Equal((path, HttpStatusCode.ServiceUnavailable), (path, answer.Status));
                Assert.Contains("class=\"failing\"", answer.Text, StringComparison.Ordinal);
                Assert.DoesNotContain("secret", gone + answer.Text, StringComparison.OrdinalIgnoreCase);     // of the connection string
            }
            await startAgain();
            await UntilAsync("", "Answers.");
            letters = await UntilAsync("/consecutors/orders/dead", "2 dead letters.");
        }
        Answer done = await viewer.PostRawAsync("/consecutors/orders/discard",
            [("number", "1"), ("form-token", Viewer.TokenOf(letters)!)]);
        Assert.Equal(HttpStatusCode.SeeOther, done.Status);

        Task<string> UntilAsync(string page, string awaited) => ServerTests.UntilAsync(viewer, page, awaited);
    }

    // Asks after each drawing of another page, which stays open.
    private static async Task<string> UntilAsync(Viewer viewer, string page, string awaited)
    {
        using EventStream events = await EventStream.OpenAsync(viewer, "");
        string text = "";
        for (long begun = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(begun) < TimeSpan.FromMinutes(2);)
        {
            if ((text = (await viewer.GetAsync(page)).Text).Contains(awaited, StringComparison.Ordinal)) return text;
            await events.ReadAsync();
        }
        throw new TimeoutException($"For two minutes, '{page}' had no '{awaited}': {text}");
    }
}
