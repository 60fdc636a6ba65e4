using Sluice.Samples.Tests;
using Sluice.Sqlite;

namespace Sluice.Cli.Tests;

/// <summary>The command in a shell: the pager on a terminal, and the completion of each shell.</summary>
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
        Assert.Equal(completed, await CompleteInBashAsync(line, """{"stores": {"shop": "sqlite:orders.db"}}"""));
    }

    /// <summary>The names of stores come from a file that lies in a folder, as that of a cloned repository: nothing of it is
    /// executed.</summary>
    [Fact]
    public async Task ANameOfAStoreIsNotExecutedByBash()
    {
        string completed = await CompleteInBashAsync("sluice streams ", """
            {"stores": {"$(touch executed)": "sqlite:orders.db", "`touch executed`": "sqlite:orders.db", "shop": "sqlite:orders.db"}}
            """);
        Assert.Contains(@"\$\(touch\ executed\)", completed, StringComparison.Ordinal);
        Assert.Contains("shop", completed, StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(Folder, "executed")));
    }

    private async Task<string> CompleteInBashAsync(string line, string stores)
    {
        await File.WriteAllTextAsync(Path.Combine(Folder, "sluice.json"), stores, Cancellation);
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
        return (await bash.EndAsync()).Succeeded().Output.TrimEnd('\n');
    }

    // The keys of a person: the tab key completes, and the command runs.
    [Fact]
    public async Task TheTabKeyCompletesInAnInteractiveBash()
    {
        await CreateStoreAsync();
        WriteCommand();
        await TypeAsync("bash --norc --noprofile -i", "source <(sluice completion bash)");
    }

    [Theory]
    [InlineData("source <(sluice completion zsh)")]
    [InlineData("mkdir functions; sluice completion zsh > functions/_sluice; fpath=($PWD/functions $fpath)")]
    public async Task TheTabKeyCompletesInAnInteractiveZsh(string setUp)
    {
        RequireShell("zsh");
        await CreateStoreAsync();
        WriteCommand();
        const string Compinit = "autoload -Uz compinit; compinit -D -u";
        bool isSourced = setUp.StartsWith("source", StringComparison.Ordinal);
        await TypeAsync("zsh -f -i", isSourced ? $"{Compinit}; {setUp}" : $"{setUp}; {Compinit}");
    }

    private async Task TypeAsync(string shell, string setUp)
    {
        string keys = $@"PATH=$PWD:$PATH; export PAGER=cat; {setUp}\nsluice str\tsqlite:orders.db --pre\tstream-04; exit\n";
        using SampleProcess process = SampleProcess.StartProgram(Folder, "sh", "-c",
            $"{{ printf '{keys}'; tail -f /dev/null; }} | script --quiet --flush --return --command 'TERM=dumb {shell}' /dev/null");
        await process.ReadUntilAsync(static line => line.StartsWith("stream-049", StringComparison.Ordinal));
    }

    private static readonly (string Typed, string Completed)[] Lines =
    [
        ("sluice str", "streams"), ("sluice streams --pre", "--prefix"), ("sluice streams sh", "shop"), ("sluice completion f", "fish"),
        ("cd /tmp; sluice completion zs", "zsh"),
    ];

    private static string Completed => string.Join('\n', Lines.Select(static line => line.Completed));

    [Fact]
    public async Task FishCompletesTheCommandLine()
    {
        await File.WriteAllTextAsync(Path.Combine(Folder, "sluice.json"), """{"stores": {"shop": "sqlite:orders.db"}}""", Cancellation);
        WriteCommand();
        RequireShell("fish");
        using SampleProcess fish = SampleProcess.StartProgram(Folder, "fish", "--private", "--no-config", "-c",
            $"set PATH $PWD $PATH; sluice completion fish | source; "
            + string.Join("; ", Lines.Select(static line => $"complete -C '{line.Typed}'")));
        Assert.Equal(Completed, (await fish.EndAsync()).Succeeded().Output.TrimEnd('\n'));
    }

    [Fact]
    public async Task PowerShellCompletesTheCommandLine()
    {
        RequireShell("pwsh");
        await File.WriteAllTextAsync(Path.Combine(Folder, "sluice.json"), """{"stores": {"shop": "sqlite:orders.db"}}""", Cancellation);
        WriteCommand();
        await File.WriteAllTextAsync(Path.Combine(Folder, "complete.ps1"), "$env:PATH = \"${PWD}:$env:PATH\"\n"
            + "Invoke-Expression (sluice completion powershell | Out-String)\n"
            + string.Concat(Lines.Select(static line => "[System.Management.Automation.CommandCompletion]::CompleteInput("
                + $"'{line.Typed}', {line.Typed.Length}, $null).CompletionMatches.CompletionText\n")), Cancellation);
        using SampleProcess power = SampleProcess.StartProgram(Folder, "pwsh", "-NoProfile", "complete.ps1");
        Assert.Equal(Completed, (await power.EndAsync()).Succeeded().Output.TrimEnd('\n'));
    }

    [Fact]
    public async Task EachShellHasAScript()
    {
        foreach (string shell in (string[])["bash", "zsh", "fish", "powershell"])
            Assert.Contains("[suggest:", (await RunAsync("completion", shell)).Succeeded().Output, StringComparison.Ordinal);
        Assert.Contains("not 'tcsh'", await MistakeAsync(2, "completion", "tcsh"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task TheTablesOfAPostgreSqlStoreArePrintedAsSql()
    {
        string sql = (await RunAsync("schema", "--sql")).Succeeded().Output;
        Assert.StartsWith(
            "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;\nDO $$ BEGIN IF to_regclass('\"sluice\".meta') IS NOT NULL", sql,
            StringComparison.Ordinal);
        Assert.Contains("END $$;\nCREATE SCHEMA IF NOT EXISTS \"sluice\";\n", sql, StringComparison.Ordinal);
        Assert.EndsWith("COMMIT;\n", sql, StringComparison.Ordinal);
        Assert.DoesNotContain("GRANT", sql, StringComparison.Ordinal);
        Assert.Contains("GRANT USAGE ON SCHEMA \"shop\" TO \"the \"\"app\"\"\";\n",
            (await RunAsync("schema", "shop", "--user", "the \"app\"")).Succeeded().Output, StringComparison.Ordinal);
        Assert.Contains("small letters", await MistakeAsync(2, "schema", "Shop; DROP"), StringComparison.Ordinal);
        string store = await MistakeAsync(2, "schema", "postgres:Host=h;Database=d;Username=u;Password=secret");
        Assert.Contains("schema takes the name of a schema, such as sluice, and not a store", store, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", store, StringComparison.Ordinal);
        Assert.Contains("--user takes", await MistakeAsync(2, "schema", "--user", " "), StringComparison.Ordinal);
    }

    // ./test installs them, PowerShell only where NuGet has it: dotnet tool install --global PowerShell.
    private static void RequireShell(string shell)
        => Assert.SkipUnless(Environment.GetEnvironmentVariable("PATH")!.Split(':').Any(folder => File.Exists(Path.Combine(folder, shell))),
            $"{shell} is not on PATH, so its completion was not tried. ./test installs it.");

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
