using System.Collections.Concurrent;
using Sluice.Flows;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Flows;

/// <summary>The time in which the store does not answer does not count against <c>Processor.Timeout</c>.</summary>
public class TimeoutTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);
    private readonly TestClock clock = new();

    [Theory]
    [InlineData(ResumeMode.PerItem)]
    [InlineData(ResumeMode.Checkpoint)]
    public async Task AStoreThatDoesNotAnswerDoesNotUseUpTheTimeout(ResumeMode resume)
    {
        await using var lab = new FlowLab(new MemoryStreamStore(clock));
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var back = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var store = new HookedStore(lab.Store)
        {
            BeforeCommit = commit =>
            {
                if (commit.Cursors.Count == 0) return Task.CompletedTask;        // of no item
                asked.TrySetResult();
                return back.Task;
            }
        };
        Supervisor service = lab.Join(options => options with { Time = clock, LeaseDuration = TimeSpan.FromHours(1) }, store);
        var work = new Processor("work") { Inputs = ["x"], Outputs = ["y"], Resume = resume, Timeout = Limit };
        ConcurrentQueue<int> seen = [];
        service.Register(work, async (ProcessorContext context, IO<int> x, IOWriter<int> y, CancellationToken cancellation) =>
        {
            await foreach (int value in x.StreamAsync(cancellation))
            {
                seen.Enqueue(value);
                await y.WriteAsync(value, cancellation);
                if (resume == ResumeMode.Checkpoint) await context.Checkpoint<int>().SaveAsync(value, cancellation);
            }
        });
        await using FlowRun run = await service.StartAsync(Flow.From(work).Resolve(), [IOVal.Of("x", 1), IOVal.Of("x", 2)],
            cancellation: FlowLab.Cancellation);
        await asked.Task.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        clock.Advance(3 * Limit);
        back.SetResult();
        await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        Assert.Equal([1, 2], await FlowLab.ReadAsync(run.Output<int>("y")));
        Assert.Equal([1, 2], seen);
    }

    [Fact]
    public async Task AnAttemptThatCannotBeginLeavesNoTimer()
    {
        await using var lab = new FlowLab(new MemoryStreamStore(clock));
        Supervisor service = lab.Join(options => options with { Time = clock }, new BrokenOutputs(lab.Store));
        var work = new Processor("work") { Inputs = ["x"], Outputs = ["y"], Timeout = TimeSpan.FromDays(1) };
        service.Register(work, (IO<int> x) => x.FirstAsync());
        FlowRun run = await service.StartAsync(Flow.From(work).Resolve(), [IOVal.Of("x", 1)], cancellation: FlowLab.Cancellation);
        await Assert.ThrowsAnyAsync<SluiceException>(() => run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation));
        await run.DisposeAsync();
        await service.DisposeAsync();
        Assert.Equal(0, clock.ArmedTimers);
    }

    /// <summary>A function with several outputs always has a call on the way.</summary>
    [Fact]
    public void CallsThatOverlapDoNotPutTheLimitOff()
    {
        using var limit = new FunctionTimeout(clock, Limit);
        limit.GoOn();
        limit.Ask();
        for (TimeSpan passed = default; passed < Limit; passed += Limit / 100)
        {
            Assert.False(limit.Token.IsCancellationRequested);
            limit.Ask();
            clock.Advance(Limit / 100);
            limit.Answer();
        }
        Assert.True(limit.Token.IsCancellationRequested);
    }

    [Fact]
    public void AnAnswerThatComesAtOnceCountsAsWork()
    {
        using var limit = new FunctionTimeout(clock, Limit);
        limit.GoOn();
        limit.Ask();
        clock.Advance(TimeSpan.FromSeconds(0.5));
        limit.Answer();
        limit.Ask();
        clock.Advance(3 * Limit);
        Assert.False(limit.Token.IsCancellationRequested);
        limit.Answer();
        clock.Advance(Limit - TimeSpan.FromSeconds(0.6));
        Assert.False(limit.Token.IsCancellationRequested);
        clock.Advance(TimeSpan.FromSeconds(0.1));
        Assert.True(limit.Token.IsCancellationRequested);
    }

    private sealed class BrokenOutputs(IStreamStore inner) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        public override ValueTask<ProducerState> OpenProducerAsync(string stream, string producer,
            CancellationToken cancellation = default)
            => stream.EndsWith('y') ? throw new StreamStoreException("It is damaged.") { IsPermanent = true }
                : base.OpenProducerAsync(stream, producer, cancellation);
    }
}
