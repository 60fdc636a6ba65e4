using System.Diagnostics;
using System.Text;
using Sluice.Tests.Processes;

namespace Sluice.Tests.Producers;

/// <summary>Lines with bytes that are no text, in every encoding, or with a text that the function of the source refuses.</summary>
[StartsProcesses]
public sealed class BadTextTests : IDisposable
{
    private readonly string path = Path.GetTempFileName();

    public void Dispose() => File.Delete(path);

    /// <remarks>With a locale of UTF-8, U+FFFD took the place of the bytes, and the run succeeded.</remarks>
    [Theory]
    [InlineData("", false)]
    [InlineData("", true)]
    [InlineData("C.UTF-8", false)]
    [InlineData("C.UTF-8", true)]
    public async Task BadBytesOfTheStandardInputFailTheRunInEveryLocale(string locale, bool isMarked)
    {
        string text = await PipeAsync(locale, [.. isMarked ? Encoding.UTF8.GetPreamble() : [], .. "é\nb"u8, 0xC3, .. "( two\nthree\n"u8]);
        Assert.Equal("é\n'lines-1' failed: the standard input, line 2: not UTF-8 at character 2.\n", text);
    }

    public static TheoryData<string> Encodings => ["utf-8", "utf-16", "utf-16BE", "utf-32", "utf-32BE"];

    /// <remarks>The encoding of a mark had a fallback of its own.</remarks>
    [Theory]
    [MemberData(nameof(Encodings))]
    public async Task BadBytesBehindAByteOrderMarkFailTheRun(string name)
    {
        var encoding = Encoding.GetEncoding(name);
        string[] lines = [.. Enumerable.Range(0, 3000).Select(static n => $"é€ {n}")];
        byte[] good = [.. encoding.GetPreamble(), .. encoding.GetBytes(string.Join('\n', lines) + "\n")];
        await AssertAsync(good, lines, bad: null);
        byte[] half = name switch
        {
            "utf-8" => [0xC3],
            "utf-16" => [0x00, 0xD8],
            "utf-16BE" => [0xD8, 0x00],
            "utf-32" => [0, 0, 0x7F, 0],
            _ => [0, 0x7F, 0, 0],
        };
        await AssertAsync([.. good, .. encoding.GetBytes("ab"), .. half, .. encoding.GetBytes("c\nd")], lines, bad: 3);
        await AssertAsync([.. good, .. encoding.GetBytes("a"), .. half[..1]], lines, bad: 2);        // the file was cut

        async Task AssertAsync(byte[] bytes, string[] expected, int? bad)
        {
            await File.WriteAllBytesAsync(path, bytes);
            foreach (Source<string> source in (Source<string>[])[Source.Lines(path), Source.Lines(new MemoryStream(bytes)),
                Source.Lines(new SlowStream(bytes))])
            {
                List<string> seen = [];
                Task run = (source | seen.Add).RunAsync();
                if (bad is null) await run;
                else
                    Assert.EndsWith($"ine {expected.Length + 1}: not {name.ToUpperInvariant()} at character {bad}.",
                        (await Assert.ThrowsAsync<PipelineException>(() => run)).Message, StringComparison.Ordinal);
                Assert.Equal(expected, seen);
            }
        }
    }

    /// <summary>A text that is shorter than a mark, or begins like one.</summary>
    [Theory]
    [InlineData(new byte[] { }, "")]
    [InlineData(new byte[] { 0x61 }, "a")]
    [InlineData(new byte[] { 0xFF, 0xFE }, "")]
    [InlineData(new byte[] { 0xFF, 0xFE, 0x61, 0 }, "a")]
    [InlineData(new byte[] { 0xFF, 0xFE, 0, 0x4E }, "\u4E00")]
    [InlineData(new byte[] { 0, 0, 0xFE }, null)]
    [InlineData(new byte[] { 0xEF, 0xBB }, null)]
    [InlineData(new byte[] { 0xFE }, null)]
    [InlineData(new byte[] { 0, 0, 0x61 }, "\0\0a")]
    public async Task AShortTextIsDecodedByItsMarkIfItIsWhole(byte[] bytes, string? expected)
    {
        foreach (Stream stream in (Stream[])[new MemoryStream(bytes), new SlowStream(bytes)])
        {
            if (expected is null) await Assert.ThrowsAsync<PipelineException>(() => Source.Lines(stream).ToListAsync());
            else Assert.Equal(expected, string.Concat(await Source.Lines(stream).ToListAsync()));
        }
    }

    /// <summary>A run finds nothing yet; then the writer begins.</summary>
    /// <remarks>The mark became a part of the first line.</remarks>
    [Theory]
    [MemberData(nameof(Encodings))]
    public async Task ATextThatWasEmptyInTheFirstRunIsDecodedByItsMark(string name)
    {
        var encoding = Encoding.GetEncoding(name);
        await using var bytes = new MemoryStream();
        Source<string> lines = Source.Lines(bytes);
        Assert.Empty(await lines.ToListAsync());
        bytes.Write([.. encoding.GetPreamble(), .. encoding.GetBytes("a\nb\n")]);
        bytes.Position = 0;
        Assert.Equal(["a", "b"], await lines.ToListAsync());
    }

    /// <remarks>The failure of the function did not say where.</remarks>
    [Fact]
    public async Task AFunctionThatThrowsNamesFileAndLine()
    {
        await File.WriteAllTextAsync(path, "1\n2\nx\n");
        var failure = await Assert.ThrowsAsync<PipelineException>(
            () => Source.Lines(path, static (_, text) => int.Parse(text)).ToListAsync());
        Assert.Contains($"{path}, line 3: The input string 'x'", failure.Message, StringComparison.Ordinal);
    }

    /// <remarks>An encoder that throws keeps the half pair: each later line died, and none was written.</remarks>
    [Fact]
    public async Task AWriterWhoseEncodingRefusesALineFailsTheRunWhateverThePolicy()
    {
        await using var bytes = new MemoryStream();
        var text = new StreamWriter(bytes);
        Pipeline pipeline = Source.From(Enumerable.Range(0, 2000)).Select(static n => n == 100 ? "b\uD800" : $"line {n}")
            | (Sink.Lines(text) | Stage.OnError(ErrorPolicy.DeadLetter));
        PipelineRun run = pipeline.Start();
        await Assert.ThrowsAsync<PipelineException>(() => run.Completion);
        Assert.Empty(run.DeadLetters);
    }

    private static async Task<string> PipeAsync(string locale, byte[] bytes)
    {
        var start = new ProcessStartInfo("dotnet", [WorkerProgram.Path, "lines"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            StandardOutputEncoding = Encoding.UTF8,
            Environment = { ["LC_ALL"] = locale, ["LANG"] = locale },
        };
        using Process process = Process.Start(start)!;
        await process.StandardInput.BaseStream.WriteAsync(bytes);
        process.StandardInput.Close();
        string text = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return text;
    }

    /// <summary>Gives one byte at a time.</summary>
    private sealed class SlowStream(byte[] bytes) : MemoryStream(bytes)
    {
        public override bool CanSeek => false;

        public override int Read(byte[] buffer, int offset, int count) => base.Read(buffer, offset, Math.Min(1, count));

        public override int Read(Span<byte> buffer) => base.Read(buffer[..Math.Min(1, buffer.Length)]);

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
            => base.ReadAsync(buffer, offset, Math.Min(1, count), cancellationToken);

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
            => base.ReadAsync(buffer[..Math.Min(1, buffer.Length)], cancellationToken);
    }
}
