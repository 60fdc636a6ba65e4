using Sluice.Delivery;

namespace Sluice.Tests.Producers;

/// <summary>One file was accepted, and is gone or has another journal at the next start. Earlier versions have stored an empty position
/// then.</summary>
public sealed class OnlyFileTests : IDisposable
{
    private readonly DirectoryInfo directory = Directory.CreateTempSubdirectory("inbox-");
    private readonly List<string> warnings = [];
    private ProducerPosition? earlier;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private string Journal => Path.Combine(directory.FullName, ".in.taken");

    private Source<string> Files => Source.ResumableFiles("in", directory.FullName,
        new() { QuietDuration = TimeSpan.Zero, OnWarning = warnings.Add });

    private Source<string> Names => Files.Select(path => Path.GetFileName(path));

    public void Dispose() => directory.Delete(recursive: true);

    [Theory]
    [InlineData(1, false)]
    [InlineData(1, true)]
    [InlineData(2, false)]
    public async Task TheNextFileIsAcceptedIfAllFilesBeforeItAreGone(int before, bool isEarlier)
    {
        await using Intake intake = New();
        for (int i = 0; i < before; i++) Write($"day{i}");
        if (isEarlier) earlier = new(1, "Source.ResumableFiles", default);
        await intake.AcceptAsync(Names);
        earlier = null;
        for (int i = 0; i < before; i++) Remove($"day{i}");
        Write("next");
        await intake.AcceptAsync(Names);
        Write("other");
        await intake.AcceptAsync(Names);
        string[] accepted = await intake.AcceptedAsync();
        Assert.Equal([.. Enumerable.Range(0, before).Select(static i => $"day{i}"), "next", "other"], accepted);
        Assert.Empty(warnings);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AStageThatOpensTheFileFailsAndLosesNothing(bool isEarlier)
    {
        await using Intake intake = New();
        Write("day", "a\nb\n");
        if (isEarlier) earlier = new(2, "Source.ResumableFiles", default);
        await intake.AcceptAsync(Files | File.ReadLines);
        earlier = null;
        Remove("day");
        Write("next", "c\nd\ne\n");
        await Assert.ThrowsAsync<PipelineException>(() => intake.AcceptAsync(Files | File.ReadLines));
        Write("day", "a\nb\n");
        await intake.AcceptAsync(Files | File.ReadLines);
        Assert.Equal(["a", "b", "c", "d", "e"], await intake.AcceptedAsync());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ALostJournalIsRefused(bool isEarlier)
    {
        await using Intake intake = New();
        Write("b");
        if (isEarlier) earlier = new(1, "Source.ResumableFiles", default);
        await intake.AcceptAsync(Names);
        earlier = null;
        string kept = await File.ReadAllTextAsync(Journal, Cancellation);
        File.Delete(Journal);
        Write("a");
        await RefusedAsync(intake, "it has 0 names");
        await File.WriteAllTextAsync(Journal, kept, Cancellation);
        await intake.AcceptAsync(Names);
        Assert.Equal(["b", "a"], await intake.AcceptedAsync());
    }

    /// <summary>Put back from a copy that was made before the file came that was accepted last.</summary>
    [Fact]
    public async Task AJournalWithoutTheLastFileIsRefused()
    {
        await using Intake intake = New();
        foreach (string name in (string[])["a", "b", "c"]) Write(name);
        await intake.AcceptAsync(Names);
        string kept = await File.ReadAllTextAsync(Journal, Cancellation);
        await File.WriteAllTextAsync(Journal, string.Concat(kept.Split('\n')[..2].Select(static line => line + "\n")), Cancellation);
        Write("aa");
        await RefusedAsync(intake, "it has 2 names", "more than 2 files were");
        await File.WriteAllTextAsync(Journal, kept, Cancellation);
        await intake.AcceptAsync(Names);
        Assert.Equal(["a", "b", "c", "aa"], await intake.AcceptedAsync());
    }

    [Fact]
    public async Task AnotherJournalIsRefused()
    {
        await using Intake intake = New();
        Write("b");
        await intake.AcceptAsync(Names);
        await File.WriteAllTextAsync(Journal, "a\nb\n", Cancellation);
        Write("a");
        await RefusedAsync(intake, "it has 2 names, or others");
        Assert.Equal(["b"], await intake.AcceptedAsync());
    }

    private Intake New() => new() { Through = store => earlier is { } position ? new EarlierPosition(store, position) : store };

    private async Task RefusedAsync(Intake intake, string why, string accepted = "a file was")
    {
        var failure = await Assert.ThrowsAsync<PipelineException>(() => intake.AcceptAsync(Names));
        Assert.Contains($"{Journal} is not the journal by which {accepted} accepted before: {why}", failure.Message,
            StringComparison.Ordinal);
    }

    private void Write(string name, string text = "") => File.WriteAllText(Path.Combine(directory.FullName, name), text);

    private void Remove(string name) => File.Delete(Path.Combine(directory.FullName, name));
}
