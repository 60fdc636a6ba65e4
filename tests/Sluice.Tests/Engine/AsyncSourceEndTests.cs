using System.Runtime.CompilerServices;
using Sluice.Testing;

namespace Sluice.Tests.Engine;

/// <summary>A drain begins while the enumerator of an asynchronous source waits for its next item.</summary>
public class AsyncSourceEndTests
{
    [Fact]
    public async Task ADrainWaitsForAnEnumeratorThatHonoursItsToken()
    {
        var waiting = new TaskCompletionSource();
        bool left = false;
        async IAsyncEnumerable<int> Endless([EnumeratorCancellation] CancellationToken cancellation = default)
        {
            try
            {
                yield return 1;
                waiting.SetResult();
                await Task.Delay(Timeout.Infinite, cancellation);
            }
            finally
            {
                await Task.Yield();
                left = true;
            }
        }
        List<int> seen = [];
        await using PipelineRun run = Source.From(Endless()).ForEach(seen.Add).Start();
        await waiting.Task;
        Assert.True(await run.StopAsync());
        Assert.Equal([1], seen);
        Assert.True(left);
        Assert.Empty(run.StillRunning);
    }

    [Fact]
    public async Task AnEnumeratorThatIgnoresItsTokenIsNamedAfterTheStopTimeout()
    {
        var waiting = new TaskCompletionSource();
        var never = new TaskCompletionSource();
        async IAsyncEnumerable<int> Deaf()
        {
            yield return 1;
            waiting.SetResult();
            await never.Task;
        }
        var clock = new TestClock();
        PipelineRun run = (Source.From(Deaf()) | Stage.Named("deaf")).ForEach(_ => { })
            .Start(new RunOptions { Time = clock, StopTimeout = TimeSpan.FromSeconds(5) });
        await waiting.Task;
        Task<bool> drained = run.StopAsync();
        while (!drained.IsCompleted)                 // the moment to come back, perhaps, and the stop timeout
        {
            clock.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }
        Assert.True(await drained);
        Assert.Equal(["deaf"], run.StillRunning);
        never.SetResult();
    }
}
