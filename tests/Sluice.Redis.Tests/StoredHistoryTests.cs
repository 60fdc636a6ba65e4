using Sluice.Storage;
using Sluice.Tests.Delivery;
using StackExchange.Redis;

namespace Sluice.Redis.Tests;

/// <summary>Consecutors and flows continue from dumps that earlier versions have written.</summary>
/// <remarks>
/// <c>SLUICE_WRITE_STORES=DIRECTORY</c> writes such a dump with this version. Never rewrite an existing dump: users have stores of that
/// version.
/// </remarks>
public class StoredHistoryTests
{
    private static readonly string[] Settings = ["--appendonly", "no", "--dbfilename", "dump.rdb"];

    [Theory]
    [InlineData("2026-11-23")]
    public async Task ADumpOfAnEarlierVersionIsContinued(string written)
    {
        await using RedisServer server = await RedisServer.StartAsync(Settings);
        await server.KillAsync();
        File.Copy(Path.Combine(AppContext.BaseDirectory, "Stores", $"{written}.rdb"), Path.Combine(server.Data, "dump.rdb"),
            overwrite: true);
        await server.StartAgainAsync();
        await using IStreamStore store = await ConnectAsync(server);
        await StoredHistory.GoOnAsync(store);
    }

    [Fact]
    public async Task ADumpOfThisVersionIsContinued()
    {
        await using RedisServer server = await RedisServer.StartAsync(Settings);
        await using (IStreamStore store = await ConnectAsync(server)) await StoredHistory.BeginAsync(store);
        using (ConnectionMultiplexer connection = await ConnectionMultiplexer.ConnectAsync(server.Admin))
            await connection.GetDatabase().ExecuteAsync("SAVE");
        await server.KillAsync();
        if (Environment.GetEnvironmentVariable("SLUICE_WRITE_STORES") is { Length: > 0 } target)
            File.Copy(Path.Combine(server.Data, "dump.rdb"), Path.Combine(target, $"{DateTime.UtcNow:yyyy-MM-dd}.rdb"));
        await server.StartAgainAsync();
        await using IStreamStore again = await ConnectAsync(server);
        await StoredHistory.GoOnAsync(again);
    }

    private static async Task<IStreamStore> ConnectAsync(RedisServer server)
        => await RedisStreamStore.ConnectAsync(server.Address, Patient.Options with { Prefix = "history" });
}
