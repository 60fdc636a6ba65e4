using System.Text;
using Sluice.Topologies;

namespace Sluice.Tests.Producers;

public sealed class LinesTests : IDisposable
{
    private readonly string path = Path.GetTempFileName();

    public void Dispose() => File.Delete(path);

    [Theory]
    [InlineData("", new string[0])]
    [InlineData("a", new[] { "a" })]
    [InlineData("a\n", new[] { "a" })]
    [InlineData("a\nb\r\nc\rd\n\ne", new[] { "a", "b", "c", "d", "", "e" })]
    [InlineData("\r\n\r\n", new[] { "", "" })]
    public async Task LinesEndWithLfCrLfOrCr(string text, string[] expected)
    {
        Assert.Equal(expected, await Source.Lines(new StringReader(text)).ToListAsync());
        Assert.Equal(expected, await Source.Lines(new MemoryStream(Encoding.UTF8.GetBytes(text))).ToListAsync());
        await File.WriteAllTextAsync(path, text);
        Source<string> file = Source.Lines(path);
        Assert.Equal(expected, await file.ToListAsync());
        Assert.Equal(expected, await file.ToListAsync());                // each run opens the file anew
    }

    /// <summary>It harms no other line.</summary>
    [Fact]
    public async Task HalfASurrogatePairIsWrittenAsAReplacement()
    {
        string[] lines = [.. Enumerable.Range(0, 1000).Select(static n => n == 500 ? "b\uD800c" : $"line {n}")];
        await (Source.From(lines) | Sink.Lines(path)).RunAsync(cancellation: TestContext.Current.CancellationToken);
        Assert.Equal(lines.Select(static line => line.Replace('\uD800', '\uFFFD')),
            await File.ReadAllLinesAsync(path, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task LinesThatSpanBuffersAreWholeAndNumbered()
    {
        string[] lines = [.. Enumerable.Range(0, 200).Select(n => new string((char)('a' + (n % 26)), n * 97 % 20_000))];
        await File.WriteAllTextAsync(path, string.Join("\r\n", lines));
        List<(long, string)> read = await Source.Lines(path, (number, text) => (number, text)).ToListAsync();
        Assert.Equal(lines.Select((line, i) => (i + 1L, line)), read);
    }

    [Fact]
    public async Task ATooLongLineFailsTheRunWithFileAndLineNumber()
    {
        await File.WriteAllTextAsync(path, "short\n" + new string('x', 50_000));
        List<string> seen = [];
        var failure = await Assert.ThrowsAsync<PipelineException>(() => (Source.Lines(path, maxLineLength: 40_000) | seen.Add).RunAsync());
        Assert.Contains($"{path}, line 2 is longer than 40000 characters", failure.Message, StringComparison.Ordinal);
        Assert.Equal(["short"], seen);
        Assert.Single(await Source.Lines(new StringReader("12345"), maxLineLength: 5).ToListAsync());
        Assert.Throws<ArgumentOutOfRangeException>(() => Source.Lines(path, int.MaxValue));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(9_000)]
    public async Task InvalidUtf8FailsTheRunAfterTheLinesBeforeIt(int before)
    {
        string[] lines = [.. Enumerable.Range(0, before).Select(n => $"{n}"), "\uFFFD is a character"];
        byte[] bytes = [.. Encoding.UTF8.GetBytes(string.Join('\n', lines) + "\nab"), 0xC3, 0x28, .. "\nnext\n"u8];
        await File.WriteAllBytesAsync(path, bytes);
        foreach (Source<string> source in (Source<string>[])[Source.Lines(path), Source.Lines(new MemoryStream(bytes))])
        {
            List<string> seen = [];
            var failure = await Assert.ThrowsAsync<PipelineException>(() => (source | seen.Add).RunAsync());
            Assert.Contains($"ine {lines.Length + 1}: not UTF-8 at character 3", failure.Message, StringComparison.Ordinal);
            Assert.Equal(lines, seen);
        }
        var named = await Assert.ThrowsAsync<PipelineException>(() => Source.Lines(path).ToListAsync());
        Assert.Contains($"{path}, line", named.Message, StringComparison.Ordinal);
        bytes = [.. "ab"u8, 0xE2];                    // cut in the middle of a character
        var cut = await Assert.ThrowsAsync<PipelineException>(() => Source.Lines(new MemoryStream(bytes)).ToListAsync());
        Assert.Contains("Line 1: not UTF-8 at character 3", cut.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AFileIsDecodedByItsByteOrderMark()
    {
        await File.WriteAllTextAsync(path, "é\n€\n", Encoding.Unicode);
        Assert.Equal(["é", "€"], await Source.Lines(path).ToListAsync());
    }

    [Fact]
    public async Task AMissingFileFailsTheRunWithItsPath()
    {
        string missing = path + ".missing";
        var failure = await Assert.ThrowsAsync<PipelineException>(() => Source.Lines(missing).ToListAsync());
        Assert.Equal("lines-1", failure.Node);
        Assert.Contains(missing, failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task LinesOfAPipeAreEmittedAtOnceAndADrainDoesNotWaitForMore()
    {
        var pipe = new System.IO.Pipelines.Pipe();
        var sink = new Sluice.Testing.SinkProbe<string>();
        Stream bytes = pipe.Reader.AsStream();
        Source<string> lines = Source.Lines(bytes);
        PipelineRun run = (lines | sink.Sink).Start();
        await pipe.Writer.WriteAsync("one\ntw"u8.ToArray());
        Assert.Equal(["one"], await sink.WaitForAsync(1));
        foreach (Source<string> other in (Source<string>[])[lines, Source.Lines(bytes)])
        {
            var second = await Assert.ThrowsAsync<PipelineException>(() => other.ToListAsync());
            Assert.Contains("one live thing", second.Message, StringComparison.Ordinal);
        }
        Assert.True(await run.StopAsync());
        await pipe.Writer.WriteAsync("o\nthree"u8.ToArray());
        await pipe.Writer.CompleteAsync();
        Assert.Equal(["one"], sink.Items);
    }

    /// <summary>A run reads ahead; a reader has no way back.</summary>
    [Theory]
    [InlineData("text")]
    [InlineData("stream")]
    public async Task ASecondSourceOverAReaderGoesOnWhereTheFirstHasEnded(string kind)
    {
        string[] lines = [.. Enumerable.Range(0, 1000).Select(static n => $"line {n}")];
        string text = string.Join('\n', lines);
        var reader = new StringReader(text);
        var stream = new MemoryStream(Encoding.UTF8.GetBytes(text));
        Assert.Equal("line 0", await Lines().FirstAsync(cancellation: TestContext.Current.CancellationToken));
        Assert.Contains("Line 2 is longer than 3 characters",
            (await Assert.ThrowsAsync<PipelineException>(() => Lines(3).ToListAsync())).Message, StringComparison.Ordinal);
        Assert.Equal(lines.Skip(1), await Lines().ToListAsync());
        Assert.Empty(await Lines().ToListAsync());

        Source<string> Lines(int max = 100) => kind == "text" ? Source.Lines(reader, max) : Source.Lines(stream, max);
    }

    /// <summary>Also for a reader of the caller's own, which drops what it has read ahead.</summary>
    [Fact]
    public async Task AStreamThatIsMovedBetweenTwoRunsIsReadFromItsNewPosition()
    {
        var stream = new MemoryStream("a\nb\nc"u8.ToArray());
        Source<string> source = Source.Lines(stream);
        Assert.Equal("a", await source.FirstAsync(cancellation: TestContext.Current.CancellationToken));
        stream.Position = 2;
        Assert.Equal(["b", "c"], await Source.Lines(stream).ToListAsync());
        stream.Position = 0;
        Assert.Equal(["a", "b", "c"], await source.ToListAsync());
        stream.Position = 0;
        using var reader = new StreamReader(stream);
        Assert.Equal("a", await Source.Lines(reader).FirstAsync(cancellation: TestContext.Current.CancellationToken));
        stream.Position = 0;
        reader.DiscardBufferedData();
        Assert.Equal(["a", "b", "c"], await Source.Lines(reader).ToListAsync());
    }

    [Fact]
    public async Task TheLinesSinkReplacesTheFileAndItsLinesAreReadBack()
    {
        await File.WriteAllTextAsync(path, new string('x', 10_000));
        string[] lines = [.. Enumerable.Range(0, 5000).Select(n => $"line {n} é")];
        Pipeline pipeline = Source.From(lines) | Sink.Lines(path);
        await pipeline.RunAsync();
        Assert.Equal(lines, await Source.Lines(path).ToListAsync());
        var text = new StringWriter();
        await (Source.From(["a", "b"]) | Sink.Lines(text)).RunAsync();
        Assert.Equal($"a{Environment.NewLine}b{Environment.NewLine}", text.ToString());
    }

    [Fact]
    public async Task ADirectoryIsNoFile()
    {
        string directory = Path.GetDirectoryName(path)!;
        Pipeline reads = Source.Lines(directory).ForEach(static _ => { }), writes = Source.From(["a"]) | Sink.Lines(directory);
        foreach (Pipeline pipeline in (Pipeline[])[reads, writes])
            Assert.Contains($"{directory} is a directory. Name a file.",
                (await Assert.ThrowsAsync<PipelineException>(async () => await pipeline.RunAsync())).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AFileOfTwoSinksOrOfASourceAndASinkIsRefusedAndStaysAsItWas()
    {
        await File.WriteAllTextAsync(path, "one\ntwo\n");
        string alias = path + ".link";
        File.CreateSymbolicLink(alias, path);
        try
        {
            string message = await RefusedAsync(Source.From(["a"]) | [Sink.Lines(path), Sink.Lines(alias)]);
            Assert.Contains("would be written by two sinks", message, StringComparison.Ordinal);
            Directory.CreateSymbolicLink(path + ".directory", Path.GetDirectoryName(path)!);
            string other = Path.Combine(path + ".directory", Path.GetFileName(path));
            message = await RefusedAsync(Source.From(["a"]) | [Sink.Lines(path), Sink.Lines(other)]);
            Assert.Contains("would be written by two sinks", message, StringComparison.Ordinal);
            File.Delete(path);                       // the alias leads to a file that does not exist yet, as the other path does
            foreach (string same in (string[])[alias, other])
            {
                message = await RefusedAsync(Source.From(["a"]) | [Sink.Lines(path), Sink.Lines(same)]);
                Assert.Contains("would be written by two sinks", message, StringComparison.Ordinal);
            }
            await File.WriteAllTextAsync(path, "one\ntwo\n");
            foreach (Source<string> source in (Source<string>[])[Source.Lines(path), Source.ResumableLines("lines", alias),
                Source.ResumableLines("log", path, new ResumableLinesOptions())])
            {
                message = await RefusedAsync(source | Sink.Lines(path));
                Assert.Contains("would be read by a source of this pipeline and emptied by its sink", message, StringComparison.Ordinal);
            }
            Assert.Equal(["one", "two"], await File.ReadAllLinesAsync(path));
        }
        finally
        {
            File.Delete(alias);
            File.Delete(path + ".directory");
        }

        static async Task<string> RefusedAsync(Pipeline pipeline)
            => (await Assert.ThrowsAsync<InvalidTopologyException>(async () => await pipeline.RunAsync())).Message;
    }

    [Fact]
    public async Task AFileThatAnotherRunIsWritingIsRefusedUntilThatRunEnds()
    {
        var source = new Sluice.Testing.SourceProbe<string>();
        Pipeline pipeline = source.Source | Sink.Lines(path);
        PipelineRun run = pipeline.Start();
        source.Push("a");
        await source.WaitForDemandAsync();
        var failure = await Assert.ThrowsAsync<PipelineException>(() => (Source.From(["b"]) | Sink.Lines(path)).RunAsync());
        Assert.Equal("lines", failure.Node);
        Assert.Contains($"{path} is being written by another sink of this process", failure.Message, StringComparison.Ordinal);
        source.Complete();
        await run.Completion;
        Assert.Equal(["a"], await File.ReadAllLinesAsync(path));
        await (Source.From(["b"]) | Sink.Lines(path)).RunAsync();
        Assert.Equal(["b"], await File.ReadAllLinesAsync(path));
    }

    [Fact]
    public async Task ACancelledRunKeepsTheLinesItWrote()
    {
        var source = new Sluice.Testing.SourceProbe<string>();
        PipelineRun run = (source.Source | Sink.Lines(path)).Start();
        source.Push("a", "b");
        await source.WaitForDemandAsync();
        await run.DisposeAsync();
        Assert.Equal(["a", "b"], await File.ReadAllLinesAsync(path));
    }

    /// <remarks>The buffer had lines of other items: they were in no file and in no dead letter, and the run had succeeded.</remarks>
    [Fact]
    public async Task AWriteThatFailsEndsTheRunWhateverThePolicy()
    {
        using var medium = new FullForAMoment();
        await using var text = new StreamWriter(medium);
        Pipeline pipeline = Source.From(Enumerable.Range(0, 1000)).Select(static n => $"line {n}")
            | (Sink.Lines(text) | Stage.OnError(ErrorPolicy.DeadLetter));
        var failure = await Assert.ThrowsAsync<PipelineException>(
            () => pipeline.RunAsync(cancellation: TestContext.Current.CancellationToken));
        Assert.Equal("'lines' failed: No space left on device", failure.Message);
    }

    private sealed class FullForAMoment : MemoryStream
    {
        private int writes;

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            if (++writes == 3) throw new IOException("No space left on device");
        }
    }

    [Fact]
    public async Task AnUnwritableFileFailsTheRunWithItsPath()
    {
        string folder = Path.GetTempPath();
        var failure = await Assert.ThrowsAsync<PipelineException>(() => (Source.From(["a"]) | Sink.Lines(folder)).RunAsync());
        Assert.Equal("lines", failure.Node);
        Assert.Contains(folder, failure.Message, StringComparison.Ordinal);
        Assert.SkipUnless(File.Exists("/dev/full"), "There is no /dev/full here.");
        var full = await Assert.ThrowsAsync<PipelineException>(
            () => (Source.From(Enumerable.Repeat(new string('x', 1000), 1000)) | Sink.Lines("/dev/full")).RunAsync());
        Assert.Contains("/dev/full", full.Message, StringComparison.Ordinal);
    }
}
