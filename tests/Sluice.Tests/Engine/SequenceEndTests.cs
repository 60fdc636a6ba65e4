using System.Collections.Concurrent;
using Sluice.Diagnostics;
using Sluice.Testing;

namespace Sluice.Tests.Engine;

/// <summary>A sequence of a source that fails when it is disposed.</summary>
public class SequenceEndTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <remarks>Regression: what was in flight was given up.</remarks>
    [Fact]
    public async Task WhatItHasProducedGoesThroughADrain()
    {
        var seen = new ConcurrentQueue<int>();
        var isFull = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var goesOn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        int produced = 0;
        PipelineRun run = (Source.From(Numbers()) | Stage.Named("numbers") | Stage.Buffer(4) | (async (int n) =>
        {
            await goesOn.Task;
            seen.Enqueue(n);
        })).Start(new RunOptions { Time = new TestClock() }, Cancellation);    // which stands still: the source may take long to return
        await isFull.Task.WaitAsync(Cancellation);
        Task<bool> stopped = run.StopAsync();
        goesOn.SetResult();
        await Assert.ThrowsAsync<PipelineException>(() => stopped);
        var failure = await Assert.ThrowsAsync<PipelineException>(() => run.Completion);
        Assert.Equal(("numbers", "no end"), (failure.Node, failure.InnerException!.Message));
        Assert.Equal(Enumerable.Range(0, Volatile.Read(ref produced)), seen);

        IEnumerable<int> Numbers()
        {
            try
            {
                for (int i = 0; ; i++)
                {
                    if (i == 4) isFull.TrySetResult();
                    Volatile.Write(ref produced, i + 1);
                    yield return i;
                }
            }
            finally
            {
                Throw();
            }
        }

        static void Throw() => throw new FormatException("no end");
    }

    [Theory]
    [InlineData(ExecutionMode.SingleThread)]
    [InlineData(ExecutionMode.MultiThread)]
    public async Task AFailureBehindTheSourceIsNotReplaced(ExecutionMode mode)
    {
        var failure = await Assert.ThrowsAsync<PipelineException>(() => (Source.From(Numbers())
            | (static (int _) => throw new InvalidOperationException("first")) | Stage.Named("sink"))
            .RunAsync(new RunOptions { Mode = mode }));
        Assert.Equal(("sink", "first"), (failure.Node, failure.InnerException!.Message));

        static IEnumerable<int> Numbers()
        {
            try
            {
                for (int i = 0; ; i++) yield return i;
            }
            finally
            {
                Throw();
            }
        }

        static void Throw() => throw new FormatException("no end");
    }
}
