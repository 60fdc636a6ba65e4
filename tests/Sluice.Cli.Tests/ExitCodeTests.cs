using System.Text.RegularExpressions;
using Sluice.Samples.Tests;
using Sluice.Sqlite;

namespace Sluice.Cli.Tests;

/// <summary>The exit codes are those of the manual. Scripts depend on them.</summary>
public sealed partial class ExitCodeTests : CliTestBase
{
    private static readonly Dictionary<string, int> Codes = new()
    {
        ["--help"] = 0,
        ["--version"] = 0,
        ["streams sqlite:orders.db"] = 0,
        ["check sqlite:orders.db"] = 0,
        ["graph sqlite:orders.db"] = 0,
        ["show sqlite:orders.db nothing"] = 1,
        ["dead sqlite:orders.db nothing"] = 1,
        ["flow sqlite:orders.db nothing"] = 1,
        ["redrive sqlite:orders.db orders --all"] = 1,
        ["pause sqlite:orders.db nothing"] = 1,
        [""] = 2,
        ["strems sqlite:orders.db"] = 2,
        ["streams"] = 2,
        ["streams nothing"] = 2,
        ["top sqlite:orders.db --interval x"] = 2,
        ["bench sqlite:orders.db"] = 2,
        ["streams sqlite:missing.db"] = 3,
        ["streams redis:127.0.0.1:1"] = 3,
    };

    [Fact]
    public async Task ExitCodesAreThoseOfTheManual()
    {
        await using (SqliteStreamStore store = await SqliteStreamStore.OpenAsync(StorePath, Durability.Process, null, Cancellation))
            await FillAsync(store, "1");
        Dictionary<string, int> actual = [];
        HashSet<int> seen = [];
        foreach ((string command, int expected) in Codes)
        {
            string[] words = command.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            // The first command with a code is a process of its own, which ends with the code that the command has returned.
            actual[command] = (await (seen.Add(expected) ? RunAloneAsync(words) : RunAsync(words))).ExitCode;
        }
        Assert.Equal(Codes, actual);
        string page = await File.ReadAllTextAsync(Path.Combine(Root(), "docs/command-line.md"), Cancellation);
        Assert.Equal(["0", "1", "2", "3", "129", "130", "141", "143"], Row().Matches(page).Select(static row => row.Groups[1].Value));
    }

    [GeneratedRegex(@"^\| (\d+) \|", RegexOptions.Multiline)]
    private static partial Regex Row();
}
