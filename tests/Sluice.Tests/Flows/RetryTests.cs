using System.Collections.Concurrent;
using Sluice.Diagnostics;
using Sluice.Flows;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Flows;

/// <summary>A function that fails is called again as <c>Processor.Retry</c> says, and resumes as <c>Processor.Resume</c> says.</summary>
public class RetryTests
{
    private static readonly ProcessorRetry AtOnce = new(2) { Delay = TimeSpan.Zero };

    [Theory]
    [InlineData(ResumeMode.FromScratch, new[] { 1, 2, 3, 1, 2, 3, 4 })]
    [InlineData(ResumeMode.PerItem, new[] { 1, 2, 3, 3, 4 })]
    [InlineData(ResumeMode.Checkpoint, new[] { 1, 2, 3, 3, 4 })]
    public async Task AnAttemptResumesAsTheResumeModeSays(ResumeMode resume, int[] calls)
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        var work = new Processor("work") { Inputs = ["x"], Outputs = ["y"], Resume = resume, Retry = AtOnce };
        ConcurrentQueue<int> called = [], attempts = [];
        service.Register(work, async (ProcessorContext context, IO<int> x, IOWriter<int> y, CancellationToken cancellation) =>
        {
            attempts.Enqueue(context.Attempt);
            await foreach (int value in x.StreamAsync(cancellation))
            {
                called.Enqueue(value);
                if (value == 3 && called.Count(one => one == 3) == 1) throw new IOException("no paper");
                await y.WriteAsync(value, cancellation);
                if (resume == ResumeMode.Checkpoint) await context.Checkpoint<int>().SaveAsync(value, cancellation);
            }
        });
        await using FlowRun run = await service.StartAsync(Flow.From(work).Resolve(), Inputs(4), cancellation: FlowLab.Cancellation);
        Assert.Equal([1, 2, 3, 4], await FlowLab.ReadAsync(run.Output<int>("y")));
        await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        Assert.Equal(calls, called);
        Assert.Equal([1, 2], attempts);
        ProcessorInfo status = (await run.GetStatusAsync(FlowLab.Cancellation)).Processors[0];
        Assert.Equal((FlowStatus.Completed, 0, "IOException: no paper", null),
            (status.Status, status.FailedAttempts, status.LastFailure, status.Error));
        Assert.Contains("The processor work of the run " + run.Id
            + " has failed in attempt 1 of 3, and is tried again: IOException: no paper", lab.Warnings);
    }

    [Fact]
    public async Task AFailureStatesTheNumberOfAttempts()
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        var work = new Processor("work") { Inputs = ["x"], Outputs = ["y"], Retry = AtOnce };
        int calls = 0;
        service.Register(work, (IO<int> x) => Interlocked.Increment(ref calls) > 0 ? Task.FromException<int>(new IOException("no paper"))
            : Task.FromResult(1));
        await using FlowRun run = await service.StartAsync(Flow.From(work).Resolve(), Inputs(1), cancellation: FlowLab.Cancellation);
        var failure = await Assert.ThrowsAsync<FlowException>(() => run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation));
        Assert.EndsWith("the processor work has: IOException: no paper (attempt 3 of 3).", failure.Message, StringComparison.Ordinal);
        Assert.Equal(3, calls);
        ProcessorInfo status = (await run.GetStatusAsync(FlowLab.Cancellation)).Processors[0];
        Assert.Equal((FlowStatus.Failed, 3, 3), (status.Status, status.FailedAttempts, status.Starts));
    }

    /// <summary>Occasional errors in a long stream do not fail the processor; repeated errors at one item do.</summary>
    [Fact]
    public async Task ProgressResetsTheAttemptCount()
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        var work = new Processor("work")
        {
            Inputs = ["x"],
            Outputs = ["y"],
            Resume = ResumeMode.PerItem,
            Retry = new(1) { Delay = TimeSpan.Zero }
        };
        ConcurrentDictionary<int, int> seen = new();
        service.Register(work, async (IO<int> x, IOWriter<int> y) =>
        {
            await foreach (int value in x.StreamAsync())
            {
                if (seen.AddOrUpdate(value, 1, static (_, count) => count + 1) == 1) throw new IOException("no paper");
                await y.WriteAsync(value);
            }
        });
        await using FlowRun run = await service.StartAsync(Flow.From(work).Resolve(), Inputs(10), cancellation: FlowLab.Cancellation);
        Assert.Equal(Enumerable.Range(1, 10), await FlowLab.ReadAsync(run.Output<int>("y")));
        Assert.All(seen.Values, count => Assert.Equal(2, count));
    }

    /// <remarks>Formerly the pause began anew with each host.</remarks>
    [Fact]
    public async Task TheAttemptCountAndThePauseSurviveTheDeathOfTheHost()
    {
        var clock = new TestClock();
        await using var store = new MemoryStreamStore(clock);
        SupervisorOptions Named(string name) => new()
        {
            Name = name,
            Time = clock,
            RunRetentionDuration = Timeout.InfiniteTimeSpan,
            LeaseDuration = TimeSpan.FromSeconds(9)
        };
        var work = new Processor("work")
        {
            Inputs = ["x"],
            Outputs = ["y"],
            Retry = new(2) { Delay = TimeSpan.FromHours(24), MaxDelay = TimeSpan.FromHours(24) }
        };
        var first = Supervisor.Attach(store, Named("first"));
        int calls = 0;
        var times = new ConcurrentQueue<DateTimeOffset>();
        Task<int> Fail(IO<int> x, ProcessorContext context)
        {
            Interlocked.Increment(ref calls);
            times.Enqueue(clock.GetUtcNow());
            return Task.FromException<int>(new IOException($"no paper in attempt {context.Attempt}"));
        }
        first.Register(work, Fail);
        await using FlowRun run = await first.StartAsync(Flow.From(work).Resolve(), Inputs(1), run: "r",
            cancellation: FlowLab.Cancellation);
        // The first service dies in its retry pause; the second one finds its count of attempts.
        while ((await run.GetStatusAsync(FlowLab.Cancellation)).Processors[0].FailedAttempts == 0) await Task.Yield();
        await first.AbandonAsync();
        clock.Advance(TimeSpan.FromHours(24));
        var beating = new BeatingClock(clock, TimeSpan.FromSeconds(3));
        var watched = new RoundsStore(store, work);
        await using var second = Supervisor.Attach(watched, Named("second") with { Time = beating });
        second.Register(work, Fail);
        await beating.BegunAsync();
        FlowRun found = (await second.FindAsync("r", FlowLab.Cancellation))!;
        Task completion = found.Completion;
        while ((await store.FindGroupAsync(FlowNames.Hosts("work"), FlowLab.Cancellation))!.Partitions
            .Any(static one => one.Owner != "second"))
        {
            int before = watched.Rounds;
            clock.Advance(TimeSpan.FromSeconds(3));
            await Rounds.UntilAsync(() => watched.Rounds > before, "The second service does not look.");
        }
        await Rounds.UntilAsync(() => calls >= 2, "The run stands still.");          // the pause was over before the second service began
        var rounds = new Rounds(5_000);
        while (!completion.IsCompleted)
        {
            Assert.True(await rounds.GoOnAsync(), "The run stands still.");
            clock.Advance(TimeSpan.FromMinutes(10));
            for (int n = 0; n < 300 && !completion.IsCompleted; n++) await Task.Yield();
        }
        var failure = await Assert.ThrowsAsync<FlowException>(() => completion);
        Assert.EndsWith("IOException: no paper in attempt 3 (attempt 3 of 3).", failure.Message, StringComparison.Ordinal);
        Assert.Equal(3, calls);
        DateTimeOffset[] attempts = [.. times];
        Assert.InRange(attempts[1] - attempts[0], TimeSpan.FromHours(24), TimeSpan.FromHours(27));
        Assert.True(attempts[2] - attempts[1] >= TimeSpan.FromHours(12), "the next pause is whole");
        await found.DisposeAsync();
    }

    [Fact]
    public async Task AFailedInputIsNotRetried()
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        Processor bad = new("bad") { Inputs = ["x"], Outputs = ["y"] },
            work = new("work") { Inputs = ["y"], Outputs = ["z"], Retry = new(1_000) };
        int calls = 0;
        service.Register(bad, (IO<int> x) => Task.FromException<int>(new IOException("no paper")));
        service.Register(work, async (IO<int> y, CancellationToken cancellation) =>
        {
            Interlocked.Increment(ref calls);
            return await y.FirstAsync(cancellation);
        });
        await using FlowRun run = await service.StartAsync(Flow.From(bad, work).Resolve(), Inputs(1), cancellation: FlowLab.Cancellation);
        Assert.Equal("bad", (await Assert.ThrowsAsync<FlowException>(() => run.Completion.WaitAsync(FlowLab.Patience,
            FlowLab.Cancellation))).Processor);
        Assert.Equal(1, calls);
    }

    /// <summary>The pause lasts a day: a cancellation does not wait for it.</summary>
    [Fact]
    public async Task ARunCanBeCancelledDuringARetryPause()
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        var work = new Processor("work")
        {
            Inputs = ["x"],
            Outputs = ["y"],
            Retry = new(3) { Delay = TimeSpan.FromDays(1), MaxDelay = TimeSpan.FromDays(1) }
        };
        service.Register(work, (IO<int> x) => Task.FromException<int>(new IOException("no paper")));
        await using FlowRun run = await service.StartAsync(Flow.From(work).Resolve(), Inputs(1), cancellation: FlowLab.Cancellation);
        await lab.UntilAsync($"flow/{run.Id}", async () =>
            (await run.GetStatusAsync(FlowLab.Cancellation)).Processors[0].FailedAttempts == 1);
        Assert.Equal("waiting (1 failed), y 0", (await run.GetStatusAsync(FlowLab.Cancellation)).ToText().Split("work").Last()
            .Split('\n')[0].Trim());
        await run.CancelAsync("enough", FlowLab.Cancellation);
        Assert.True((await Assert.ThrowsAsync<FlowException>(() => run.Completion.WaitAsync(FlowLab.Patience,
            FlowLab.Cancellation))).IsCancelled);
        await lab.UntilAsync($"flow/{run.Id}", async () => (await run.GetStatusAsync(FlowLab.Cancellation)).EndedAt is not null);
    }

    [Theory]
    [InlineData(ResumeMode.FromScratch)]
    [InlineData(ResumeMode.PerItem)]
    public async Task ATimeoutFailsAnAttemptAndDoesNotCountTheWaitForInput(ResumeMode resume)
    {
        await using var lab = new FlowLab();
        var clock = new TestClock();
        ConcurrentQueue<int> called = [];
        var isResting = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var watched = new WatchedStore(lab.Store, stream =>
        {
            if (!called.IsEmpty && stream.EndsWith("/x", StringComparison.Ordinal)) isResting.TrySetResult();
        });
        Supervisor service = lab.Join(options => options with { Time = clock, RunRetentionDuration = Timeout.InfiniteTimeSpan }, watched);
        var work = new Processor("work")
        {
            Inputs = ["x"],
            Outputs = ["y"],
            Resume = resume,
            Retry = AtOnce,
            Timeout = TimeSpan.FromSeconds(10)
        };
        var isStuck = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var isWaiting = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var go = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        service.Register(work, async (IO<int> x, IOWriter<int> y, CancellationToken cancellation) =>
        {
            await foreach (int value in x.StreamAsync(cancellation))
            {
                called.Enqueue(value);
                if (value == 2 && called.Count(one => one == 2) == 1)
                {
                    isStuck.TrySetResult();
                    await Task.Delay(Timeout.Infinite, cancellation);
                }
                await y.WriteAsync(value, cancellation);
            }
        });
        var feed = new Processor("feed") { Outputs = ["x"] };
        Supervisor starter = lab.Join();
        starter.Register(feed, OneThenTwoAsync);
        await using FlowRun run = await starter.StartAsync(Flow.From(feed, work).Resolve(), [], cancellation: FlowLab.Cancellation);
        Assert.Equal(1, await run.Output<int>("y").FirstAsync(FlowLab.Cancellation));
        await isWaiting.Task;
        await isResting.Task.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        clock.Advance(TimeSpan.FromHours(1));        // the wait for a value does not count
        go.SetResult();
        await isStuck.Task.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        clock.Advance(TimeSpan.FromSeconds(9));
        Assert.False(IsRetried());
        while (!IsRetried())
        {
            clock.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }
        await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        Assert.Equal([2], (await FlowLab.ReadAsync(run.Output<int>("y"))).TakeLast(1));
        Assert.Equal(resume == ResumeMode.PerItem ? [1, 2, 2] : [1, 2, 1, 2], called);
        Assert.Contains(lab.Warnings, text => text.EndsWith(
            $"It has worked for longer than 10 s{(resume == ResumeMode.PerItem ? " on one item" : "")}, not counting what it waited "
                + $"for (Processor.Timeout).", StringComparison.Ordinal));

        bool IsRetried() => lab.Warnings.Exists(text => text.Contains("tried again", StringComparison.Ordinal));

        async IAsyncEnumerable<IOVal> OneThenTwoAsync()
        {
            yield return IOVal.Of("x", 1);
            isWaiting.SetResult();
            await go.Task;
            yield return IOVal.Of("x", 2);
        }
    }

    [Fact]
    public void RetriesAndTimeoutsOutOfRangeAreRefused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new ProcessorRetry(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new ProcessorRetry(1) { Delay = TimeSpan.FromSeconds(-1) });
        Assert.Throws<ArgumentOutOfRangeException>(() => new Processor("a") { Timeout = TimeSpan.Zero });
        Assert.Equal(new Processor("a") { Retry = new(3) }, new Processor("a") { Retry = new(3) });
        Assert.NotEqual(new Processor("a") { Retry = new(3) }, new Processor("a") { Retry = new(2) });
        Assert.Equal("a: -> (3 retries, 5 s at most)",
            new Processor("a") { Retry = new(3), Timeout = TimeSpan.FromSeconds(5) }.ToString());
    }

    /// <summary>Reports when a caller begins to wait for a change of a stream.</summary>
    private sealed class WatchedStore(IStreamStore inner, Action<string> waits) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        public override ValueTask<long> WaitForChangeAsync(string stream, long after, CancellationToken cancellation = default)
        {
            if (after >= 0) waits(stream);
            return base.WaitForChangeAsync(stream, after, cancellation);
        }
    }

    private static IEnumerable<IOVal> Inputs(int count) => Enumerable.Range(1, count).Select(i => IOVal.Of("x", i));
}
