using Sluice.Flows;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Flows;

/// <summary>A function returns while a read that it has begun still waits, as after a <c>WhenAny</c> with a delay.</summary>
public class LeftReadTests
{
    private static readonly Processor Work = new("work") { Inputs = ["a", "b"], Outputs = ["y"] };
    private static readonly Flow Working = Flow.From(Work).Resolve();

    /// <summary>A minute after the call, a wait without a value takes back the count of its start, in the row of the processor.</summary>
    [Fact]
    public async Task AReadThatIsLeftBehindEndsAndStoresNothing()
    {
        var clock = new TestClock();
        TaskCompletionSource quiet = new(), ghost = new(TaskCreationOptions.RunContinuationsAsynchronously);
        bool hasEnded = false;
        await using var lab = new FlowLab(new HookedStore(new MemoryStreamStore())
        {
            AfterCommit = commit =>
            {
                if (Volatile.Read(ref hasEnded) && commit.State is [{ Value: not null }]) ghost.TrySetResult();
                return Task.CompletedTask;
            }
        });
        Supervisor service = lab.Join(options => options with { Time = clock });
        Task behind = Task.CompletedTask;
        service.Register(Work, async (IO<int> a, IO<int> b, CancellationToken cancellation) =>
        {
            behind = b.FirstAsync(cancellation).AsTask();
            return await a.StreamAsync(cancellation).CountAsync(cancellation);
        });
        await using FlowRun run = await service.StartAsync(Working,
            [IOVal.Stream("a", FlowLab.Many<int>([])), IOVal.Stream("b", QuietAsync(quiet.Task))], run: "run",
            cancellation: FlowLab.Cancellation);
        try
        {
            await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
            await lab.UntilLeftAsync("work", "run");
            Volatile.Write(ref hasEnded, true);
            await clock.AdvanceUntilAsync(Task.WhenAny(behind, ghost.Task));
            clock.Advance(TimeSpan.FromMinutes(2));
        }
        finally
        {
            quiet.SetResult();                       // also if the test fails: its end waits for the input
        }
        Assert.False(ghost.Task.IsCompleted, "The row of the processor has come back.");
        Assert.NotNull(await Record.ExceptionAsync(() => behind.WaitAsync(FlowLab.Patience, FlowLab.Cancellation)));
        await run.DisposeAsync();                    // waits for its input, which would look for a deleted stream by the clock that stands
        Assert.True(await service.DeleteAsync(run.Id, FlowLab.Cancellation));
    }

    /// <summary>Earlier versions have left such rows.</summary>
    [Fact]
    public async Task AFunctionWhoseEndIsInTheJournalIsNotCalledAgain()
    {
        await using var lab = new FlowLab();
        int calls = 0;
        Supervisor first = Host();
        await using FlowRun run = await first.StartAsync(Working, [IOVal.Of("a", 1), IOVal.Of("b", 1)], run: "run",
            cancellation: FlowLab.Cancellation);
        await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        await lab.UntilLeftAsync("work", "run");
        await first.DisposeAsync();
        RunWatch watch = (await RunWatch.OpenAsync(new(lab.Store, TimeProvider.System, static _ => { }, FlowLab.Patience), "run",
            FlowLab.Cancellation))!;
        string key = watch.Plan.Key;
        await watch.DisposeAsync();
        AcquireResult taken = await lab.Store.AcquireAsync(FlowNames.Hosts("work"), EntryKey.Of("run").PartitionOf(WorkGroup.Partitions),
            new("earlier"), FlowLab.Cancellation);
        var row = new Assignment("run", key, Starts: 1, Ended: false, Inputs: [], State: null);
        Assert.Equal(CommitStatus.Committed, (await lab.Store.CommitAsync(new(taken.Ownership, taken.State!.LastCommit + 1)
        {
            State = [WorkPartition.Row(row)]
        }, FlowLab.Cancellation)).Status);
        await lab.Store.ReleaseAsync(taken.Ownership, FlowLab.Cancellation);

        Host();

        await lab.UntilLeftAsync("work", "run");
        Assert.Equal(1, calls);

        Supervisor Host()
        {
            Supervisor host = lab.Join();
            host.Register(Work, async (IO<int> a) =>
            {
                Interlocked.Increment(ref calls);
                return await a.FirstAsync();
            });
            return host;
        }
    }

    private static async IAsyncEnumerable<int> QuietAsync(Task end)
    {
        await end;
        yield break;
    }
}
