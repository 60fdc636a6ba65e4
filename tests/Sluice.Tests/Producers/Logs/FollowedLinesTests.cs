using System.Text;
using Sluice.Diagnostics;

namespace Sluice.Tests.Producers;

public sealed class FollowedLinesTests
{
    private static readonly Dictionary<string, Action<LogLab>> Rotations = new()
    {
        ["rename and create"] = lab => { lab.Move("app.log", "app.log.1"); lab.Write("app.log", ""); },
        ["rename"] = lab => lab.Move("app.log", "app.log-20260131"),
        ["old"] = lab => lab.Move("app.log", "app.log.old"),
        ["copy and cut"] = lab => lab.CopyTruncate("app.log", "app.log.1"),
    };

    public static TheoryData<string> Ways => [.. Rotations.Keys];

    [Fact]
    public async Task ALineBecomesAnItemWhenItsLineEndIsWritten()
    {
        await using var lab = new LogLab();
        foreach (string part in (string[])["a\nb", "", "b\r", "\n", "\n\ncé€", "\n", "d"])
        {
            lab.Write("app.log", part);
            await lab.AcceptAsync(lab.Lines());
        }
        Assert.Equal(["a", "bb", "", "", "cé€"], (await lab.AcceptedAsync()).Lines);
        Assert.Empty(lab.Warnings);
    }

    /// <remarks>Formerly a path that became a pattern read its first file once more.</remarks>
    [Theory]
    [InlineData("app.log", "*.log", "The lines of one file were accepted before, and now the path is a pattern")]
    [InlineData("*.log", "app.log", "The lines of several files were accepted before, and now the path names one file")]
    public async Task APathThatBecomesAPatternOrNoneIsRefused(string before, string now, string error)
    {
        await using var lab = new LogLab();
        lab.Write("app.log", "a\nb\n");
        await lab.AcceptAsync(lab.Lines(before));
        lab.Write("app.log", "c\n");
        var refused = await Assert.ThrowsAsync<PipelineException>(() => lab.AcceptAsync(lab.Lines(now)));
        Assert.Contains(error, refused.InnerException!.Message, StringComparison.Ordinal);
        await lab.AcceptAsync(lab.Lines(before));
        Assert.Equal(["a", "b", "c"], (await lab.AcceptedAsync()).Lines);
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task ARotatedFileIsReadToItsEndFromAnyPosition(string way)
    {
        for (int first = 0; first <= 4; first++)
        {
            for (int second = 0; second <= 5; second++)
            {
                await using var lab = new LogLab();
                lab.Write("app.log", "a\nb\nc\n");
                await lab.AcceptAsync(lab.Lines(), first);
                lab.Write("app.log", "d\n");
                Rotations[way](lab);
                if (first == 0) lab.Write("app.log", "");
                else await lab.AcceptAsync(lab.Lines(), second);
                lab.Write("app.log", "e\nf\n");
                await lab.AcceptAsync(lab.Lines());
                await lab.AcceptAsync(lab.Lines());
                // a source without a position begins with the current file
                string[] expected = first == 0 ? ["e", "f"] : ["a", "b", "c", "d", "e", "f"];
                Assert.Equal(expected, (await lab.AcceptedAsync()).Lines);
                Assert.Empty(lab.Warnings);
            }
        }
    }

    /// <remarks>
    /// The position counts only the outputs of the current line. If another file comes first after a restart, the count is dropped.
    /// </remarks>
    [Fact]
    public async Task ALineRepeatsItsItemsIfItsFileWasAwayAtARestart()
    {
        await using var lab = new LogLab();
        lab.Write("a.log", "a\n");
        await lab.AcceptAsync(Items(), 2);
        lab.Move("a.log", "away");
        lab.Write("b.log", "b\n");
        await lab.AcceptAsync(Items());
        lab.Move("away", "a.log");
        await lab.AcceptAsync(Items());
        Assert.Equal(["a1", "a2", "b1", "b2", "b3", "a1", "a2", "a3"], (await lab.AcceptedAsync()).Lines);

        Source<string> Items() => lab.Lines("*.log").SelectMany(static line => new[] { $"{line}1", $"{line}2", $"{line}3" });
    }

    [Fact]
    public async Task FilesRotatedBetweenTwoRunsAreReadInOrder()
    {
        for (int accepted = 1; accepted <= 3; accepted++)
        {
            await using var lab = new LogLab();
            lab.Write("app.log", "1\n2\n3\n");
            await lab.AcceptAsync(lab.Lines(), accepted);
            for (int i = 4; i <= 15; i++)
            {
                for (int n = 20; n > 0; n--)
                    if (File.Exists(lab.At($"app.log.{n}"))) lab.Move($"app.log.{n}", $"app.log.{n + 1}");
                lab.Move("app.log", "app.log.1");
                lab.Write("app.log", i == 9 ? "" : $"{i}\n");
            }
            await lab.AcceptAsync(lab.Lines(), 5);
            await lab.AcceptAsync(lab.Lines());
            Assert.Equal(Enumerable.Range(1, 15).Where(i => i != 9).Select(i => $"{i}"), (await lab.AcceptedAsync()).Lines);
        }
    }

    [Fact]
    public async Task AMalformedLineBecomesADeadLetterAndTheOtherLinesContinue()
    {
        await using var lab = new LogLab { Options = new() { MaxLineLength = 20 } };
        byte[] latin = [.. "caf"u8, 0xE9];
        lab.Write("app.log", [.. "a\n"u8, .. latin, .. "\nbad 1\nbad 2\nb\n"u8, .. Encoding.UTF8.GetBytes(new string('x', 100_000)),
            .. "\nc\n"u8, .. Encoding.UTF8.GetBytes(new string('y', 21)), .. "\n"u8]);
        await lab.AcceptAsync(lab.Lines());
        await lab.AcceptAsync(lab.Lines());
        var (lines, letters) = await lab.AcceptedAsync();
        Assert.Equal(["a", "b", "c"], lines);
        Assert.Equal(5, letters.Length);
        Assert.Contains($"{lab.At("app.log")}, line 2: not UTF-8 from byte 4 of the line on", letters[0].Error, StringComparison.Ordinal);
        Assert.Equal(latin, letters[0].Payload.ToArray());
        Assert.Contains("line 3: FormatException: bad 1", letters[1].Error, StringComparison.Ordinal);
        Assert.Equal("bad 2"u8.ToArray(), letters[2].Payload.ToArray());
        Assert.Contains("line 6: The line has 100,001 bytes, and the longest may have 20", letters[3].Error, StringComparison.Ordinal);
        Assert.InRange(letters[3].Payload.Length, 4096, 65_536);
        Assert.Equal(21, letters[4].Payload.Length);
        Assert.All(letters, letter => Assert.Equal(1, letter.Attempts));

        await using Consecutor<string> again = lab.New(static _ =>
            throw new InvalidOperationException("A malformed line came as an item."));
        await again.StartAsync(TestContext.Current.CancellationToken);
        await again.RedriveAsync(static _ => true, TestContext.Current.CancellationToken);
        await again.WaitForIdleAsync(TestContext.Current.CancellationToken);
        Assert.Equal(letters.Select(letter => letter.Error),
            await again.ListDeadLettersAsync(TestContext.Current.CancellationToken).Select(letter => letter.Error).ToListAsync());
    }

    [Fact]
    public async Task AMalformedLineIsADeadLetterOfARunWithoutAConsecutor()
    {
        await using var lab = new LogLab();
        lab.Write("app.log", "a\nbad\nb\n");
        var seen = new List<string>();
        await using PipelineRun run = (lab.Lines() | (line => seen.Add(line))).Start();
        await run.Completion;
        Assert.Equal(["a", "b"], seen);
        DeadLetter letter = Assert.Single(run.DeadLetters);
        Assert.Equal("bad", letter.Item);
    }

    [Fact]
    public async Task ARotatedFileThatEndsInTheMiddleOfALineLeavesADeadLetter()
    {
        await using var lab = new LogLab();
        lab.Write("app.log", "a\nhal");
        await lab.AcceptAsync(lab.Lines());
        lab.Move("app.log", "app.log.1");
        await lab.AcceptAsync(lab.Lines());
        lab.Write("app.log", "b\n");
        await lab.AcceptAsync(lab.Lines());
        await lab.AcceptAsync(lab.Lines());
        var (lines, letters) = await lab.AcceptedAsync();
        Assert.Equal(["a", "b"], lines);
        Assert.Equal("hal"u8.ToArray(), Assert.Single(letters).Payload.ToArray());
    }

    [Fact]
    public async Task AReplacedFileIsReadFromItsBeginningWithAWarning()
    {
        await using var lab = new LogLab();
        lab.Write("app.log", "a\nb\n");
        await lab.AcceptAsync(lab.Lines());
        File.Delete(lab.At("app.log"));
        lab.Write("app.log", "c\n");
        await lab.AcceptAsync(lab.Lines());
        Assert.Contains("was cut or replaced", Assert.Single(lab.Warnings), StringComparison.Ordinal);
        Assert.Equal(["a", "b", "c"], (await lab.AcceptedAsync()).Lines);
    }

    [Theory]
    [InlineData("app.log")]
    [InlineData("*.log")]
    public async Task ANewFileWithTheSameFirstLineIsReadAsANewFile(string path)
    {
        await using var lab = new LogLab();
        lab.Write("app.log", "# date, text\n");
        File.SetLastWriteTimeUtc(lab.At("app.log"), new(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc));
        await lab.AcceptAsync(lab.Lines(path));
        await lab.AcceptAsync(lab.Lines(path));
        lab.Write("app.log", "a\n");
        lab.Move("app.log", "app.log.1");
        lab.Write("app.log", "# date, text\n");
        await lab.AcceptAsync(lab.Lines(path));
        lab.Write("app.log", "b\n");
        await lab.AcceptAsync(lab.Lines(path));
        Assert.Equal(["# date, text", "a", "# date, text", "b"], (await lab.AcceptedAsync()).Lines);
    }

    /// <summary>The rotated file is beside the target of the link, as with the logs of containers.</summary>
    [Theory]
    [InlineData("app.log")]
    [InlineData("*.log")]
    public async Task ALinkedFileIsReadToItsEndWhenItsTargetIsRotated(string path)
    {
        await using var lab = new LogLab();
        lab.Write("pod/0.txt", "a\nb\n");
        File.CreateSymbolicLink(lab.At("app.log"), lab.At("pod", "0.txt"));
        await lab.AcceptAsync(lab.Lines(path));
        lab.Write("pod/0.txt", "c\n");
        lab.Move("pod/0.txt", "pod/0.txt.1");
        lab.Write("pod/0.txt", "d\n");
        await lab.AcceptAsync(lab.Lines(path));
        Assert.Equal(["a", "b", "c", "d"], (await lab.AcceptedAsync()).Lines);
        Assert.Empty(lab.Warnings);
    }

    [Fact]
    public async Task SymbolicLinksAreFollowedUnlessTheyAreCircularOrBroken()
    {
        await using var lab = new LogLab();
        lab.Write("files/one", "a\n");
        File.CreateSymbolicLink(lab.At("one.log"), lab.At("files", "one"));
        File.CreateSymbolicLink(lab.At("two.log"), lab.At("three.log"));
        File.CreateSymbolicLink(lab.At("three.log"), lab.At("two.log"));
        File.CreateSymbolicLink(lab.At("four.log"), lab.At("nowhere"));
        await lab.AcceptAsync(lab.Lines("*.log"));
        lab.Write("files/one", "b\n");
        await lab.AcceptAsync(lab.Lines("*.log"));
        Assert.Equal(["a", "b"], (await lab.AcceptedAsync()).Lines);
    }

    [Fact]
    public async Task AMissingFileAndAUtf16FileFailTheRun()
    {
        await using var lab = new LogLab();
        var missing = await Assert.ThrowsAsync<PipelineException>(() => lab.AcceptAsync(lab.Lines()));
        Assert.Contains($"The file {lab.At("app.log")}, whose lines the producer 'logs' follows, does not exist", missing.Message,
            StringComparison.Ordinal);
        lab.Write("app.log", Encoding.Unicode.GetPreamble());
        var wide = await Assert.ThrowsAsync<PipelineException>(() => lab.AcceptAsync(lab.Lines()));
        Assert.Contains("is UTF-16", wide.Message, StringComparison.Ordinal);
    }
}
