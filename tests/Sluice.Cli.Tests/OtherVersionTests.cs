using Sluice.Redis;
using Sluice.Redis.Tests;
using Sluice.Samples.Tests;
using Sluice.Sqlite;
using SQLitePCL;

namespace Sluice.Cli.Tests;

/// <summary>Stores that another version of Sluice has written: each command says so in one line, and leaves the store as it is.</summary>
public sealed class OtherVersionTests : CliTestBase
{
    private static readonly Dictionary<string, string> Commands = new()
    {
        ["streams"] = "STORE",
        ["show"] = "STORE orders",
        ["dead"] = "STORE",
        ["dead show"] = "STORE orders 1",
        ["redrive"] = "STORE orders --all",
        ["discard"] = "STORE orders 1",
        ["pause"] = "STORE orders",
        ["drain"] = "STORE orders",
        ["resume"] = "STORE orders",
        ["members"] = "STORE",
        ["flows"] = "STORE",
        ["flow"] = "STORE run-1",
        ["top"] = "STORE",
        ["dashboard"] = "STORE --port 0",
        ["check"] = "STORE",
        ["backup"] = "STORE copy.db",
        ["graph"] = "STORE",
        ["bench"] = "STORE --scratch",
    };

    [Theory]
    [InlineData(99, "has the schema version 99, this version of Sluice knows those up to 7")]
    [InlineData(5, "has the schema version 5, and must be upgraded to 7 before it can be read")]
    public async Task AFileOfAnotherVersionIsLeftAsItIs(int version, string part)
    {
        await using (SqliteStreamStore store = await SqliteStreamStore.OpenAsync(StorePath, Durability.Process, null, Cancellation))
            await FillAsync(store, "one");
        Execute($"UPDATE sluice_meta SET version = {version}");
        byte[] before = await File.ReadAllBytesAsync(StorePath, Cancellation);
        await EachSaysAsync("sqlite:orders.db", part, command => command != "backup" || version == 99);
        Assert.False(File.Exists(Path.Combine(Folder, "copy.db")));
        if (version < 99) (await RunAsync("backup", "sqlite:orders.db", "copy.db")).Succeeded();      // before it is upgraded
        Assert.Equal(before, await File.ReadAllBytesAsync(StorePath, Cancellation));
    }

    [Theory]
    [InlineData(99, "a newer")]
    [InlineData(3, "an older")]
    public async Task AServerWithAStoreOfAnotherVersionIsLeftAsItIs(int form, string part)
    {
        await using RedisServer server = await RedisServer.StartAsync("--enable-debug-command", "yes");
        await using (RedisStreamStore store = await RedisStreamStore.ConnectAsync(server.Address, null, Cancellation))
            await FillAsync(store, "one");
        await AskAsync(server, "hset", "{sluice}:meta", "form", $"{form}");
        string before = await AskAsync(server, "debug", "digest");
        await EachSaysAsync($"redis:{server.Address}", $"was written by {part} version of Sluice", static command => command != "backup");
        Assert.Equal(before, await AskAsync(server, "debug", "digest"));
    }

    private async Task EachSaysAsync(string store, string part, Func<string, bool> isMeant)
    {
        CommandTree.AssertIsComplete(Commands.Keys, static one => one.HasStore);
        foreach ((string command, string arguments) in Commands.Where(one => isMeant(one.Key)))
        {
            string[] words = [.. command.Split(' '), .. arguments.Replace("STORE", store, StringComparison.Ordinal).Split(' ')];
            Assert.Contains(part, await MistakeAsync(3, words), StringComparison.Ordinal);
        }
    }

    private static async Task<string> AskAsync(RedisServer server, params string[] command)
    {
        using SampleProcess asked = SampleProcess.StartProgram(Path.GetTempPath(), "redis-cli", ["-p", $"{server.Port}", .. command]);
        return (await asked.EndAsync()).Succeeded().Output;
    }
}
