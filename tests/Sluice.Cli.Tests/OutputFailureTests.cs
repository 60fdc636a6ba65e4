using System.Text.Json;
using Sluice.Samples.Tests;
using Sluice.Sqlite;
using Sluice.Storage;

namespace Sluice.Cli.Tests;

/// <summary>Output that cannot be written, long lists, and times that are none.</summary>
public sealed class OutputFailureTests : CliTestBase
{
    private const string Store = "sqlite:orders.db";

    [Theory]
    [InlineData("streams sqlite:missing.db", 3)]
    [InlineData("streams", 2)]
    [InlineData("show sqlite:orders.db nothing", 1)]
    public async Task AFailureThatCannotBeToldHasItsExitCode(string command, int exitCode)
    {
        await (await OpenAsync()).DisposeAsync();
        foreach (string errors in (string[])["2>&-", "2>/dev/full"])
            Assert.Equal((errors, exitCode), (errors, (await InShellAsync(command, errors)).ExitCode));
    }

    [Theory]
    [InlineData("--help")]
    [InlineData("--version")]
    [InlineData("schema")]
    [InlineData("schema --json")]
    [InlineData("completion bash")]
    [InlineData("completion bash --json")]
    public async Task OutputOfACommandWithoutAStoreThatCannotBeWrittenIsOneLine(string command)
        => Assert.StartsWith("sluice: The output cannot be written: No space left on device",
            (await InShellAsync(command, ">/dev/full")).OneErrorLine(1, "sluice"), StringComparison.Ordinal);

    /// <summary>The command ends well, whether the write or the signal comes first, and however often the signal comes.</summary>
    [Fact]
    public async Task TopEndsWithItsTerminal()
    {
        await using (SqliteStreamStore store = await OpenAsync()) await FillAsync(store, "1");
        string command = SampleProcess.CommandLine("Sluice.Cli", ["top", Store, "--interval", "0.5"]);
        // The shell lives on when its terminal is closed, passes the signal on, as shells of users do, and tells the exit code. Signals
        // that come together are one, so it sends many. A wait that a signal has ended says more than 128 and is repeated; no other is,
        // since a shell forgets the exit code that it has told.
        await File.WriteAllTextAsync(Path.Combine(Folder, "run.sh"), $"""
            trap 'for i in $(seq 9999); do kill -HUP $pid; done' HUP
            TERM=xterm {command} &
            pid=$!
            code=129
            while [ $code -gt 128 ]; do wait $pid; code=$?; done
            echo $code >code

            """, Cancellation);
        using (SampleProcess pipe = SampleProcess.StartProgram(Folder, "mkfifo", "code")) (await pipe.EndAsync()).Succeeded();
        using SampleProcess code = SampleProcess.StartProgram(Folder, "cat", "code");
        using SampleProcess terminal = SampleProcess.StartProgram(Folder, "script", "--quiet", "--flush", "--command", "sh run.sh",
            "/dev/null");
        await terminal.ReadUntilAsync(static line => line.Contains("orders ", StringComparison.Ordinal));
        terminal.Kill();
        Assert.Equal("0", (await code.EndAsync()).Output.Trim());
    }

    [Fact]
    public async Task JsonHasAllStreams()
    {
        await using (SqliteStreamStore store = await OpenAsync())
            await Task.WhenAll(Enumerable.Range(0, 1001).Select(number
                => store.OpenStreamAsync($"s{number:0000}", new() { Partitions = 1 }, Cancellation).AsTask()));
        Assert.Equal(1001, (await RunJsonAsync("streams", Store)).GetArrayLength());
        Assert.Equal(500, (await RunJsonAsync("streams", Store, "--after", "s0500")).GetArrayLength());
        Assert.EndsWith("The first 1,000; more with --after 's0999'.\n", (await RunAsync("streams", Store)).Succeeded().Output,
            StringComparison.Ordinal);
        string rest = (await RunAsync("streams", Store, "--after", "s0000")).Succeeded().Output;
        Assert.DoesNotContain("more with", rest, StringComparison.Ordinal);
        Assert.Equal(1001, rest.TrimEnd('\n').Split('\n').Length);
    }

    [Theory]
    [InlineData("1.5")]
    [InlineData("2/3")]
    [InlineData("14:00")]
    [InlineData("10am")]
    [InlineData("-Infinitym")]
    [InlineData("NaNd")]
    [InlineData("-1h")]
    public async Task ATimeThatMayBeAMistakeIsOne(string time)
    {
        await using (SqliteStreamStore store = await OpenAsync()) await FillAsync(store, "twelve");
        Assert.StartsWith("sluice: --since is 30m, 2h, 7d, or a time such as",
            await MistakeAsync(2, "discard", Store, "orders", $"--since={time}"), StringComparison.Ordinal);
        Assert.Single((await RunJsonAsync("dead", Store)).EnumerateArray());
    }

    [Theory]
    [InlineData("2020-01-02", 1)]
    [InlineData("2020-01-02T03:04Z", 1)]
    [InlineData("2020-01-02T03:04:05", 1)]
    [InlineData("2020-01-02T03:04:05.678+01:00", 1)]
    [InlineData("2020-01-02 03:04:05.678Z", 1)]
    [InlineData("2100-01-02T03:04Z", 0)]
    [InlineData("1.5h", 1)]
    public async Task ATimeIsIso8601(string time, int letters)
    {
        await using (SqliteStreamStore store = await OpenAsync()) await FillAsync(store, "twelve");
        Assert.Equal(letters, (await RunJsonAsync("dead", Store, "--since", time)).GetArrayLength());
    }

    /// <summary>The library that measures texts throws at this letter.</summary>
    [Theory]
    [InlineData("streams")]
    [InlineData("dead")]
    [InlineData("top")]
    [InlineData("show")]
    public async Task ALetterWithoutAWidthIsShownAsAnEscape(string command)
    {
        await using (SqliteStreamStore store = await OpenAsync())
        {
            await using var odd = new Consecutor<string>("odd\uffff", source => source | Fail, new()
            {
                Store = store,
                Delivery = DeliveryGuarantee.Replay(0, Backoff.None),
                OnWarning = static _ => { },
            });
            await odd.StartAsync(Cancellation);
            await odd.SendAsync("1", Cancellation);
            await odd.WaitForIdleAsync(Cancellation);
        }
        string[] arguments = command == "show" ? [command, Store, "odd\uffff"] : [command, Store];
        Assert.Contains("odd\\uffff", (await RunAsync(arguments)).Succeeded().Output, StringComparison.Ordinal);

        static void Fail(string text) => throw new FormatException("no \uffff, please");
    }

    private Task<SqliteStreamStore> OpenAsync() => SqliteStreamStore.OpenAsync(StorePath, Durability.Process).AsTask();

    private async Task<Ended> InShellAsync(string command, string redirection)
    {
        using SampleProcess shell = SampleProcess.StartProgram(Folder, "sh", "-c",
            $"{SampleProcess.CommandLine("Sluice.Cli", command.Split(' '))} {redirection}");
        return await shell.EndAsync();
    }
}
