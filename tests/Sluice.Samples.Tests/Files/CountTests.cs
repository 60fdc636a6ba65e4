using System.Globalization;
using System.Text.Json;

namespace Sluice.Samples.Tests.Files;

/// <summary>A flow counts the words of files in one process. The test counts them independently.</summary>
public sealed class CountTests : IDisposable
{
    private readonly FilesRun run = new();

    public void Dispose() => run.Dispose();

    [Theory]
    [InlineData("memory", Traits = ["Length", "long"])]
    [InlineData("sqlite:files.db")]
    public async Task EveryGeneratedFileIsCountedOnce(string store)
    {
        const int Files = 300;
        JsonElement table = await run.TableAsync("--files", $"{Files}", "--seed", "7", "--store", store, "--out", "words.csv", "--keep");
        DirectoryInfo made = new(table.GetProperty("directory").GetString()!);
        try
        {
            Assert.Equal((Files, Files, 0, 0, 0), FilesRun.Books(table));
            List<(string File, string Words)> rows = FilesRun.Rows(run.PathOf("words.csv"));
            FileInfo[] files = made.GetFiles("*", SearchOption.AllDirectories);
            Assert.Equal(files.Select(file => Path.GetRelativePath(made.FullName, file.FullName)).Order(StringComparer.Ordinal),
                rows.Select(row => row.File).Order(StringComparer.Ordinal));
            Assert.All(rows, row => Assert.Equal(FilesRun.Count(Path.Combine(made.FullName, row.File)),
                long.Parse(row.Words, CultureInfo.InvariantCulture)));
            Assert.Equal(rows.Sum(row => long.Parse(row.Words, CultureInfo.InvariantCulture)), table.GetProperty("words").GetInt64());
            Assert.InRange(files.Count(file => file.Length < 16 << 10), Files * 8 / 10, Files - 10);
            Assert.InRange(files.Max(file => file.Length), 500 << 10, 1 << 20);
            Assert.InRange(table.GetProperty("storePeakBytes").GetInt64(), 1, files.Sum(file => file.Length) / 2);
            Assert.InRange(table.GetProperty("secondsToFirst").GetDouble(), 0.0001, table.GetProperty("secondsToLast").GetDouble());
            Assert.InRange(table.GetProperty("peakMemory").GetProperty("driver").GetInt64(), 10 << 20, 1 << 30);
        }
        finally
        {
            made.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task GeneratedFilesAreDeletedAtTheEnd()
    {
        Ended ended = (await run.EndAsync("--files", "3")).Succeeded();
        Assert.Matches("files in +3\nindexed +3\nfailed +0\nlost +0\nduplicated +0\nwrong +0\nwords +[1-9]", ended.Output);
        string directory = ended.Output.Split(" files in ")[1].Split(" (--seed")[0];
        Assert.False(Directory.Exists(directory));
    }

    [Fact]
    public async Task AnUnreadableFileIsNamedAndFailsAlone()
    {
        string input = run.PathOf("in");
        Dictionary<string, string?> expected = new()
        {
            ["empty"] = "0",
            ["a,b \"c\"\nd.txt"] = "2",
            ["below/deep/ümläut ü.txt"] = "3",
            ["mark"] = "1",
            [" padded "] = "1",
            ["zero"] = null,
            ["latin"] = null,
            ["gone"] = null,
            ["loop"] = null,
        };
        Directory.CreateDirectory(Path.Combine(input, "below/deep"));
        await WriteAsync("empty", "");
        await WriteAsync("a,b \"c\"\nd.txt", " one\ttwo\n");
        await WriteAsync("below/deep/ümläut ü.txt", "eins\u00A0zwei\u2003drei");
        await WriteAsync("mark", "\uFEFFone");
        await WriteAsync(" padded ", "one");
        await WriteAsync("zero", "one\0two");
        await File.WriteAllBytesAsync(Path.Combine(input, "latin"), [0x61, 0xE9, 0x62], TestContext.Current.CancellationToken);
        File.CreateSymbolicLink(Path.Combine(input, "gone"), "nowhere");
        Directory.CreateSymbolicLink(Path.Combine(input, "loop"), ".");
        if (!OperatingSystem.IsWindows() && !Environment.IsPrivilegedProcess)
        {
            await WriteAsync("locked", "one");
            File.SetUnixFileMode(Path.Combine(input, "locked"), UnixFileMode.None);
            expected.Add("locked", null);
        }

        Ended ended = (await run.EndAsync("--input", input, "--out", "words.csv", "--json")).Succeeded();
        JsonElement table = FilesRun.Table(ended);
        int failed = expected.Count(file => file.Value is null);
        Assert.Equal((expected.Count, expected.Count - failed, failed, 0, 0), FilesRun.Books(table));
        Assert.Equal(expected.Select(file => (file.Key, file.Value ?? "")).Order(), FilesRun.Rows(run.PathOf("words.csv")).Order());
        Assert.Equal(expected.Where(file => file.Value is null).Select(file => file.Key).Order(),
            table.GetProperty("failures").EnumerateArray().Select(failure => failure.GetProperty("file").GetString()!).Order());
        Assert.Contains("failed: zero: is no text", ended.Output, StringComparison.Ordinal);
        Assert.Contains("failed: gone: Could not find file", ended.Output, StringComparison.Ordinal);
        Assert.Equal(7, table.GetProperty("words").GetInt64());

        Task WriteAsync(string name, string text) => File.WriteAllTextAsync(Path.Combine(input, name), text,
            TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task AFileMayBeLongerThanACommit()
    {
        string input = run.PathOf("in");
        Directory.CreateDirectory(input);
        foreach (int megabytes in new[] { 1, 2, 9 })
        {
            await File.WriteAllTextAsync(Path.Combine(input, $"{megabytes}-before"), new string('x', 200 << 10),
                TestContext.Current.CancellationToken);
            await File.WriteAllTextAsync(Path.Combine(input, $"{megabytes}-long"),
                string.Concat(Enumerable.Repeat("word and ", megabytes << 17)), TestContext.Current.CancellationToken);
        }
        JsonElement table = await run.TableAsync("--input", input);
        Assert.Equal((6, 6, 0, 0, 0), FilesRun.Books(table));
        Assert.Equal(3 + (2 * (12 << 17)), table.GetProperty("words").GetInt64());
    }
}
