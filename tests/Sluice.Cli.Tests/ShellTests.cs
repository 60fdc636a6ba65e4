using Sluice.Samples.Tests;
using Sluice.Sqlite;

namespace Sluice.Cli.Tests;

/// <summary>The command in a shell: the pager on a terminal, and the completion of bash.</summary>
public sealed class ShellTests : CliTestBase
{
    private const string Store = "sqlite:orders.db";

    private async Task CreateStoreAsync()
    {
        await using SqliteStreamStore store = await SqliteStreamStore.OpenAsync(StorePath, Durability.Process, null, Cancellation);
        for (int i = 0; i < 100; i++) await store.OpenStreamAsync($"stream-{i:000}", new() { Partitions = 1 }, Cancellation);
    }

    [Theory]
    [InlineData("SLUICE_PAGER='cat >paged.txt'", "streams " + Store, true)]
    [InlineData("PAGER='cat >paged.txt'", "streams " + Store, true)]
    [InlineData("SLUICE_PAGER=cat PAGER='cat >paged.txt'", "streams " + Store, false)]
    [InlineData("PAGER='cat >paged.txt'", "streams --no-pager " + Store, false)]
    [InlineData("PAGER='cat >paged.txt'", "streams --json " + Store, false)]
    [InlineData("PAGER='cat >paged.txt' TERM=dumb", "streams " + Store, false)]
    [InlineData("PAGER='cat >paged.txt'", "streams " + Store + " | cat", false)]
    public async Task ATerminalHasAPager(string environment, string command, bool isPaged)
    {
        await CreateStoreAsync();
        Ended ended = (await RunOnTerminalAsync(environment, command)).Succeeded();
        string file = Path.Combine(Folder, "paged.txt");
        Assert.Equal(isPaged, File.Exists(file));
        if (isPaged) Assert.Contains("stream-099", await File.ReadAllTextAsync(file, Cancellation), StringComparison.Ordinal);
        Assert.Equal(!isPaged, ended.Output.Contains("stream-099", StringComparison.Ordinal));
    }

    [Fact]
    public async Task APagerThatIsLeftEarlyIsNoFailure()
    {
        await CreateStoreAsync();
        Ended ended = (await RunOnTerminalAsync("PAGER='head -n 2'", "streams " + Store)).Succeeded();
        Assert.Contains("stream-000", ended.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("stream-001", ended.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task APagerThatDoesNotExistIsNamed()
    {
        await CreateStoreAsync();
        Ended ended = await RunOnTerminalAsync("PAGER=no-such-pager", "streams " + Store);
        Assert.Equal(2, ended.ExitCode);
        Assert.Contains("sluice: The pager 'no-such-pager'", ended.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AFailureNeedsNoPager()
    {
        Ended ended = await RunOnTerminalAsync("PAGER='cat >paged.txt'", "streams sqlite:missing.db");
        Assert.Equal(3, ended.ExitCode);
        Assert.False(File.Exists(Path.Combine(Folder, "paged.txt")));
    }

    [Theory]
    [InlineData("sluice str", "streams")]
    [InlineData("sluice streams --pre", "--prefix")]
    [InlineData("sluice flow shop run --format s", "svg")]
    [InlineData("sluice streams sh", "shop")]
    [InlineData("sluice completion f", "fish")]
    [InlineData("sluice nothing-like-this", "")]
    public async Task BashCompletesTheCommandLine(string line, string completed)
    {
        await File.WriteAllTextAsync(Path.Combine(Folder, "sluice.json"), """{"stores": {"shop": "sqlite:orders.db"}}""", Cancellation);
        WriteCommand();
        string words = string.Join(' ', line.Split(' ').Select(static word => $"'{word}'"));
        string script = $$"""
            set -e
            PATH="$PWD:$PATH"
            source <(sluice completion bash)
            complete -p sluice >/dev/null
            COMP_LINE='{{line}}' COMP_POINT={{line.Length}} COMP_WORDS=({{words}}) COMP_CWORD=$(({{line.Split(' ').Length}} - 1))
            _sluice
            printf '%s\n' "${COMPREPLY[@]}"
            """;
        using SampleProcess bash = SampleProcess.StartProgram(Folder, "bash", "-c", script);
        Assert.Equal(completed, (await bash.EndAsync()).Succeeded().Output.TrimEnd('\n'));
    }

    // The keys of a person: the tab key completes, and the command runs.
    [Fact]
    public async Task TheTabKeyCompletesInAnInteractiveBash()
    {
        await CreateStoreAsync();
        WriteCommand();
        const string Keys = @"PATH=$PWD:$PATH; source <(sluice completion bash)\nexport PAGER=cat\n"
            + @"sluice str\tsqlite:orders.db --pre\tstream-04; exit\n";
        using SampleProcess bash = SampleProcess.StartProgram(Folder, "sh", "-c",
            $"{{ printf '{Keys}'; tail -f /dev/null; }} | script --quiet --flush --return --command "
            + "'TERM=dumb bash --norc --noprofile -i' /dev/null");
        await bash.ReadUntilAsync(static line => line.StartsWith("stream-049", StringComparison.Ordinal));
    }

    [Fact]
    public async Task EachShellHasAScript()
    {
        foreach (string shell in (string[])["bash", "zsh", "fish", "powershell"])
            Assert.Contains("[suggest:", (await RunAsync("completion", shell)).Succeeded().Output, StringComparison.Ordinal);
        Assert.Contains("not 'tcsh'", await MistakeAsync(2, "completion", "tcsh"), StringComparison.Ordinal);
    }

    // The command under its name, as an installed tool has it.
    private void WriteCommand()
    {
        string path = Path.Combine(Folder, "sluice");
        File.WriteAllText(path, $"#!/bin/sh\nexec {SampleProcess.CommandLine("Sluice.Cli", [])} \"$@\"\n");
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    private async Task<Ended> RunOnTerminalAsync(string environment, string command)
    {
        using SampleProcess process = SampleProcess.StartProgram(Folder, "script", "--quiet", "--flush", "--return", "--command",
            $"env -u PAGER -u SLUICE_PAGER -u LESS TERM=xterm {environment} {SampleProcess.CommandLine("Sluice.Cli", [])} {command}",
            "/dev/null");
        return await process.EndAsync();
    }
}
