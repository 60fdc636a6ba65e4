using System.Text;
using Sluice.Diagnostics;
using Sluice.Flows;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Flows;

/// <summary>A run that goes on at another host is the same run: choices, replays, results, ids. Each test is for a former defect.</summary>
public class ResumeTests
{
    private static readonly Processor Work = new("work") { Inputs = ["x"], Outputs = ["y"] };
    private static readonly Flow Working = Flow.From(Work).Resolve();

    [Fact]
    public async Task AReplayAfterAHandoverReadsTheRecordedTime()
    {
        await using var lab = new FlowLab();
        Supervisor first = lab.Join(options => options with { Time = new TestClock() });
        first.Register(Work, async (IOWriter<DateTimeOffset> y, TimeProvider time, CancellationToken cancellation) =>
        {
            await y.WriteAsync(time.GetUtcNow(), cancellation);
            await Task.Delay(Timeout.Infinite, cancellation);
        });
        await using FlowRun run = await lab.Join().StartAsync(Working, [IOVal.Of("x", 1)], cancellation: FlowLab.Cancellation);
        DateTimeOffset before = await run.Output<DateTimeOffset>("y").FirstAsync(FlowLab.Cancellation);
        await first.DisposeAsync();
        lab.Join().Register(Work, (TimeProvider time) => Task.FromResult(time.GetUtcNow()));
        Assert.Equal([before], await FlowLab.ReadAsync(run.Output<DateTimeOffset>("y")));
        await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
    }

    [Fact]
    public async Task ANondeterministicReplayFailsTheRunEvenIfItIsCaught()
    {
        await using var lab = new FlowLab();
        Supervisor first = lab.Join();
        first.Register(Work, async (IOWriter<int> y, CancellationToken cancellation) =>
        {
            await y.WriteAsync(1, cancellation);
            await Task.Delay(Timeout.Infinite, cancellation);
        });
        await using FlowRun run = await lab.Join().StartAsync(Working, [IOVal.Of("x", 1)], cancellation: FlowLab.Cancellation);
        Assert.Equal(1, await run.Output<int>("y").FirstAsync(FlowLab.Cancellation));
        await first.DisposeAsync();
        lab.Join().Register(Work, async (IOWriter<int> y) =>
        {
            try
            {
                await y.WriteAsync(2);
            }
            catch (NondeterministicReplayException)
            {
                await y.WriteAsync(3);
            }
        });
        var failure = await Assert.ThrowsAsync<NondeterministicReplayException>(() => run.Completion.WaitAsync(FlowLab.Patience,
            FlowLab.Cancellation));
        Assert.Contains("did not put out the same to y: the values are not the same", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task DisposingAFoundRunLeavesTheResultsToItsStarter()
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        service.Register(Work, StartTests.CopyAsync);
        await using FlowRun run = await service.StartAsync(Working, [IOVal.Of("x", 1), IOVal.Of("x", 2)],
            cancellation: FlowLab.Cancellation);
        await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        FlowRun looked = (await service.FindAsync(run.Id, FlowLab.Cancellation))!;
        await looked.DisposeAsync();
        await looked.DisposeAsync();
        Assert.Equal([1, 2], await FlowLab.ReadAsync(run.Output<int>("y")));
    }

    [Fact]
    public async Task AFunctionThatReadsWithoutTheTokenIsStopped()
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        var isReading = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        service.Register(Work, async (IO<int> x, IOWriter<int> y) =>
        {
            await foreach (int value in x.StreamAsync()) isReading.TrySetResult();
        });
        var never = new TaskCompletionSource();
        await using FlowRun run = await lab.Join().StartAsync(Working, [IOVal.Stream("x", OneAsync(never.Task))],
            cancellation: FlowLab.Cancellation);
        await isReading.Task.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        await service.DisposeAsync().AsTask().WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        Assert.Equal(FlowStatus.Waiting, (await run.GetStatusAsync(FlowLab.Cancellation)).Processors[0].Status);
        never.SetResult();

        static async IAsyncEnumerable<int> OneAsync(Task never)
        {
            yield return 1;
            await never;
        }
    }

    [Fact]
    public async Task AnInvalidWorkOrderBecomesADeadLetterAndBlocksNoRun()
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        await using FlowRun run = await service.StartAsync(Working, [IOVal.Of("x", 1)], cancellation: FlowLab.Cancellation);
        using (var batch = new EntryBatch())
        {
            batch.Add(Encoding.UTF8.GetBytes("no order"), EntryKey.Of(run.Id));
            await lab.Store.AppendAsync(new("work/work", "somebody", 0, 1, batch), FlowLab.Cancellation);
        }
        service.Register(Work, StartTests.CopyAsync);
        await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        await lab.UntilAsync("work/work", async () =>
            (await lab.Store.ListDeadAsync(new("work/work", "hosts"), cancellation: FlowLab.Cancellation)).Count == 1);
        Assert.Contains(lab.Warnings, text => text.Contains("is no work order; it is a dead letter", StringComparison.Ordinal));
    }

    [Fact]
    public async Task AnErrorAfterTheEndIsRetriedWithoutRunningTheFunctionAgain()
    {
        await using var lab = new FlowLab();
        var clock = new TestClock();
        await using var store = new BrokenOnceStore(lab.Store);
        int starts = 0;
        lab.Join(options => options with { Time = clock, RunRetentionDuration = Timeout.InfiniteTimeSpan }, store)
            .Register(Work, async (IO<int> x, CancellationToken cancellation) =>
        {
            Interlocked.Increment(ref starts);
            return await x.FirstAsync(cancellation);
        });
        await using FlowRun run = await lab.Join().StartAsync(Working, [IOVal.Of("x", 1)], cancellation: FlowLab.Cancellation);
        Assert.Equal([1], await FlowLab.ReadAsync(run.Output<int>("y")));
        await store.Broke.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        await clock.WaitForTimersAsync(2, FlowLab.Cancellation);          // the heartbeat timer, and the pause before the retry
        clock.Advance(TimeSpan.FromSeconds(1));
        await lab.UntilAsync("work/work", async () => !await IsHostedAsync());
        Assert.Equal(1, starts);
        Assert.Contains(lab.Warnings, text => text.Contains("could not be run; it is tried again: as the test wants",
            StringComparison.Ordinal));

        async Task<bool> IsHostedAsync()
        {
            for (int partition = 0; partition < 16; partition++)
                if ((await lab.Store.ListStateAsync(new("work/work", "hosts"), partition, "work",
                    cancellation: FlowLab.Cancellation)).Count > 0) return true;
            return false;
        }
    }

    /// <summary>A store that throws once, when a reader is closed after the end of a processor.</summary>
    private sealed class BrokenOnceStore(IStreamStore inner) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        private readonly TaskCompletionSource broke = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private volatile bool hasEnded;

        public Task Broke => broke.Task;

        public override async ValueTask<CommitResult> CommitAsync(StoreCommit commit, CancellationToken cancellation = default)
        {
            CommitResult result = await base.CommitAsync(commit, cancellation);
            if (commit.Ends.Count > 0) hasEnded = true;
            return result;
        }

        protected override ValueTask<T> CallAsync<T>(string name, Func<ValueTask<T>> call)
            => name == nameof(CloseReaderAsync) && hasEnded && broke.TrySetResult()
            ? throw new ArgumentException("as the test wants") : call();
    }
}
