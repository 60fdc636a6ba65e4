using Sluice.Testing;

namespace Sluice.Tests.Pipelines.Operators;

public sealed class DelayTests : OperatorContract<int>
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    public static TheoryData<ExecutionMode> Modes => [ExecutionMode.SingleThread, ExecutionMode.MultiThread];

    protected override string Kind => "delay";

    protected override int? FirstOutputAfter => 9; // eight items are held and one waits; then the first item blocks the sink

    protected override Source<int> Apply(Source<int> source) => source.Delay(Second, maxHeld: 8);

    protected override Pipe<int, int> Apply(Pipe<int, int> pipe) => pipe.Delay(Second, maxHeld: 8);

    protected override IEnumerable<int> Oracle(IReadOnlyList<int> items) => items;

    protected override Task DriveAsync(PipelineRun run, TestClock clock) => ClockDriver.DriveAsync(run, clock);

    private protected override void Rest(QueueScheduler scheduler, TestClock clock)
    {
        scheduler.RunUntilIdle();
        clock.Advance(Second);
        scheduler.RunUntilIdle();
    }

    [Theory, MemberData(nameof(Modes))]
    public async Task EveryItemIsEmittedAfterTheDelay(ExecutionMode mode)
    {
        await using var run = new TimedRun<int>(mode, source => source.Delay(Second));
        run.Send(1, 2);
        run.Pass(0.5);
        run.Send(3);
        run.Pass(0.4);
        Assert.Equal("", run.Seen);
        run.Pass(5);
        run.Send(4);
        run.Pass(5);
        Assert.Equal("1@1 2@1 3@1.5 4@6.9", run.Seen);
    }

    [Theory, MemberData(nameof(Modes))]
    public async Task AnItemThatWaitedForRoomIsNotDelayedTwice(ExecutionMode mode)
    {
        await using var run = new TimedRun<int>(mode, source => source.Delay(Second, maxHeld: 2));
        run.Send(1, 2, 3, 4);
        Assert.Equal(3, run.Node("delay").In);
        run.Pass(10);
        Assert.Equal("1@1 2@1 3@1 4@2", run.Seen);
    }

    [Theory, MemberData(nameof(Modes))]
    public async Task NoHeldItemIsEmittedAfterACancellation(ExecutionMode mode)
    {
        PipelineRun? started = null;
        List<int> got = [];
        await using var run = new TimedRun<int>(mode, source => source.Delay(Second).Select(n =>
        {
            got.Add(n);
            _ = started!.CancelAsync();
            return n;
        }));
        started = run.Run;
        run.Send(1, 2, 3);
        run.Pass(2);
        Assert.Equal([1], got);
    }

    [Theory, MemberData(nameof(Modes))]
    public async Task ItemsHeldAtTheEndAreEmittedOnTime(ExecutionMode mode)
    {
        await using var run = new TimedRun<int>(mode, source => source.Delay(Second));
        run.Send(1);
        run.Pass(0.5);
        run.Send(2);
        run.End();
        run.Pass(0.5);
        Assert.False(run.Run.Completion.IsCompleted);
        run.Pass(0.5);
        Assert.Equal("1@1 2@1.5", run.Seen);
        await run.AssertEndedAsync();
    }

    [Theory, MemberData(nameof(Modes))]
    public async Task ADrainEmitsHeldItemsOnTime(ExecutionMode mode)
    {
        await using var run = new TimedRun<int>(mode, source => source.Delay(Second));
        run.Send(1);
        Task<bool> drained = run.Run.StopAsync();
        run.Rest();
        run.Pass(1);
        Assert.True(await drained);
        Assert.Equal("1@1", run.Seen);
        await run.AssertEndedAsync();
    }

    [Theory, MemberData(nameof(Modes))]
    public async Task ACancelledRunDoesNotEmitHeldItems(ExecutionMode mode)
    {
        await using var run = new TimedRun<int>(mode, source => source.Delay(Second, maxHeld: 2));
        run.Send(1, 2, 3);                                           // the third waits for room
        run.Cancel();
        run.AssertCancelled();
        run.Pass(5);
        Assert.Equal("", run.Seen);
        Assert.Equal(3, run.Run.Snapshot().Roots!.Value.Pending);
    }

    [Theory, MemberData(nameof(Modes))]
    public async Task ARunThatWaitsForItsHeldItemsCanBeCancelled(ExecutionMode mode)
    {
        await using var run = new TimedRun<int>(mode, source => source.Delay(Second));
        run.Send(1);
        run.End();
        run.Cancel();
        run.AssertCancelled();
    }

    [Theory, MemberData(nameof(Modes))]
    public async Task AClockJumpEmitsAllItemsThatAreDue(ExecutionMode mode)
    {
        await using var run = new TimedRun<int>(mode, source => source.Delay(Second));
        run.Send(1);
        run.Pass(0.5);
        run.Send(2);
        run.Jump(3600);
        Assert.Equal("1@3600.5 2@3600.5", run.Seen);
    }

    [Theory, MemberData(nameof(Modes))]
    public async Task ItemsWaitWhileATickIsBlocked(ExecutionMode mode)
    {
        await using var run = new TimedRun<int>(mode, source => source.Delay(Second));
        run.Send(1, 2);
        run.Block();
        run.Pass(1);
        Assert.Equal("1@1", run.Seen);
        run.Send(3, 4);
        Assert.Equal(2, run.Node("delay").In);                       // the third item waits in front of the stage
        run.Pass(1);
        run.Unblock();
        Assert.Equal("1@1 2@2", run.Seen);
        run.End();
        run.Pass(1);
        Assert.Equal("1@1 2@2 3@3 4@3", run.Seen);
        await run.AssertEndedAsync();
    }

    [Theory, MemberData(nameof(Modes))]
    public async Task CancellingDuringATickEndsTheRun(ExecutionMode mode)
    {
        await using var run = new TimedRun<int>(mode, source => source.Delay(Second));
        run.Send(1, 2);
        run.Block();
        run.Pass(1);
        run.Send(3);
        run.Cancel();
        run.AssertCancelled();
        Assert.Equal("1@1", run.Seen);
    }

    [Fact]
    public async Task ADelayMayExceedTheLongestTimer()
    {
        await using var run = new TimedRun<int>(ExecutionMode.SingleThread, source => source.Delay(TimeSpan.FromDays(100)));
        run.Send(1);
        run.Pass(99 * 86400.0);
        Assert.Equal("", run.Seen);
        run.Pass(86400);
        Assert.Equal("1@8640000", run.Seen);
    }

    [Fact]
    public void NumbersOutOfRangeAreRefused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => Source.From([1]).Delay(TimeSpan.Zero));
        Assert.Throws<ArgumentOutOfRangeException>(() => Source.From([1]).Delay(TimeSpan.MaxValue));
        Assert.Throws<ArgumentOutOfRangeException>(() => Source.From([1]).Delay(Second, maxHeld: 0));
    }
}
