using Sluice.Testing;

namespace Sluice.Tests.Engine;

/// <summary>A callback that user code registers with a token never ends the process, although a timer's thread cancels the token.</summary>
public class TimeoutCallbackTests
{
    [Fact]
    public async Task AThrowingTokenCallbackDoesNotDisturbTheTimeout()
    {
        var clock = new TestClock();
        using SemaphoreSlim begun = new(0);
        PipelineRun run = (Source.Range(0, 1).ForEachAsync(async (_, _, cancellation) =>
        {
            cancellation.Register(() => throw new InvalidOperationException("in a callback"));
            begun.Release();
            await Task.Delay(Timeout.Infinite, cancellation);
        }) | Stage.Timeout(TimeSpan.FromSeconds(1)) | Stage.OnError(ErrorPolicy.DeadLetter)).Start(new RunOptions { Time = clock });
        await begun.WaitAsync(TestContext.Current.CancellationToken);
        clock.Advance(TimeSpan.FromSeconds(1));      // an exception of a timer's callback would be thrown here
        while (!run.Completion.IsCompleted)
        {
            clock.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }
        await run.Completion;
        Assert.Contains("took longer", Assert.Single(run.Snapshot().DeadLetters).Error);
    }
}
