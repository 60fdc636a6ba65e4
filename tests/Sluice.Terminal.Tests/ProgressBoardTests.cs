using Sluice.Progress;
using Sluice.Progress.Looks;
using Sluice.Progress.Screen;
using Sluice.Testing;

namespace Sluice.Terminal.Tests;

/// <summary>The board that displays and the program's lines share, on a terminal in memory, with virtual time.</summary>
public sealed class ProgressBoardTests : IDisposable
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private readonly TestClock clock = new();
    private readonly VirtualTerminal terminal = new();
    private readonly ProgressBoard board;

    public ProgressBoardTests() => board = new(terminal.Console(), null, clock);

    /// <summary>
    /// A library that has fetched the console's writer while a display was shown writes to the terminal after its end. It may not take the
    /// lock of the writer before: a thread that holds it may wait for the lock that this one holds.
    /// </summary>
    [Fact]
    public void AWriterThatWasKeptWritesToTheTerminalAfterTheDisplay()
    {
        using var console = new StringWriter();
        using var lines = new LinesAbove(board, console);
        lines.Write("half a li");
        Assert.Equal("half a li", lines.End());
        lines.Write("Delete all? ");
        lines.Write("[y/n] ");
        lines.Flush();
        Assert.Equal(["Delete all? [y/n]"], terminal.Lines);
        Assert.Equal("", console.ToString());
    }

    [Fact]
    public void AWriterThatWasKeptWritesLinesAboveALaterDisplay()
    {
        using var lines = new LinesAbove(board, TextWriter.Null);
        lines.End();
        board.Begin(this);
        board.Update(this, Picture);
        lines.Write("info: ");
        lines.Write("one");
        lines.WriteLine();
        lines.Write('t');
        lines.Write("wo");
        clock.Advance(Second);
        Assert.Equal(["info: one", "picture"], terminal.Lines);
        board.End(this, Picture);
        lines.Write("thr");
        lines.Write("ee");
        Assert.Equal(["info: one", "two", "picture", "three"], terminal.Lines);
    }

    [Fact]
    public void LinesAfterTheEndOfTheProcessGoToTheTerminal()
    {
        using var lines = new LinesAbove(board, TextWriter.Null);
        board.Begin(this);
        board.Update(this, static width => [BoardLine.Of("picture", width)]);
        board.Leave();
        lines.WriteLine("a line that was on its way");
        lines.End();
        lines.Write("the ");
        lines.Write("last words");
        clock.Advance(Second);
        board.Update(this, static width => [BoardLine.Of("another picture", width)]);
        Assert.Equal(["picture", "a line that was on its way", "the last words"], terminal.Lines);
    }

    /// <summary>Spectre.Console throws when it measures this letter.</summary>
    [Fact]
    public void APictureThatCannotBeMeasuredCostsNoLineAndNoLaterPicture()
    {
        string luck = "picture \uffff";
        board.Begin(this);
        board.Update(this, _ => [new(luck)]);
        clock.Advance(Second);
        board.Print("a line of the program\n");
        Assert.Equal("a line of the program", terminal.Lines[0]);
        Assert.StartsWith("The displays cannot be drawn", terminal.Lines[1], StringComparison.Ordinal);
        luck = "picture";
        clock.Advance(Second);
        board.Print("another line\n");
        Assert.Equal(["a line of the program", "another line", "picture"], terminal.Lines);
    }

    [Theory]
    [InlineData(new[] { "one\r", "\ntwo\r\n" }, new[] { "one", "two" })]
    [InlineData(new[] { "\rstep 1", "\rstep 2\r", "\rstep 3\n" }, new[] { "step 1", "step 2", "step 3" })]
    [InlineData(new[] { "one\r\r\n", "two\r", "\r\n" }, new[] { "one", "two" })]
    [InlineData(new[] { "\r", "\n", "\n", "two\n" }, new[] { "", "", "two" })]
    public void ALineEndsWithEachKindOfLineEnd(string[] texts, string[] expected)
    {
        using var lines = new LinesAbove(board, TextWriter.Null);
        foreach (string text in texts) lines.Write(text);
        Assert.Equal(expected, terminal.Lines);
        Assert.Equal("", lines.End());
    }

    [Fact]
    public void ALineWithoutAnEndIsNotKeptForEver()
    {
        var wide = new VirtualTerminal();
        wide.Resize(20_000);
        using var lines = new LinesAbove(new(wide.Console()), TextWriter.Null);
        for (int dot = 0; dot < 40_000; dot++) lines.Write('.');
        Assert.Equal([16_384, 16_384], wide.Lines.Select(static line => line.Length));
        Assert.Equal(40_000 - (2 * 16_384), lines.End().Length);
    }

    [Fact]
    public void LinesThatComeTogetherCostOnePicture()
    {
        int pictures = 0;
        board.Begin(this);
        board.Update(this, Picture);
        for (int line = 1; line <= 100; line++) board.Print($"line {line}\n");
        Assert.Equal(["picture"], terminal.Lines);
        clock.Advance(TimeSpan.FromMilliseconds(50));
        Assert.Equal([.. Enumerable.Range(1, 100).Select(static line => $"line {line}"), "picture"], terminal.Lines);
        Assert.Equal(2, pictures);

        clock.Advance(Second);
        board.Print("a line after a pause\n");
        Assert.Equal("a line after a pause", terminal.Lines[^2]);
        board.Print("the last line\n");
        board.End(this, Picture);
        Assert.Equal(["the last line", "picture"], terminal.Lines[^2..]);

        IReadOnlyList<BoardLine> Picture(int width)
        {
            pictures++;
            return [BoardLine.Of("picture", width)];
        }
    }

    [Fact]
    public void APictureThatCannotBeDrawnThrowsIntoNobody()
    {
        board.Begin(this);
        board.Update(this, static _ => throw new InvalidOperationException("no luck"));
        clock.Advance(Second);
        board.Print("a line of the program\n");
        Assert.Equal(["a line of the program", "This display cannot be drawn: no luck"], terminal.Lines);
        board.End(this, static _ => throw new InvalidOperationException("bad luck"));
        Assert.Equal(["a line of the program", "This display cannot be drawn: bad luck"], terminal.Lines);
    }

    /// <summary>Spectre.Console throws when it measures this letter.</summary>
    [Fact]
    public async Task ALetterWithoutAWidthIsShownAsASpace()
    {
        string luck = "no\uffffluck" + new string('!', 100);
        int Fail(int number) => throw new InvalidOperationException(luck);
        await using PipelineRun run = (Source.From([1]) | Fail | (static _ => { })).Start();
        await Assert.ThrowsAsync<PipelineException>(() => run.Completion);
        await run.ShowProgress(new() { Console = terminal.Console() }).DisposeAsync();
        Assert.Contains(terminal.Lines, static line => line.Contains("no luck!!!!", StringComparison.Ordinal));
    }

    [Fact]
    public void RatesAreThoseOfTenSecondsAtTheShortestInterval()
    {
        var window = new RateWindow(clock);
        double? rate = null;
        // 200 looks without progress, and 100 with 20 items in a second.
        for (int look = 0; look <= 300; look++)
        {
            rate = window.Add(Math.Max(0, look - 200));
            clock.Advance(TimeSpan.FromMilliseconds(50));
        }
        Assert.Equal(10, rate!.Value, tolerance: 0.1);
    }

    [Fact]
    public void RatesAreKeptOfTheRowsThatAreShown()
    {
        var rates = new ProgressRates(clock, maxRows: 2);
        RatedLook Look(int done, string? bottleneck)
        {
            clock.Advance(Second);
            return rates.Add(new("steps", "running", 0, null, "calls", Second)
            {
                Rows = [.. Enumerable.Range(1, 1000).Select(row => new ProgressRow($"step {row}", done * row, 0, 0, ""))],
                Bottleneck = bottleneck,
            });
        }
        Look(1, null);
        Assert.Equal([("step 1", 1.0), ("step 2", 2.0)], Shown(Look(2, null)));
        Assert.Equal([("step 1", 1.0), ("step 900", null)], Shown(Look(3, "step 900")));
        Assert.Equal([("step 1", 1.0), ("step 900", 900.0)], Shown(Look(4, "step 900")));
        Assert.Equal([("step 1", 1.0), ("step 2", null)], Shown(Look(5, "step 1")));

        static IEnumerable<(string, double?)> Shown(RatedLook look) => look.Rows.Select(static one => (one.Row.Name, one.PerSecond));
    }

    public void Dispose() => terminal.Dispose();

    private static IReadOnlyList<BoardLine> Picture(int width) => [BoardLine.Of("picture", width)];
}
