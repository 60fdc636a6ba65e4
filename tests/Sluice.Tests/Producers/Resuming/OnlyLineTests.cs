using System.Text;
using Sluice.Delivery;
using Sluice.Producers;

namespace Sluice.Tests.Producers;

/// <summary>Lines of a file or an input of which one line, or a part of one, was accepted; and positions of earlier versions, which are
/// before the last accepted line.</summary>
public sealed class OnlyLineTests : IDisposable
{
    private readonly string path = Path.GetTempFileName();
    private ProducerPosition? earlier;

    public void Dispose() => File.Delete(path);

    [Theory]
    [InlineData("monday\n", "tuesday\nwednesday\n", "1 line was accepted before", "differ")]
    [InlineData("monday\n", "", "1 line was accepted before", "ends after 0 lines, and 1 line was accepted before")]
    [InlineData("monday\n", "mon", "1 line was accepted before", "differ")]
    [InlineData("monday\ntuesday\n", "monday\nsunday\nwednesday\n", "2 lines were accepted before", "differ")]
    [InlineData("1\n2\n", "1\n20\n30\n", "2 lines were accepted before", "differ")]
    public async Task AnotherTextIsRefused(string before, string after, string whyNotTheFile, string whyNotTheInput)
    {
        await using var intake = new Intake();
        await intake.AcceptAsync(Lines(before));
        await RefusedAsync(intake, Lines(after), whyNotTheFile);
        await intake.AcceptAsync(Lines(before));
        Assert.Equal(Split(before), await intake.AcceptedAsync());
        await using var input = new Intake();
        await input.AcceptAsync(Input(before));
        await RefusedAsync(input, Input(after), whyNotTheInput);
        await input.AcceptAsync(Input(before));
        Assert.Equal(Split(before), await input.AcceptedAsync());
    }

    /// <summary>The position of an input does not tell whether its last line had an end.</summary>
    [Fact]
    public async Task AnInputWhoseLastLineHasGrownIsRefused()
    {
        await using var intake = new Intake();
        await intake.AcceptAsync(Input("a\nb"));
        await RefusedAsync(intake, Input("a\nbc\n"), "differ");
        await intake.AcceptAsync(Input("a\nb\nc\n"));
        Assert.Equal(["a", "b", "c"], await intake.AcceptedAsync());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task ATextThatEndsBeforeALineOfWhichAPartWasAcceptedIsRefused(int whole)
    {
        string[] lines = ["monday", "tuesday"];
        string before = string.Join('\n', lines) + "\n", after = string.Concat(lines[..whole].Select(static line => line + "\n"));
        string why = whole == 0 ? "a part was accepted before" : "more than 1 line was accepted before";
        await using var intake = new Intake();
        await intake.AcceptAsync(Twice(Lines(before)), (whole * 2) + 1);
        await RefusedAsync(intake, Twice(Lines(after)), why);
        await intake.AcceptAsync(Twice(Lines(before)));
        Assert.Equal(["monday", "monday", "tuesday", "tuesday"], await intake.AcceptedAsync());
        await using var input = new Intake();
        await input.AcceptAsync(Twice(Input(before)), (whole * 2) + 1);
        await RefusedAsync(input, Twice(Input(after)), why);
        await input.AcceptAsync(Twice(Input(before)));
        Assert.Equal(["monday", "monday", "tuesday", "tuesday"], await input.AcceptedAsync());
    }

    [Theory]
    [InlineData("a\n", "b\n")]
    [InlineData("a\nbb\nc\n", "d\n")]
    [InlineData("a\nbb", "\nc\n")]
    [InlineData("a\r\nbb\r", "\nc\n")]
    [InlineData("a\r\nbb\r", "\r\nc\n")]
    [InlineData("a\nbb", " and more\nc\n")]
    [InlineData("a\nbb", "\r")]
    public async Task APositionOfAnEarlierVersionIsReadAndReplaced(string before, string added)
    {
        string[] lines = Split(before);
        foreach (bool isInput in (bool[])[false, true])
        {
            if (isInput && !before.EndsWith('\n')) continue;         // lines that are piped in again are the same
            await using Intake intake = New();
            earlier = new(1, isInput ? "Source.ResumableInput" : "Source.ResumableLines", Earlier(before, isInput));
            await intake.AcceptAsync(isInput ? Input(before) : Lines(before));
            earlier = null;
            await intake.AcceptAsync(isInput ? Input(before) : Lines(before));
            await intake.AcceptAsync(isInput ? Input(before + added) : Lines(before + added));
            await intake.AcceptAsync(isInput ? Input(before + added + "e\n") : Lines(before + added + "e\n"));
            string[] all = Split(before + added + "e\n"), accepted = await intake.AcceptedAsync();
            Assert.Equal([.. lines, .. all[lines.Length..]], accepted);
        }
    }

    [Theory]
    [InlineData("a\n", "", "a part was accepted before")]
    [InlineData("a\nbb\n", "a\n", "more than 1 line was accepted before")]
    [InlineData("a\nbb\nc\n", "a\n", "more than 2 lines were accepted before")]
    public async Task ATextThatWasCutIsRefusedByAPositionOfAnEarlierVersion(string before, string after, string why)
    {
        foreach (bool isInput in (bool[])[false, true])
        {
            await using Intake intake = New();
            earlier = new(1, isInput ? "Source.ResumableInput" : "Source.ResumableLines", Earlier(before, isInput));
            await intake.AcceptAsync(isInput ? Input(before) : Lines(before));
            earlier = null;
            await RefusedAsync(intake, isInput ? Input(after) : Lines(after), why);
        }
    }

    private Intake New() => new() { Through = store => earlier is { } position ? new EarlierPosition(store, position) : store };

    // Of the first line, it was empty.
    private static byte[] Earlier(string text, bool isInput)
    {
        LinePosition before = default, behind = default;
        var read = new LinesRead();
        foreach (string line in Split(text))
        {
            read.Add(line, read.Behind.Line + 1);
            (before, int at) = (behind, (int)behind.Offset);
            int end = text.AsSpan(at).IndexOfAny('\n', '\r');
            int length = end < 0 ? text.Length - at : text.AsSpan(at + end).StartsWith("\r\n") ? end + 2 : end + 1;
            behind = behind.Behind(Encoding.UTF8.GetBytes(text.Substring(at, length)));
        }
        if (isInput) before = read.Before;
        return before.Line == 0 ? [] : before.ToBytes();
    }

    private static string[] Split(string text) => text.Length == 0 ? [] : [.. Read(new StringReader(text))];

    private static IEnumerable<string> Read(StringReader text)
    {
        while (text.ReadLine() is { } line) yield return line;
    }

    private static Source<string> Twice(Source<string> lines) => lines.SelectMany(static line => (string[])[line, line]);

    private static async Task RefusedAsync(Intake intake, Source<string> source, string why)
        => Assert.Contains(why, (await Assert.ThrowsAsync<PipelineException>(() => intake.AcceptAsync(source))).Message,
            StringComparison.Ordinal);

    private static Source<string> Input(string text) => Source.ResumableInput("input", static (_, line) => line, new StringReader(text));

    private Source<string> Lines(string text)
    {
        File.WriteAllText(path, text);
        return Source.ResumableLines("lines", path);
    }
}
