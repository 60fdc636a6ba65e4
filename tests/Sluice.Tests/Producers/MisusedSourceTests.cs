using Sluice.Testing;

namespace Sluice.Tests.Producers;

/// <summary>Sources that are fed in a way that cannot work: a message says so.</summary>
public class MisusedSourceTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>A crawler: what a function finds, it sends to the source that it was called for.</summary>
    [Fact]
    public async Task AFunctionThatWaitsForRoomInItsOwnSourceIsReported()
    {
        using var warnings = new WarningListener();
        var clock = new TestClock();
        var intake = new ManualSource<Link>(1, clock);
        await using PipelineRun run = (intake | (async (Link link) =>
        {
            if (link.Depth == 0)
                for (int i = 1; i <= 3; i++) await intake.SendAsync(new(i));
        })).Start();
        await intake.SendAsync(new(0), Cancellation);
        for (var seconds = new Rounds(1_000_000); Said().Length == 0;)
        {
            Assert.True(await seconds.GoOnAsync(), "Nothing is said.");
            clock.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }
        Assert.StartsWith("SendAsync of a Source.Manual<Link>() has waited for room for 5 seconds, and was called by a function of the run "
            + "that takes from it.", Assert.Single(Said()), StringComparison.Ordinal);

        string[] Said() => [.. warnings.Texts.Where(static text => text.Contains(nameof(Link), StringComparison.Ordinal))];
    }

    [Fact]
    public async Task AManualSourceInTwoPlacesOfAPipelineIsRefusedWithTheRemedy()
    {
        ManualSource<int> intake = Source.Manual<int>();
        PipelineRun run = (Source.Merge(intake | (n => n + 1), intake | (n => n - 1)) | (_ => { })).Start();
        Assert.Contains("this pipeline begins with it in two places. Begin both with one shared source: var shared = intake.Share().",
            (await Assert.ThrowsAsync<PipelineException>(() => run.Completion)).Message, StringComparison.Ordinal);
    }

    /// <summary>The handler of an event outlives the function that has registered it.</summary>
    [Fact]
    public async Task APushAfterTheFunctionHasReturnedIsRefusedAndReportedOnce()
    {
        using var warnings = new WarningListener();
        Func<int, ValueTask>? handler = null;
        Source<int> source = Source.Create<int>((push, _) =>
        {
            handler = push;
            return Task.CompletedTask;
        });
        Assert.Empty(await (source | (n => n) | Stage.Named("late handler")).ToListAsync(cancellation: Cancellation));
        var refused = await Assert.ThrowsAsync<InvalidOperationException>(() => handler!(1).AsTask());
        Assert.Contains("has returned, so the source has ended: what is pushed afterwards is not accepted.", refused.Message,
            StringComparison.Ordinal);
        await Assert.ThrowsAsync<InvalidOperationException>(() => handler!(2).AsTask());
        Assert.Single(warnings.Texts, refused.Message);
    }

    [Fact]
    public async Task AFunctionThatReturnsNoTaskIsNamed()
    {
        var failure = await Assert.ThrowsAsync<PipelineException>(() => (Source.Create<int>((_, _) => null!) | (_ => { })).RunAsync());
        Assert.Equal("'pushed-1' failed: It returned null instead of a task.", failure.Message);
    }

    private sealed record Link(int Depth);
}
