using System.Text.Json;
using Sluice.PostgreSql;
using Sluice.PostgreSql.Tests;
using Sluice.Samples.Tests;

namespace Sluice.Cli.Tests;

/// <summary>The commands over a PostgreSQL server, which this process uses at the same time, and which goes away.</summary>
public sealed class PostgresCommandTests : CliTestBase
{
    [Fact]
    public async Task LettersAreRedrivenWhileTheConsecutorRunsAndNoErrorShowsThePassword()
    {
        await using PostgresServer server = await PostgresServer.StartAsync();
        await File.WriteAllTextAsync(Path.Combine(Folder, "sluice.json"), JsonSerializer.Serialize(
            new { stores = new { shop = $"postgres:{server.Address};Schema=shop", other = $"postgres:{server.Address};Schema=other" } }),
            Cancellation);
        await using (var store = await PostgresStreamStore.OpenAsync(server.Address, new() { Schema = "shop" }, Cancellation))
        {
            await using Consecutor<string> orders = Orders(store);
            await orders.StartAsync(Cancellation);
            foreach (string item in (string[])["12", "twelve", "ten"]) await orders.SendAsync(item, Cancellation);
            await orders.WaitForIdleAsync(Cancellation);
            Assert.Equal(2, (await RunJsonAsync("dead", "shop")).GetArrayLength());
            Assert.Equal("1 letter redriven\n", (await RunAsync("redrive", "shop", "orders", "--error", "'ten'")).Succeeded().Output);
            // The consecutor may not know yet what another process has redriven; the item dies again.
            while ((await store.ListDeadAsync(new("orders", "orders"), null, 0, 10, Cancellation)).Count < 2) await Task.Yield();
            await orders.WaitForIdleAsync(Cancellation);
            Assert.Equal("2 letters discarded\n", (await RunAsync("discard", "shop", "orders", "--all")).Succeeded().Output);
            (await RunAsync("pause", "shop", "orders")).Succeeded();
            await orders.SendAsync("13", Cancellation);
            Assert.Contains("paused", (await RunAsync("top", "shop", "--interval", "0.5", "--json")).Succeeded().Output,
                StringComparison.Ordinal);
            (await RunAsync("resume", "shop", "orders")).Succeeded();
            await orders.WaitForIdleAsync(Cancellation);
            Assert.EndsWith("no damage\n", (await RunAsync("check", "shop")).Succeeded().Output, StringComparison.Ordinal);
        }
        Assert.Contains("There is no store at ", await MistakeAsync(3, "streams", "other"), StringComparison.Ordinal);
        await server.StopAsync();
        string away = await MistakeAsync(3, "streams", "shop");
        Assert.Contains($"No PostgreSQL server answers at 127.0.0.1:{server.Port}", away, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", away, StringComparison.Ordinal);
    }
}
