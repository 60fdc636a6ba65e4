using Sluice.Scheduling;
using Sluice.Testing;
using Sluice.Tests.Pipelines.Operators;

namespace Sluice.Tests.Engine;

/// <summary>The thread that produced a single item carries it across boundaries. Other work goes through the scheduler.</summary>
public class InlineHandOffTests
{
    [Fact]
    public async Task OneThreadCarriesASingleItemAcrossAllBoundaries()
    {
        List<int> seen = [];
        var scheduler = new QueueScheduler();
        ManualSource<int> intake = Source.Manual<int>();
        Pipeline pipeline = intake | Seen | Stage.Buffer(8) | Seen | Stage.Buffer(8) | Seen | Stage.Buffer(8) | (item => { Seen(item); });
        await using PipelineRun run = pipeline.Start(new RunOptions { Scheduler = scheduler, Time = new TestClock() });
        scheduler.RunUntilIdle();
        for (int i = 0; i < 5; i++)
        {
            seen.Clear();
            (int executed, int handedOff) = (scheduler.Executed, scheduler.HandedOff);
            Task sent = intake.SendAsync(i, TestContext.Current.CancellationToken).AsTask();
            scheduler.RunUntilIdle();
            await sent;
            Assert.Equal([i, i, i, i], seen);
            Assert.Equal((1, 3), (scheduler.Executed - executed, scheduler.HandedOff - handedOff));
        }
        intake.Complete();
        scheduler.RunUntilIdle();
        await run.Completion;

        int Seen(int item)
        {
            seen.Add(item);
            return item;
        }
    }

    [Fact]
    public async Task APushedItemIsProcessedWhileItsProducerStillWorks()
    {
        var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Pipeline pipeline = Source.Of(1) | Stage.Buffer(8) | PushAndWait | Stage.Buffer(8)
            | (item => { if (item == 1) reached.SetResult(); });
        await pipeline.RunAsync(cancellation: TestContext.Current.CancellationToken);

        // Waits until its first item has reached the sink. If this thread carried the item, that would never happen.
        IEnumerable<int> PushAndWait(int item)
        {
            yield return item;
            reached.Task.Wait(TestContext.Current.CancellationToken);
            yield return item + 1;
        }
    }

    [Fact]
    public void ATurnAcceptsAHandOffOnlyForItsLastItem()
    {
        var turn = Turn.Current;
        List<string> order = [];
        Assert.True(turn.TryBegin());
        Assert.False(turn.TryBegin());
        Assert.False(Turn.TryHandOff(new Work(() => { })));                 // not announced as the last item
        Turn.BeginLast();
        Assert.True(Turn.TryHandOff(new Work(() =>
        {
            order.Add("first");
            Assert.False(Turn.TryHandOff(new Work(() => { })));             // each work item must announce its last item itself
            Turn.BeginLast();
            Assert.True(Turn.TryHandOff(new Work(() => order.Add("second"))));
            Turn.EndLast();
        })));
        Assert.False(Turn.TryHandOff(new Work(() => { })));                 // one hand-off at a time
        Turn.EndLast();
        Assert.Empty(order);
        turn.Finish();
        Assert.Equal(["first", "second"], order);
        Turn.BeginLast();
        Assert.False(Turn.TryHandOff(new Work(() => { })));                 // no turn would execute it
        Turn.EndLast();
    }

    [Fact]
    public async Task HandedOffWorkGoesToThePoolWhenTheTurnContinuesOrIsLong()
    {
        var published = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var later = new TaskCompletionSource<int>(TaskCreationOptions.RunContinuationsAsynchronously);
        int here = 0;
        Turn turn = Turn.Current;
        Assert.True(turn.TryBegin());
        Turn.BeginLast();
        Assert.True(Turn.TryHandOff(new Work(published.SetResult)));
        Turn.EndLast();
        Turn.Publish();
        Assert.True(TryHandOffAgain());
        turn.Finish();
        int inThisTurn = Volatile.Read(ref here);                           // the turn leaves the rest to the pool
        Assert.InRange(inThisTurn, 1, 1000);
        await published.Task.WaitAsync(TestContext.Current.CancellationToken);
        Assert.True(await later.Task.WaitAsync(TestContext.Current.CancellationToken) >= inThisTurn);

        bool TryHandOffAgain()
        {
            Turn.BeginLast();
            bool accepted = Turn.TryHandOff(new Work(() =>
            {
                // Work in the pool belongs to no turn, so it cannot hand off and ends the chain.
                if (Interlocked.Increment(ref here) > 1000 || !TryHandOffAgain()) later.TrySetResult(here);
            }));
            Turn.EndLast();
            return accepted;
        }
    }

    private sealed class Work(Action action) : IThreadPoolWorkItem
    {
        public void Execute() => action();
    }
}
