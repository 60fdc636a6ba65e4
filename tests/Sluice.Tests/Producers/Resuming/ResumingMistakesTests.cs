namespace Sluice.Tests.Producers;

/// <summary>Mistakes between a resumable producer and its consecutor are reported before any item is accepted.</summary>
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
            () => Source.ResumableFiles("may", directory.FullName, new() { QuietDuration = TimeSpan.Zero }),
            () => Source.Resumable<string>("may", (_, _) => AsyncEnumerable.Range(0, 3)
                .Select(n => new WithPosition<string>($"{n}", new byte[24]))),
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

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AnEmptyPositionIsRefused(bool isAcknowledged)
    {
        await using var intake = new Intake();
        IAsyncEnumerable<WithPosition<string>> items = Enumerable.Repeat(new WithPosition<string>("a", default), 1).ToAsyncEnumerable();
        Exception failure = await Assert.ThrowsAnyAsync<Exception>(() => intake.AcceptAsync(isAcknowledged
            ? Source.Acknowledged("may", "test", (_, _) => items) : Source.Resumable("may", (_, _) => items)));
        Assert.Contains("A position of the producer 'may' is empty. That means the beginning", failure.Message, StringComparison.Ordinal);
        Assert.Empty(await intake.AcceptedAsync());
    }

    [Fact]
    public async Task AJournalThatCannotBeWrittenIsNamedWithTheOption()
    {
        await using var intake = new Intake();
        string journal = Directory.CreateDirectory(Path.Combine(directory.FullName, ".state")).FullName;     // access is denied
        Exception failure = await Assert.ThrowsAnyAsync<Exception>(
            () => intake.AcceptAsync(Source.ResumableFiles("may", directory.FullName, new() { Journal = journal })));
        Assert.Contains($"The producer 'may' cannot write its journal {journal}: ", failure.Message, StringComparison.Ordinal);
        Assert.Contains("set Journal in its options", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AStageThatMayReorderItemsBeforeTheConsecutorIsRefused()
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
    public async Task StagesThatKeepTheOrderAreAllowed()
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
    public async Task AStatefulStageBeforeTheConsecutorIsRefusedByName()
    {
        const string Behind = "Put it behind the consecutor", Out = "Leave it out here";
        (string, string, Source<string>)[] ways =
        [
            ("chunk-1 holds the items of a chunk", Behind, Letters.Chunk(2).Select(string.Concat)),
            ("Longest (scan) remembers the result so far", Behind, Letters.Scan("", Longest)),
            ("sums (scan) remembers the result so far", Behind,
                Letters.Scan("", (sum, letter) => sum + letter) | Stage.Named("sums") | Turn),
            ("distinct-1 remembers what it has seen", Behind, Letters.Distinct()),
            ("Same (distinct) remembers what it has seen", Behind, Letters.DistinctBy(Same)),
            ("aggregate-1 remembers the result so far", Behind, Letters.Aggregate("", (sum, letter) => sum + letter)),
            ("Same (group) holds the items of a run", Behind, Letters.GroupBy(Same).Select(group => group.Key)),
            ("window-1 gathers items", Behind, Letters.Window(TimeSpan.FromHours(1)).SelectMany(window => window.Items)),
            ("skip-1 counts what goes by", Out, Letters.Skip(1)),
            ("skip-while-1 remembers whether", Out, Letters.SkipWhile(letter => letter != "c")),
            ("round-robin-1 remembers which branch is next", Out, Letters.RoundRobin(s => s | Turn, s => s | Same)),
            ("join-1 holds items until", Behind, Letters.Join(s => s | Turn, s => s | Same, a => a, b => b, (a, _) => a,
                TimeSpan.FromHours(1))),
            ("Counting (node) keeps state by key", Behind, Letters | StageNode.Of(() => new Counting())),
            ("Holding (node) may hold something until EndAsync", Out, Letters | StageNode.Of(() => new Holding())),
            ("scan-1 remembers the result so far", Behind, Letters | [s => s | Turn, s => s.Scan("", (sum, letter) => sum + letter)]),
        ];
        foreach (var (why, advice, source) in ways)
        {
            await using var intake = new Intake();
            Exception failure = await Assert.ThrowsAnyAsync<Exception>(() => intake.AcceptAsync(source));
            Assert.Contains($"'may' cannot be resumed through this pipeline: {why}", failure.Message, StringComparison.Ordinal);
            Assert.Contains(advice, failure.Message, StringComparison.Ordinal);
            Assert.Empty(await intake.AcceptedAsync());
        }
    }

    [Fact]
    public async Task AStageThatDependsOnTheTimeOnlyIsAllowed()
    {
        for (int first = 0; first <= 4; first++)
        {
            Source<string> source = Letters.Throttle(1000, TimeSpan.FromHours(1)).Timeout(TimeSpan.FromHours(1))
                .Where(letter => letter != "b");
            await using var intake = new Intake();
            await intake.AcceptAsync(source, first);
            await intake.AcceptAsync(source);
            Assert.Equal(["a", "c", "d"], await intake.AcceptedAsync());
        }
    }

    private static string Longest(string one, string other) => other.Length > one.Length ? other : one;

    private sealed class Counting : StatefulStageNode<string, string, int>
    {
        protected override ValueTask ProcessAsync(string item, Output<string> output, CancellationToken cancellation)
            => output.PushAsync($"{item}{++State}");
    }

    private sealed class Holding : StageNode<string, string>
    {
        protected override ValueTask ProcessAsync(string item, Output<string> output, CancellationToken cancellation) => default;

        protected override ValueTask EndAsync(Output<string> output, CancellationToken cancellation) => output.PushAsync("end");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AProducerThatReachesConsecutorsInSeveralPlacesIsRefused(bool areTwo)
    {
        await using var first = new Intake();
        await using var second = new Intake();
        // the process died between the two commits
        foreach (Intake intake in (Intake[])[first, second]) await intake.AcceptAsync(Letters, intake == first ? 2 : 3);
        await using (Consecutor<string> one = first.New(_ => { }), other = second.New(_ => { }))
        {
            Pipeline both = Letters | [s => s | one, s => s | Turn | (areTwo ? other : one)];
            Exception failure = await Assert.ThrowsAnyAsync<Exception>(() => both.RunAsync());
            Assert.Contains("The producer 'may' leads to a consecutor in several places", failure.Message, StringComparison.Ordinal);
        }

        // In a pipeline of its own, each resumes at its position.
        foreach (Intake intake in (Intake[])[first, second])
        {
            await intake.AcceptAsync(Letters);
            Assert.Equal(["a", "b", "c", "d"], await intake.AcceptedAsync());
        }
    }

    [Fact]
    public async Task AMissingDirectoryIsNamed()
    {
        string missing = Path.Combine(directory.FullName, "nodir");
        await using var intake = new Intake();
        var failure = await Assert.ThrowsAsync<PipelineException>(() => intake.AcceptAsync(Source.ResumableFiles("in", missing)));
        Assert.Contains($"The directory {missing}, whose files the producer 'in' takes, does not exist", failure.Message,
            StringComparison.Ordinal);
        failure = await Assert.ThrowsAsync<PipelineException>(
            () => intake.AcceptAsync(Source.ResumableFiles("in", directory.FullName, new() { Journal = Path.Combine(missing, "taken") })));
        Assert.Contains($"The directory of the journal {Path.Combine(missing, "taken")}", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AProducerFunctionThatReturnsNullIsReported()
    {
        await using var intake = new Intake();
        var failure = await Assert.ThrowsAsync<PipelineException>(() =>
            intake.AcceptAsync(Source.Resumable<string>("none", (_, _) => null!)));
        Assert.Contains("The function of the producer 'none' returned null instead of a sequence", failure.Message,
            StringComparison.Ordinal);
    }

    /// <remarks>It was said to be taken by another run.</remarks>
    [Fact]
    public async Task AJournalWhoseNameIsTooLongIsSaidToBe()
    {
        await using var intake = new Intake();
        var failure = await Assert.ThrowsAnyAsync<Exception>(
            () => intake.AcceptAsync(Source.ResumableFiles(new string('\u20AC', 100), directory.FullName)));
        Assert.Contains("Set Journal in its options to a shorter path.", failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("another run", failure.Message, StringComparison.Ordinal);
    }
}
