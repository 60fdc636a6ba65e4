namespace Sluice.Tests.Producers;

public class ResumableInputTests
{
    private const string Text = "a\r\nb\n\nd\ne";

    [Fact]
    public async Task InputThatIsPipedInAgainResumesAtItsPosition()
    {
        for (int first = 0; first <= 5; first++)
        {
            await using var intake = new Intake();
            await intake.AcceptAsync(Input(Text), first);
            await intake.AcceptAsync(Input(Text), 1);
            await intake.AcceptAsync(Input(Text));
            await intake.AcceptAsync(Input(Text + "\nf"));
            Assert.Equal(["1a", "2b", "3", "4d", "5e", "6f"], await intake.AcceptedAsync());
        }
    }

    [Theory]
    [InlineData("a\nb\nc\nd\n", "differ")]
    [InlineData("a\nb\n", "ends after 2 lines, and 4 lines were accepted before")]
    [InlineData("", "ends after 0 lines")]
    public async Task ADifferentInputIsRefused(string other, string message)
    {
        await using var intake = new Intake();
        await intake.AcceptAsync(Input(Text), 4);
        var failure = await Assert.ThrowsAsync<PipelineException>(() => intake.AcceptAsync(Input(other)));
        Assert.Contains(message, failure.Message, StringComparison.Ordinal);
        await intake.AcceptAsync(Input(Text));
        Assert.Equal(["1a", "2b", "3", "4d", "5e"], await intake.AcceptedAsync());
    }

    /// <summary>The text keeps the last line that was read, also for another source over it.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public async Task ASecondRunGoesOnIfTheLastReadLineWasNotAccepted(int bad)
    {
        await using var intake = new Intake();
        var text = new StringReader(Text);
        await Assert.ThrowsAsync<PipelineException>(() => intake.AcceptAsync(Source.ResumableInput("input",
            (number, line) => number == bad ? throw new FormatException("no good") : $"{number}{line}", text)));
        await intake.AcceptAsync(Input(text));
        Assert.Equal(["1a", "2b", "3", "4d", "5e"], await intake.AcceptedAsync());
    }

    /// <summary>Lines before the last one that was read are gone.</summary>
    [Fact]
    public async Task ASecondRunIsRefusedIfReadLinesWereNotAccepted()
    {
        await using var intake = new Intake();
        var text = new StringReader(Text);
        Assert.Equal(["1a", "2b"], await Input(text).Take(2).ToArrayAsync());
        var failure = await Assert.ThrowsAsync<PipelineException>(() => intake.AcceptAsync(Input(text)));
        Assert.Contains("start the process anew", failure.Message, StringComparison.Ordinal);
        await intake.AcceptAsync(Input(Text));
        Assert.Equal(["1a", "2b", "3", "4d", "5e"], await intake.AcceptedAsync());
    }

    [Fact]
    public async Task ASecondRunGoesOnIfAllReadLinesWereAccepted()
    {
        for (int first = 1; first <= 5; first++)
        {
            await using var intake = new Intake();
            var text = new StringReader(Text);
            Source<string> source = Input(text);
            await intake.AcceptAsync(source, first);
            await intake.AcceptAsync(source, 1);
            await intake.AcceptAsync(Input(text));
            await intake.AcceptAsync(Input(text));
            await intake.AcceptAsync(Input(Text + "\nf"));
            Assert.Equal(["1a", "2b", "3", "4d", "5e", "6f"], await intake.AcceptedAsync());
        }
    }

    [Fact]
    public async Task ALineThatCannotBeParsedIsReportedWithItsNumber()
    {
        await using var intake = new Intake();
        var failure = await Assert.ThrowsAsync<PipelineException>(
            () => intake.AcceptAsync(Source.ResumableInput("typed", (_, line) => $"{int.Parse(line, null)}", new StringReader("1\nx\n"))));
        Assert.Contains("the input of typed, line 2: The input string 'x'", failure.Message, StringComparison.Ordinal);
    }

    private static Source<string> Input(string text) => Input(new StringReader(text));

    private static Source<string> Input(StringReader text)
        => Source.ResumableInput("input", (number, line) => $"{number}{line}", text);
}
