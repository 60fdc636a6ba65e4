using System.Threading.Channels;
using Sluice.Testing;

namespace Sluice.Tests.Producers;

public class PushedSourceTests
{
    private readonly SinkProbe<int> sink = new();

    private static RunOptions On(SeededScheduler scheduler) => new() { Scheduler = scheduler, Time = new TestClock() };

    [Fact]
    public async Task AFullManualSourceMakesSendersWait()
    {
        var scheduler = new SeededScheduler(1);
        ManualSource<int> intake = Source.Manual<int>(capacity: 2);
        sink.Block();
        Task first = intake.SendAsync(0).AsTask();
        Assert.False(first.IsCompleted);                                 // there is no run yet
        PipelineRun run = (intake | sink.Sink).Start(On(scheduler));
        await first;
        scheduler.RunUntilIdle();
        Assert.True(intake.SendAsync(1).IsCompleted);
        Assert.True(intake.SendAsync(2).IsCompleted);
        Task waiting = intake.SendAsync(3).AsTask();
        using var giveUp = new CancellationTokenSource();
        Task given = intake.SendAsync(99, giveUp.Token).AsTask();
        Assert.False(waiting.IsCompleted);
        await giveUp.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => given);
        sink.Release();
        scheduler.RunUntilIdle();
        await waiting;
        intake.Complete();
        await scheduler.RunToEndAsync(run);
        Assert.Equal([0, 1, 2, 3], sink.Items);
        await Assert.ThrowsAsync<InvalidOperationException>(() => intake.SendAsync(4).AsTask());
    }

    [Fact]
    public async Task ASenderBehindAFailedRunIsToldWhy()
    {
        ManualSource<int> intake = Source.Manual<int>();
        PipelineRun run = (intake | (static n => 1 / n) | (static _ => { })).Start();
        await intake.SendAsync(0);
        await Assert.ThrowsAsync<PipelineException>(() => run.Completion);
        var refused = await Assert.ThrowsAsync<InvalidOperationException>(() => intake.SendAsync(1).AsTask());
        Assert.Contains("the run that took from this source has failed", refused.Message, StringComparison.Ordinal);
        Assert.IsType<DivideByZeroException>(Assert.IsType<PipelineException>(refused.InnerException).InnerException);
    }

    [Fact]
    public async Task SendersThatWaitForTheFirstRunAreReportedOnce()
    {
        using var warnings = new WarningListener();
        var clock = new TestClock();
        var intake = new ManualSource<Unheard>(null, clock);
        using var giveUp = new CancellationTokenSource();
        Task given = intake.SendAsync(new(0), giveUp.Token).AsTask();
        Task[] sent = [intake.SendAsync(new(1)).AsTask(), intake.SendAsync(new(2)).AsTask()];
        await giveUp.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => given);
        clock.Advance(TimeSpan.FromSeconds(4.9));
        Assert.Empty(Said());
        clock.Advance(TimeSpan.FromSeconds(0.2));
        while (Said().Length == 0) await Task.Yield();                  // the timer's continuation runs on another thread
        Assert.Equal("SendAsync of a Source.Manual<Unheard>() has waited for 5 seconds, because no run takes from it. Start the pipeline "
            + "that begins with it before you send: PipelineRun run = pipeline.Start().", Assert.Single(Said()));
        List<Unheard> seen = [];
        PipelineRun run = (intake | seen.Add).Start();
        await Task.WhenAll(sent);
        intake.Complete();
        await run.Completion;
        Assert.Equal([1, 2], seen.Select(static item => item.Number).Order());
        Assert.Single(Said());

        string[] Said() => [.. warnings.Texts.Where(static text => text.Contains(nameof(Unheard), StringComparison.Ordinal))];
    }

    [Theory]
    [InlineData(ExecutionMode.SingleThread)]
    [InlineData(ExecutionMode.MultiThread)]
    public async Task ADrainProcessesExactlyTheAcceptedItems(ExecutionMode mode)
    {
        for (int round = 0; round < 20; round++)
        {
            ManualSource<int> intake = Source.Manual<int>(capacity: 4);
            List<int> seen = [];
            PipelineRun run = (intake | (n => n) | Stage.Buffer(2) | seen.Add).Start(mode);
            int accepted = 0;
            Task[] senders = [.. Enumerable.Range(0, 3).Select(sender => Task.Run(async () =>
            {
                try
                {
                    while (true)
                    {
                        await intake.SendAsync(1);
                        if (Interlocked.Increment(ref accepted) == 50) _ = run.StopAsync();
                    }
                }
                catch (InvalidOperationException e)
                {
                    Assert.Contains("not accepted", e.Message, StringComparison.Ordinal);
                }
            }))];
            await Task.WhenAll(senders);
            await run.Completion;
            Assert.Equal(accepted, seen.Count);
        }
    }

    [Fact]
    public async Task ASecondRunOfAManualSourceFailsWithTheNameOfTheSource()
    {
        ManualSource<int> intake = Source.Manual<int>();
        Source<int> named = intake | Stage.Named("orders");
        await using PipelineRun first = (named | sink.Sink).Start(ExecutionMode.SingleThread);
        var failure = await Assert.ThrowsAsync<PipelineException>(() => named.ToListAsync());
        Assert.Equal("orders", failure.Node);
        Assert.Contains("one live thing", failure.Message, StringComparison.Ordinal);
        await intake.SendAsync(1);
        intake.Fail(new FormatException("gone"));
        Assert.Equal("'orders' failed: gone", (await Assert.ThrowsAsync<PipelineException>(() => first.Completion)).Message);
        Assert.Equal([1], sink.Items);
    }

    [Fact]
    public async Task SendersToACancelledRunGetAnException()
    {
        ManualSource<int> intake = Source.Manual<int>(capacity: 1);
        sink.Block();
        PipelineRun run = (intake | sink.Sink).Start();
        Task sending = Task.Run(async () =>
        {
            while (true) await intake.SendAsync(1);
        });
        await sink.HeldAsync();
        await run.DisposeAsync();
        await Assert.ThrowsAsync<InvalidOperationException>(() => sending);
    }

    [Fact]
    public async Task ACreatedSourceEndsOrFailsWithItsFunction()
    {
        Source<int> source = Source.Create<int>(async (push, cancellation) =>
        {
            for (int i = 0; i < 100; i++) await push(i);
        }, capacity: 3);
        for (int seed = 0; seed < 20; seed++)
        {
            var scheduler = new SeededScheduler(seed);
            List<int> seen = [];
            await scheduler.RunToEndAsync((source | seen.Add).Start(On(scheduler)), maxWait: TimeSpan.Zero);
            Assert.Equal(Enumerable.Range(0, 100), seen);
        }
        Source<int> failing = Source.Create<int>((push, cancellation) => throw new FormatException("no"));
        Assert.Equal("'pushed-1' failed: no", (await Assert.ThrowsAsync<PipelineException>(() => failing.ToListAsync())).Message);
    }

    [Fact]
    public async Task PushesThatAreNotAwaitedArriveBeforeTheSourceEndsAndAWarningSaysSo()
    {
        using var warnings = new WarningListener();
        Source<int> source = Source.Create<int>(static (push, cancellation) =>
        {
            for (int i = 0; i < 100; i++) _ = push(i);
            return Task.CompletedTask;
        }, capacity: 1) | Stage.Named("careless");
        for (int seed = 0; seed < 20; seed++)
        {
            var scheduler = new SeededScheduler(seed);
            List<int> seen = [];
            await scheduler.RunToEndAsync((source | seen.Add).Start(On(scheduler)), maxWait: TimeSpan.Zero);
            Assert.Equal(Enumerable.Range(0, 100), seen);
        }
        Assert.Equal(Enumerable.Repeat("The function of the source careless does not await all of its pushes: it returned while some of "
            + "them waited for room. The source waits in its place. Await every push.", 20),
            warnings.Texts.Where(static text => text.Contains("careless", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task AStopDoesNotWaitForPushesThatAreNotAwaited()
    {
        sink.Block();
        List<Task> pushes = [];
        PipelineRun run = (Source.Create<int>((push, _) =>
        {
            for (int i = 0; i < 10; i++) pushes.Add(push(i).AsTask());
            return Task.CompletedTask;
        }, capacity: 2) | sink.Sink).Start();
        await sink.HeldAsync();
        Task<bool> stopping = run.StopAsync();
        sink.Release();
        Assert.True(await stopping);
        Assert.Equal(pushes.Count(static push => push.IsCompletedSuccessfully), sink.Items.Count);
        Assert.All(pushes.Where(static push => !push.IsCompletedSuccessfully), static push => Assert.True(push.IsCanceled));
    }

    [Fact]
    public async Task ADrainCancelsThePushFunctionAndProcessesTheAcceptedItems()
    {
        for (int seed = 0; seed < 50; seed++)
        {
            var scheduler = new SeededScheduler(seed);
            int accepted = 0;
            bool told = false;
            List<int> seen = [];
            PipelineRun? run = null;
            scheduler.BeforeStep = step =>
            {
                if (step == 20) _ = run!.StopAsync();
            };
            Source<int> source = Source.Create<int>(async (push, cancellation) =>
            {
                try
                {
                    while (true)
                    {
                        await push(accepted);
                        accepted++;
                        await Task.Yield();
                    }
                }
                catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
                {
                    told = true;
                }
            }, capacity: 2);
            await scheduler.RunToEndAsync((source | (n => n) | Stage.Buffer(2)
                | seen.Add).Start(On(scheduler) with { OnStarted = started => run = started }));
            Assert.Equal(accepted, seen.Count);
            Assert.True(told);
        }
    }

    [Fact]
    public async Task AChannelSourceReadsToTheEndAndADrainLeavesTheRest()
    {
        var channel = Channel.CreateUnbounded<int>();
        for (int i = 0; i < 10; i++) channel.Writer.TryWrite(i);
        sink.Block();
        var scheduler = new SeededScheduler(1);
        PipelineRun run = (Source.From(channel.Reader) | sink.Sink).Start(On(scheduler));
        Task<bool> drained = run.StopAsync();
        sink.Release();
        scheduler.RunUntilIdle();
        Assert.True(await drained);
        Assert.Equal([0], sink.Items);
        channel.Writer.Complete(new FormatException("broken"));
        List<int> rest = [];
        var failure = await Assert.ThrowsAsync<PipelineException>(() => (Source.From(channel.Reader) | rest.Add).RunAsync());
        Assert.Equal("'source-1' failed: broken", failure.Message);
        Assert.Equal(Enumerable.Range(1, 9), rest);
    }

    private sealed record Unheard(int Number);
}
