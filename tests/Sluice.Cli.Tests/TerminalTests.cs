using System.Diagnostics;
using System.Text.RegularExpressions;
using Sluice.Redis.Tests;
using Sluice.Samples.Tests;
using Sluice.Sqlite;

namespace Sluice.Cli.Tests;

/// <summary>The commands on a terminal, which the program script gives them.</summary>
public sealed partial class TerminalTests : CliTestBase
{
    private const string Red = "\e[31m", Bold = "\e[1m";

    [Theory]
    [InlineData("", true)]
    [InlineData("NO_COLOR=1", false)]
    [InlineData("TERM=dumb", false)]
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

    /// <summary>As in a container without a shell.</summary>
    [Fact]
    public async Task ATerminalWithoutAShellGetsTheOutputWithoutAPager()
    {
        await using SqliteStreamStore store = await SqliteStreamStore.OpenAsync(StorePath, Durability.Process, null, Cancellation);
        await FillAsync(store, "1");
        const string DirectoryOfDotnet = "$(dirname $(readlink -f $(command -v dotnet)))";
        using SampleProcess process = StartOnTerminal($"PATH={DirectoryOfDotnet}", "streams", "sqlite:orders.db");
        Assert.Contains("orders", (await process.EndAsync()).Succeeded().Output, StringComparison.Ordinal);
    }

    /// <summary>In a pager, Ctrl+C is a key like others.</summary>
    [Fact]
    public async Task CtrlCLeavesThePagerAlone()
    {
        await using SqliteStreamStore store = await SqliteStreamStore.OpenAsync(StorePath, Durability.Process, null, Cancellation);
        await FillAsync(store, "1");
        using SampleProcess process = StartOnTerminal("SLUICE_PAGER='trap \"\" HUP; echo pager $$; exec sleep 1000'",
            "streams", "sqlite:orders.db");
        string pid = (await process.ReadUntilAsync(line => line.StartsWith("pid ", StringComparison.Ordinal)))[4..].Trim();
        string pager = (await process.ReadUntilAsync(line => line.Contains("pager ", StringComparison.Ordinal))).Split("pager ")[1].Trim();
        for (int key = 0; key < 3; key++) await KillAsync("-INT", pid);
        // Nothing tells when the command has seen a key. So the pager lives on, and another signal ends the command; the first one may
        // overtake the keys, and cancels it only. The end of the terminal's first process hangs up, which the pager ignores.
        while (Directory.Exists($"/proc/{pid}")) await KillAsync("-TERM", pid);
        string state = await File.ReadAllTextAsync($"/proc/{pager}/stat", Cancellation);         // there is none if it was reaped
        Assert.NotEqual('Z', state[state.LastIndexOf(')') + 2]);
        await KillAsync("-KILL", pager);
        Assert.Equal(143, (await process.EndAsync()).ExitCode);

        static async Task KillAsync(string signal, string pid)
        {
            using Process kill = Process.Start("kill", [signal, pid]);
            await kill.WaitForExitAsync(Cancellation);
        }
    }

    [Fact]
    public async Task APagerThatCannotBeExecutedIsNamed()
    {
        await using SqliteStreamStore store = await SqliteStreamStore.OpenAsync(StorePath, Durability.Process, null, Cancellation);
        await FillAsync(store, "1");
        using SampleProcess process = StartOnTerminal("SLUICE_PAGER=/etc", "streams", "sqlite:orders.db");
        Ended ended = await process.EndAsync();
        Assert.Equal(2, ended.ExitCode);
        Assert.Contains("The pager '/etc' (SLUICE_PAGER or PAGER) cannot be executed", ended.Output, StringComparison.Ordinal);
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

    /// <summary>The name of the first row counts them: a low terminal shows no others, and a narrow one no notes.</summary>
    [Theory]
    [InlineData(200, "50 streams are damaged")]
    [InlineData(20, "50")]
    public async Task TopCountsDamagedStreamsInItsFirstRow(int columns, string counted)
    {
        await using (SqliteStreamStore store = await SqliteStreamStore.OpenAsync(StorePath, Durability.Process, null, Cancellation))
        {
            await FillAsync(store, "1");
            for (int number = 1; number <= 50; number++) await store.OpenStreamAsync($"prices{number}", null, Cancellation);
        }
        Execute("UPDATE sluice_stream SET max_items = max_items - 1 WHERE name LIKE 'prices%'");
        using SampleProcess process = StartOnTerminal("", columns, "top", "sqlite:orders.db", "--interval", "0.5");
        string pid = (await process.ReadUntilAsync(line => line.StartsWith("pid ", StringComparison.Ordinal)))[4..].Trim();
        await process.ReadUntilAsync(line => line.Contains("orders ", StringComparison.Ordinal));
        using (Process interrupt = Process.Start("kill", ["-INT", pid])) await interrupt.WaitForExitAsync(Cancellation);
        string output = (await process.EndAsync()).Succeeded().Output;
        output = output[(output.IndexOf('\n', StringComparison.Ordinal) + 1)..];         // the process id may have the number, too
        int first = output.IndexOf(counted, StringComparison.Ordinal);
        Assert.InRange(first, 0, output.IndexOf("orders ", StringComparison.Ordinal));
        Assert.Contains("damaged", output, StringComparison.Ordinal);
        Assert.DoesNotContain("prices", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ATerminalShowsThatTheServerDoesNotAnswerYet()
    {
        await using RedisServer server = await RedisServer.StartAsync();
        await (await Redis.RedisStreamStore.ConnectAsync(server.Address, cancellation: Cancellation)).DisposeAsync();
        await server.PauseAsync();              // it goes on at once, however busy the machine is; a start may take longer than 10 s
        using SampleProcess process = StartOnTerminal("", "streams", $"redis:{server.Address}");
        string notice = $"sluice: The Redis server at {server.Address} is not connected yet; trying for 10 s.";
        await process.ReadUntilAsync(line => line.Contains(notice, StringComparison.Ordinal));
        await server.ResumeAsync();
        string output = (await process.EndAsync()).Succeeded().Output;
        Assert.Contains($"sluice: The Redis server at {server.Address} is connected now, after ", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AScriptGetsOneLineOfAServerThatIsAway()
    {
        await using RedisServer server = await RedisServer.StartAsync();
        await server.KillAsync();
        Assert.Contains($"No Redis server answers at {server.Address}: is it running",
            (await RunAsync("streams", $"redis:{server.Address}")).OneErrorLine(3, "sluice"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(40, "BACKLOG")]
    [InlineData(20, "BACKLOG")]
    [InlineData(80, "OWNERS")]
    [InlineData(200, "OWNERS")]
    public async Task TopFitsIntoItsTerminal(int columns, string header)
    {
        await using SqliteStreamStore store = await SqliteStreamStore.OpenAsync(StorePath, Durability.Process, null, Cancellation);
        await FillAsync(store, "1", "2");
        using SampleProcess process = StartOnTerminal("", columns, "top", "sqlite:orders.db", "--interval", "0.5");
        string pid = (await process.ReadUntilAsync(line => line.StartsWith("pid ", StringComparison.Ordinal)))[4..].Trim();
        await process.ReadUntilAsync(line => line.Contains(header, StringComparison.Ordinal));
        await process.ReadUntilAsync(line => line.Contains("orders ", StringComparison.Ordinal));
        using (Process interrupt = Process.Start("kill", ["-INT", pid])) await interrupt.WaitForExitAsync(Cancellation);
        string output = (await process.EndAsync()).Succeeded().Output;
        Assert.All(Escape().Replace(output, "").Split('\n').Where(static line => !line.StartsWith("pid ", StringComparison.Ordinal)),
            line => Assert.True(line.TrimEnd('\r').Length <= columns, line));
    }

    [Theory]
    [InlineData(">/dev/full", "sluice: The output cannot be written: No space left on device")]
    [InlineData("1</dev/null", "sluice: The output cannot be written: ")]
    public async Task AnOutputThatCannotBeWrittenIsOneLine(string output, string line)
    {
        await using SqliteStreamStore store = await SqliteStreamStore.OpenAsync(StorePath, Durability.Process, null, Cancellation);
        await FillAsync(store, "1");
        using SampleProcess process = SampleProcess.StartProgram(Folder, "bash", "-c",
            $"exec {SampleProcess.CommandLine("Sluice.Cli", ["streams", "sqlite:orders.db"])} {output}");
        Assert.StartsWith(line, (await process.EndAsync()).OneErrorLine(1, "sluice"), StringComparison.Ordinal);
    }

    [GeneratedRegex("\\e\\[[0-9;?]*[a-zA-Z]|\\e=")]
    private static partial Regex Escape();

    private SampleProcess StartOnTerminal(string environment, params string[] arguments)
        => StartOnTerminal(environment, 200, arguments);

    // script --return ends with the exit code of the command that it runs.
    private SampleProcess StartOnTerminal(string environment, int columns, params string[] arguments)
        => SampleProcess.StartProgram(Folder, "script", "--quiet", "--flush", "--return", "--command",
            $"echo pid $$; stty cols {columns} rows 30; exec env -u NO_COLOR TERM=xterm {environment} "
                + SampleProcess.CommandLine("Sluice.Cli", arguments), "/dev/null");
}
