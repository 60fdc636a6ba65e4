using System.Diagnostics;
using Sluice.Redis.Tests;
using Sluice.Samples.Tests;
using Sluice.Sqlite;

namespace Sluice.Cli.Tests;

/// <summary>The commands on a terminal, which the program script gives them.</summary>
public sealed class TerminalTests : CliTestBase
{
    private const string Red = "\e[31m", Bold = "\e[1m";

    [Theory]
    [InlineData("", true)]
    [InlineData("NO_COLOR=1", false)]
    public async Task ColorsAreForTerminalsThatWantThem(string environment, bool hasColor)
    {
        await using SqliteStreamStore store = await SqliteStreamStore.OpenAsync(StorePath, Durability.Process, null, Cancellation);
        await FillAsync(store, "twelve");
        using SampleProcess process = StartOnTerminal(environment, "streams", "sqlite:orders.db");
        Ended ended = (await process.EndAsync()).Succeeded();
        Assert.Contains("orders", ended.Output, StringComparison.Ordinal);
        Assert.Equal(hasColor, ended.Output.Contains(Bold, StringComparison.Ordinal));
        Assert.DoesNotContain(Red, ended.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task TopGoesOnUntilCtrlC()
    {
        await using SqliteStreamStore store = await SqliteStreamStore.OpenAsync(StorePath, Durability.Process, null, Cancellation);
        await FillAsync(store, "1");
        using SampleProcess process = StartOnTerminal("", "top", "sqlite:orders.db", "--interval", "0.5");
        string pid = (await process.ReadUntilAsync(line => line.StartsWith("pid ", StringComparison.Ordinal)))[4..].Trim();
        await process.ReadUntilAsync(line => line.Contains("orders ", StringComparison.Ordinal));
        await FillAsync(store, "twelve");
        await process.ReadUntilAsync(line => line.Contains("has dead letters", StringComparison.Ordinal));
        using (Process interrupt = Process.Start("kill", ["-INT", pid])) await interrupt.WaitForExitAsync(Cancellation);
        (await process.EndAsync()).Succeeded();
    }

    [Fact]
    public async Task ATerminalShowsThatTheServerDoesNotAnswerYet()
    {
        await using RedisServer server = await RedisServer.StartAsync("--appendfsync", "always");
        await server.KillAsync();
        using SampleProcess process = StartOnTerminal("", "streams", $"redis:{server.Address}");
        await process.ReadUntilAsync(line => line.Contains($"sluice: No Redis server answers at {server.Address} yet; trying for 10 s.",
            StringComparison.Ordinal));
        await server.StartAgainAsync();
        string output = (await process.EndAsync()).Succeeded().Output;
        Assert.Contains($"sluice: The Redis server at {server.Address} answers now, after ", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AScriptGetsOneLineOfAServerThatIsAway()
    {
        await using RedisServer server = await RedisServer.StartAsync();
        await server.KillAsync();
        Assert.Contains($"No Redis server answers at {server.Address}: is it running",
            (await RunAsync("streams", $"redis:{server.Address}")).OneErrorLine(3, "sluice"), StringComparison.Ordinal);
    }

    // --return: the exit code is that of the command.
    private SampleProcess StartOnTerminal(string environment, params string[] arguments)
        => SampleProcess.StartProgram(Folder, "script", "--quiet", "--flush", "--return", "--command",
            $"echo pid $$; exec env -u NO_COLOR TERM=xterm {environment} {SampleProcess.CommandLine("Sluice.Cli", arguments)}", "/dev/null");
}
