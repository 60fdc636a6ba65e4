namespace Sluice.Tests.Producers;

/// <summary>What is wrong between a producer that resumes and its consecutor is said before anything is accepted.</summary>
public sealed class ResumingMistakesTests : IDisposable
{
    private readonly DirectoryInfo directory = Directory.CreateTempSubdirectory("resuming-");

    private string FilePath => Path.Combine(directory.FullName, "may.csv");

    private static Source<string> Letters => Source.Resumable("may", (string[])["a", "b", "c", "d"]);

    public void Dispose() => directory.Delete(recursive: true);

    [Fact]
    public async Task APositionOfAnotherKindOfProducerIsRefused()
    {
        await File.WriteAllTextAsync(FilePath, "a\nb\nc\n", TestContext.Current.CancellationToken);
        Func<Source<string>>[] kinds =
        [
            () => Letters,
            () => Source.ResumableLines("may", FilePath),
            () => Source.ResumableInput("may", (_, line) => line, new StringReader("a\nb\nc\n")),
            () => Source.ResumableFiles("may", directory.FullName, new() { Quiet = TimeSpan.Zero }),
            () => Source.Resumable<string>("may", (_, _) => AsyncEnumerable.Range(0, 3).Select(n => new Positioned<string>($"{n}", new byte[24]))),
        ];
        foreach (Func<Source<string>> before in kinds)
        {
            foreach (Func<Source<string>> after in kinds.Where(other => other != before))
            {
                await using var intake = new Intake();
                await intake.AcceptAsync(before(), 1);
                Assert.Single(await intake.AcceptedAsync());
                Exception failure = await Assert.ThrowsAnyAsync<Exception>(() => intake.AcceptAsync(after()));
                Assert.Contains("The position of the producer 'may' was stored by", failure.Message, StringComparison.Ordinal);
                Assert.Contains("Give each producer a name of its own", failure.Message, StringComparison.Ordinal);
                Assert.Empty(await intake.AcceptedAsync());
            }
        }
    }

    [Fact]
    public async Task WhatWouldLoseTheOrderBetweenItAndTheConsecutorIsRefusedByName()
    {
        (string, Source<string>)[] ways =
        [
            ("Turn works unordered", Letters | Turn | Stage.Parallel(3).Unordered),
            ("Turn works by key", Letters | Stage.KeyBy((string text) => text, 2) | Turn),
            ("branches come together at Last", Letters | [s => s | Turn | Stage.Buffer(8), s => s | Same] | Last),
        ];
        foreach (var (why, source) in ways)
        {
            await using var intake = new Intake();
            Exception failure = await Assert.ThrowsAnyAsync<Exception>(() => intake.AcceptAsync(source));
            Assert.Contains($"'may' cannot be resumed through this pipeline: {why}", failure.Message, StringComparison.Ordinal);
            Assert.Empty(await intake.AcceptedAsync());
        }
    }

    [Fact]
    public async Task WhatKeepsTheOrderIsNotRefused()
    {
        for (int first = 0; first <= 8; first++)
        {
            Source<string> source = Letters | Turn | Stage.Parallel(3) | [s => s | Turn, s => s | Same] | Last;
            await using var intake = new Intake();
            await intake.AcceptAsync(source, first);
            await intake.AcceptAsync(source);
            Assert.Equal(["a", "a", "b", "b", "c", "c", "d", "d"], await intake.AcceptedAsync());
        }
    }

    private static string Turn(string text) => text;

    private static string Same(string text) => text;

    private static string Last(string text) => text;

    [Fact]
    public async Task AStageThatHoldsItemsBetweenItAndTheConsecutorIsRefused()
    {
        await using var intake = new Intake();
        Exception failure = await Assert.ThrowsAnyAsync<Exception>(() => intake.AcceptAsync(Letters.Chunk(2).Select(chunk => string.Concat(chunk))));
        Assert.Contains("holds or combines items", failure.Message, StringComparison.Ordinal);
        Assert.Empty(await intake.AcceptedAsync());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task SeveralConsecutorsBehindOneAreRefusedAsEachWouldGoOnFromAnotherPosition(bool areTwo)
    {
        await using var first = new Intake();
        await using var second = new Intake();
        foreach (Intake intake in (Intake[])[first, second]) await intake.AcceptAsync(Letters, intake == first ? 2 : 3);        // the process has died between the two
        await using (Consecutor<string> one = first.New(_ => { }), other = second.New(_ => { }))
        {
            Pipeline both = Letters | [s => s | one, s => s | Turn | (areTwo ? other : one)];
            Exception failure = await Assert.ThrowsAnyAsync<Exception>(() => both.RunAsync());
            Assert.Contains("The producer 'may' leads to a consecutor in several places", failure.Message, StringComparison.Ordinal);
        }

        // Each with a pipeline of its own goes on where it was.
        foreach (Intake intake in (Intake[])[first, second])
        {
            await intake.AcceptAsync(Letters);
            Assert.Equal(["a", "b", "c", "d"], await intake.AcceptedAsync());
        }
    }

    [Fact]
    public async Task ADirectoryThatIsNotThereIsNamed()
    {
        string missing = Path.Combine(directory.FullName, "nodir");
        await using var intake = new Intake();
        var failure = await Assert.ThrowsAsync<PipelineException>(() => intake.AcceptAsync(Source.ResumableFiles("in", missing)));
        Assert.Contains($"The directory {missing}, whose files the producer 'in' takes, does not exist", failure.Message, StringComparison.Ordinal);
        failure = await Assert.ThrowsAsync<PipelineException>(
            () => intake.AcceptAsync(Source.ResumableFiles("in", directory.FullName, new() { Journal = Path.Combine(missing, "taken") })));
        Assert.Contains($"The directory of the journal {Path.Combine(missing, "taken")}", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AFunctionThatGivesNoSequenceIsNamed()
    {
        await using var intake = new Intake();
        var failure = await Assert.ThrowsAsync<PipelineException>(() => intake.AcceptAsync(Source.Resumable<string>("none", (_, _) => null!)));
        Assert.Contains("The function of the producer 'none' returned null instead of a sequence", failure.Message, StringComparison.Ordinal);
    }
}
