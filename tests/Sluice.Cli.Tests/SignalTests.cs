using System.Text;
using Sluice.Samples.Tests;
using Sluice.Sqlite;
using Sluice.Sqlite.Tests;
using Sluice.Storage;

namespace Sluice.Cli.Tests;

/// <summary>Signals, readers that end, and full disks end a command as the manual says.</summary>
public sealed class SignalTests : CliTestBase
{
    private const string Store = "sqlite:orders.db";

    [Theory]
    [InlineData("INT", 130)]
    [InlineData("TERM", 143)]
    [InlineData("HUP", 129)]
    public async Task ASignalEndsACommandThatWaits(string signal, int exitCode)
    {
        await using SqliteStreamStore store = await OpenAsync();
        // The command waits for a heartbeat, and none comes within the hour.
        await using Consecutor<string> orders = Orders(store, TimeSpan.FromHours(4));
        await orders.StartAsync(Cancellation);
        await orders.SendAsync("1", Cancellation);
        await orders.WaitForIdleAsync(Cancellation);
        using SampleProcess process = Start("members", Store);
        await WaitForStoreAsync(process);
        await process.SignalAsync(signal);
        Ended ended = await process.EndAsync();
        Assert.Equal((exitCode, "", ""), (ended.ExitCode, ended.Output, ended.Errors));
    }

    /// <summary>Nobody can send a second signal where the terminal was closed.</summary>
    [Long("waits for half a minute")]
    [Fact]
    public async Task ACommandThatHangsEndsSomeTimeAfterItsTerminal()
    {
        string programs = Path.Combine(SampleProcess.DirectoryOf("Sluice.Programs"), "Sluice.Programs.dll");
        using SampleProcess process = Start("graph", programs, "--member", "Sluice.Programs.GraphMembers.Hangs");
        await process.ReadErrorAsync("it hangs");
        await process.SignalAsync("HUP");
        Assert.Equal(129, (await process.EndAsync()).ExitCode);
    }

    [Theory]
    [InlineData("INT")]
    [InlineData("TERM")]
    public async Task FollowingEndsWellWithASignal(string signal)
    {
        await using SqliteStreamStore store = await OpenAsync();
        await AppendAsync(store, "first", 1);
        using SampleProcess process = Start("show", Store, "prices", "--follow", "--json");
        await process.ReadUntilAsync(static line => line.Contains("first", StringComparison.Ordinal));
        await process.SignalAsync(signal);
        (await process.EndAsync()).Succeeded();
    }

    // Nothing is appended after the first line: the command notices the end of its reader all the same.
    [Fact]
    public async Task FollowingEndsWithTheProgramThatReadsTheOutput()
    {
        await using SqliteStreamStore store = await OpenAsync();
        await AppendAsync(store, "first", 1);
        string command = SampleProcess.CommandLine("Sluice.Cli", ["show", Store, "prices", "--follow", "--json"]);
        using SampleProcess shell = SampleProcess.StartProgram(Folder, "bash", "-c", $"{command} | head -1; echo ${{PIPESTATUS[0]}}");
        string[] lines = (await shell.EndAsync()).Succeeded().Output.TrimEnd('\n').Split('\n');
        Assert.Contains("first", lines[0], StringComparison.Ordinal);
        Assert.Equal("141", lines[1]);
    }

    /// <summary>A socket as the standard output, as Node.js gives it to its children.</summary>
    [Fact]
    public async Task FollowingEndsWithTheReaderOfASocket()
    {
        await using SqliteStreamStore store = await OpenAsync();
        await AppendAsync(store, "first", 1);
        await File.WriteAllTextAsync(Path.Combine(Folder, "reader.py"), """
            import socket, subprocess, sys
            ours, its = socket.socketpair()
            child = subprocess.Popen(["sh", "-c", "exec " + sys.argv[1]], stdout=its)
            its.close()
            print(ours.makefile().readline(), end="")
            ours.shutdown(socket.SHUT_RDWR)
            print(child.wait())
            """, Cancellation);
        using SampleProcess process = SampleProcess.StartProgram(Folder, "python3", "reader.py",
            SampleProcess.CommandLine("Sluice.Cli", ["show", Store, "prices", "--follow", "--json"]));
        string[] lines = (await process.EndAsync()).Succeeded().Output.TrimEnd('\n').Split('\n');
        Assert.Contains("first", lines[0], StringComparison.Ordinal);
        Assert.Equal("141", lines[1]);
    }

    [Fact]
    public async Task OutputThatCannotBeWrittenIsOneLine()
    {
        await using SqliteStreamStore store = await OpenAsync();
        await AppendAsync(store, "first", 1);
        using SampleProcess shell = SampleProcess.StartProgram(Folder, "sh", "-c",
            $"{SampleProcess.CommandLine("Sluice.Cli", ["streams", Store])} >/dev/full");
        Assert.Contains("No space left on device", (await shell.EndAsync()).OneErrorLine(1, "sluice"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ACopyOntoAFullDiskLeavesNoFile()
    {
        using Mount? mount = Mount.Try(Path.Combine(Folder, "small"), "size=256k");
        Assert.SkipWhen(mount is null, "This user may not mount a file system.");
        await using SqliteStreamStore store = await OpenAsync();
        await AppendAsync(store, new string('x', 600_000), 1);
        string line = await MistakeAsync(3, "backup", Store, "small/copy.db");
        Assert.Contains("database or disk is full. There is no new file.", line, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(mount.Path));
    }

    private Task<SqliteStreamStore> OpenAsync() => SqliteStreamStore.OpenAsync(StorePath, Durability.Process).AsTask();

    private static async Task AppendAsync(SqliteStreamStore store, string text, long number)
    {
        await store.OpenStreamAsync("prices", null, Cancellation);
        using var batch = new EntryBatch();
        batch.Add(Encoding.UTF8.GetBytes(text), EntryKey.Of("a"));
        await store.AppendAsync(new("prices", "sender", 0, number, batch), Cancellation);
    }
}
