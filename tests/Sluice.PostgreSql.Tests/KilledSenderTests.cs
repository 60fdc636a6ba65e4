using System.Diagnostics;

namespace Sluice.PostgreSql.Tests;

/// <summary>A process that has sent in its transaction is killed, before its commit or after it.</summary>
public sealed class KilledSenderTests(SharedServer server)
{
    private readonly string schema = SharedServer.NewSchema();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("commits")]
    [InlineData("waits")]
    public async Task ItemsAreAcceptedIfAndOnlyIfTheProcessHasCommitted(string then)
    {
        string name = $"sender {schema}";
        using (Process process = Process.Start(new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "Sluice.Programs"),
            ["postgres", "send", $"{server.Address};Application Name={name}", schema, then])
        { RedirectStandardOutput = true })!)
        {
            try
            {
                Assert.Equal("sent", await process.StandardOutput.ReadLineAsync(Cancellation));
            }
            finally
            {
                process.Kill();
                await process.WaitForExitAsync(CancellationToken.None);
            }
        }
        await ByHand.UntilAsync(server.Server, $"SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name = '{name}'");

        await using PostgresStreamStore store = await PostgresStreamStore.OpenAsync(server.Address, new() { Schema = schema },
            Cancellation);
        List<string> seen = [];
        await using var orders = new Consecutor<string>("orders", source => source | seen.Add,
            new() { Store = store, Process = new(), Stream = new() { Partitions = 1 } });
        await orders.SendAsync("3", Cancellation);
        await orders.StartAsync(Cancellation);
        await orders.WaitForIdleAsync(Cancellation);
        Assert.Equal(then == "commits" ? ["1", "2", "3"] : ["3"], seen);
        Assert.Equal(0L, await server.Server.AskAsync($"SELECT count(*) FROM {schema}.intake"));
    }
}
