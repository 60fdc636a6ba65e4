using System.Diagnostics;
using Sluice.Redis;
using Sluice.Redis.Tests;

namespace Sluice.Dashboard.Tests.Load;

/// <summary>A dashboard over a Redis server that is killed and started again.</summary>
public sealed class RedisTests
{
    [Fact]
    public async Task PagesSayThatTheServerIsGoneAndRecoverWhenItIsBack()
    {
        await using RedisServer server = await RedisServer.StartAsync("--appendfsync", "always");
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(server.Address);
        await new Letters(store).AddAsync("one", "two");
        await using DashboardProgram program = await DashboardProgram.StartAsync(new()
        {
            Stores = new Dictionary<string, IStreamStore> { ["main"] = store },
            RefreshInterval = TimeSpan.FromMilliseconds(100),
        });
        using Viewer viewer = program.NewViewer();
        await UntilAsync("", "Answers.");
        await server.KillAsync();                                    // and nobody looks meanwhile
        await server.StartAgainAsync();
        await UntilAsync("/consecutors/orders/dead", "2 dead letters.");

        for (int round = 0; round < 2; round++)
        {
            await server.KillAsync();
            string gone = await UntilAsync("", "verdict failing");
            Assert.Contains("orders", gone, StringComparison.Ordinal);              // what was seen last stays
            foreach (string page in (string[])["/consecutors/orders/dead", "/consecutors/orders/state", "/flows", "/audit"])
            {
                Answer answer = await viewer.GetAsync(page);
                Assert.Equal((page, HttpStatusCode.ServiceUnavailable), (page, answer.Status));
                Assert.Contains("class=\"failing\"", answer.Text, StringComparison.Ordinal);
            }
            await server.StartAgainAsync();
            await UntilAsync("", "Answers.");
            await UntilAsync("/consecutors/orders/dead", "2 dead letters.");
        }
        Answer done = await viewer.PostAsync("/consecutors/orders/discard", "/consecutors/orders/dead", ("number", "1"));
        Assert.Equal(HttpStatusCode.SeeOther, done.Status);

        // Asks after each drawing of an open page, which goes on. Between the calls nobody looks.
        async Task<string> UntilAsync(string page, string awaited)
        {
            using EventStream events = await EventStream.OpenAsync(viewer, "");
            string text = "";
            for (long begun = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(begun) < TimeSpan.FromSeconds(30);)
            {
                if ((text = (await viewer.GetAsync(page)).Text).Contains(awaited, StringComparison.Ordinal)) return text;
                await events.ReadAsync();
            }
            throw new TimeoutException($"For half a minute, '{page}' had no '{awaited}': {text}");
        }
    }
}
