namespace Sluice.Tests.Engine;

/// <summary>A run is disposed before its end: by mistake, or because it is to end.</summary>
public class EarlyDisposalTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <remarks>Regression: a program that forgot to await its run ended at once, and said nothing.</remarks>
    [Theory]
    [InlineData("", true)]
    [InlineData("Snapshot", true)]
    [InlineData("Completion", false)]
    [InlineData("CancelAsync", false)]
    [InlineData("StopAsync", false)]
    [InlineData("token", false)]
    public async Task ARunOfWhichNothingWasAskedIsWarnedOf(string asked, bool isWarned)
    {
        using var warned = new WarningListener();
        using var token = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        PipelineRun run = (Source.From(Endless()) | NoteEarly).Start(cancellation: token.Token);
        Task ended = asked switch
        {
            "Completion" => run.Completion,
            "CancelAsync" => run.CancelAsync(),
            "StopAsync" => run.StopAsync(cancellation: Cancellation),
            _ => Task.CompletedTask
        };
        if (asked == "Snapshot") _ = run.Snapshot();
        if (asked == "token") await token.CancelAsync();
        await run.DisposeAsync();
        await ended.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        Assert.Equal(isWarned, warned.OwnTexts.Any(static text => text.StartsWith(
            "The run that ends with 'NoteEarly' was disposed before its end.", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task ASequenceMayBeLeftEarly()
    {
        using var warned = new WarningListener();
        await foreach (int n in Source.From(Endless()).ToAsyncEnumerable(cancellation: Cancellation))
            if (n == 3) break;
        Assert.Empty(warned.OwnTexts);
    }

    private static void NoteEarly(int n) => _ = n;

    private static IEnumerable<int> Endless()
    {
        for (int n = 0; ; n++) yield return n;
    }
}
