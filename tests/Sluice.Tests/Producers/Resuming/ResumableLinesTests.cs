using System.Text;

namespace Sluice.Tests.Producers;

public sealed class ResumableLinesTests : IDisposable
{
    private readonly string path = Path.GetTempFileName();

    public void Dispose() => File.Delete(path);

    [Theory]
    [InlineData("a\nbb\nccc\n")]
    [InlineData("a\r\nbb\r\n\r\nd")]
    [InlineData("a\rbb\r\rd\r")]
    [InlineData("\uFEFFé\nüü\n\n€")]
    public async Task EveryLineIsAcceptedOnceWhereverARunResumes(string text)
    {
        await File.WriteAllTextAsync(path, text);
        string[] expected = await Source.Lines(path).ToArrayAsync();
        for (int first = 0; first <= expected.Length; first++)
        {
            for (int second = 0; second <= expected.Length - first; second++)
            {
                await using var intake = new Intake();
                await intake.AcceptAsync(Source.ResumableLines("lines", path), first);
                await intake.AcceptAsync(Source.ResumableLines("lines", path), second);
                await intake.AcceptAsync(Source.ResumableLines("lines", path));
                await intake.AcceptAsync(Source.ResumableLines("lines", path));
                Assert.Equal(expected, await intake.AcceptedAsync());
            }
        }
    }

    [Fact]
    public async Task LinesThatSpanBuffersKeepTheirNumbersAfterARestart()
    {
        string[] lines = [.. Enumerable.Range(0, 200).Select(n => new string((char)('a' + (n % 26)), n * 971 % 90_000))];
        await File.WriteAllTextAsync(path, string.Join("\r\n", lines));
        Source<string> source = Source.ResumableLines("lines", path, (number, line) => $"{number} {line}");
        await using var intake = new Intake();
        await intake.AcceptAsync(source, 77);
        await intake.AcceptAsync(source);
        Assert.Equal(lines.Select((line, i) => $"{i + 1} {line}"), await intake.AcceptedAsync());
    }

    [Fact]
    public async Task ARunWithoutAConsecutorStartsAtTheBeginning()
    {
        await File.WriteAllTextAsync(path, "a\nb\n");
        Source<string> source = Source.ResumableLines("lines", path);
        Assert.Equal(["a", "b"], await source.ToListAsync());
        Assert.Equal(["a", "b"], await source.ToListAsync());
    }

    [Theory]
    [InlineData("a\nb", "\nc\n", "a b c")]
    [InlineData("a\nb\r", "\nc\n", "a b c")]
    [InlineData("a\nb", "\r\nc", "a b c")]
    [InlineData("a\nb\r", "\rc", "a b  c")]
    [InlineData("a\nb", "cd\ne\n", "a b e")]
    [InlineData("a\n", "b\n", "a b")]
    [InlineData("", "a\n", "a")]
    public async Task AFileThatGrewByWholeLinesResumesAtItsPosition(string before, string added, string expected)
    {
        await File.WriteAllTextAsync(path, before);
        await using var intake = new Intake();
        await intake.AcceptAsync(Source.ResumableLines("lines", path));
        await File.AppendAllTextAsync(path, added);
        await intake.AcceptAsync(Source.ResumableLines("lines", path));
        Assert.Equal(expected, string.Join(' ', await intake.AcceptedAsync()));
    }

    [Theory]
    [InlineData("a\nbb\nc\n", "a\nbb more\n", "is not the file of which 3 lines were accepted before")]
    [InlineData("a\nbb\nc\n", "a\n", "is not the file of which 3 lines were accepted before")]
    [InlineData("a\nbb\nc\n", "x\nyy\nzz\nz\n", "is not the file of which 3 lines were accepted before")]
    public async Task ADifferentFileIsRefused(string before, string after, string message)
    {
        await File.WriteAllTextAsync(path, before);
        await using var intake = new Intake();
        await intake.AcceptAsync(Source.ResumableLines("lines", path));
        await File.WriteAllTextAsync(path, after);
        var failure = await Assert.ThrowsAsync<PipelineException>(() => intake.AcceptAsync(Source.ResumableLines("lines", path)));
        Assert.Contains(path, failure.Message, StringComparison.Ordinal);
        Assert.Contains(message, failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(60)]
    [InlineData(300)]
    public async Task ARunResumesAtARepairedLine(int bad)
    {
        string[] lines = [.. Enumerable.Range(0, 400).Select(n => $"{n}")];
        Source<string> source = Source.ResumableLines("lines", path, (_, line) => $"{int.Parse(line, null)}");
        await File.WriteAllTextAsync(path, "\uFEFF" + string.Join('\n', lines[..bad].Append("x").Concat(lines[(bad + 1)..])));
        await using var intake = new Intake();
        await Assert.ThrowsAsync<PipelineException>(() => intake.AcceptAsync(source));
        await File.WriteAllTextAsync(path, "\uFEFF" + string.Join('\n', lines));
        await intake.AcceptAsync(source);
        Assert.Equal(lines, await intake.AcceptedAsync());
    }

    [Fact]
    public async Task ADirectoryIsRefusedByName()
    {
        string directory = Path.GetDirectoryName(path)!;
        var failure = await Assert.ThrowsAsync<PipelineException>(() => Source.ResumableLines("lines", directory).ToListAsync());
        Assert.Contains($"{directory} is a directory. Give the path of a file", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task BadInputIsReportedWithItsLineAfterTheLinesBeforeIt()
    {
        await File.WriteAllBytesAsync(path, [.. "1\n2\n"u8, 0xC3, 0x28, .. "\n4\n"u8]);
        await FailsAsync(Source.ResumableLines("bytes", path), $"{path}, line 3: not UTF-8 from byte 1 of the line on (offset 4)");
        await File.WriteAllTextAsync(path, "1\n2\nx\n4\n");
        await FailsAsync(Source.ResumableLines("parsed", path, (_, line) => $"{int.Parse(line, null)}"),
            $"{path}, line 3: The input string 'x'");
        await File.WriteAllTextAsync(path, "1\n2\n" + new string('x', 100));
        await FailsAsync(Source.ResumableLines("long", path, maxLineLength: 99), $"{path}, line 3 is longer than 99 bytes");
        await File.WriteAllTextAsync(path, "1\n", Encoding.Unicode);
        var utf16 = await Assert.ThrowsAsync<PipelineException>(() => Source.ResumableLines("wide", path).ToListAsync());
        Assert.Contains("is UTF-16", utf16.Message, StringComparison.Ordinal);
    }

    private static async Task FailsAsync(Source<string> source, string message)
    {
        await using var intake = new Intake();
        var failure = await Assert.ThrowsAsync<PipelineException>(() => intake.AcceptAsync(source));
        Assert.Contains(message, failure.Message, StringComparison.Ordinal);
        Assert.Equal(["1", "2"], await intake.AcceptedAsync());
    }
}
