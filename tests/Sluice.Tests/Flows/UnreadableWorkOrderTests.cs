using Sluice.Flows;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Flows;

/// <summary>A service finds out for which run an unreadable work order was, while other runs begin.</summary>
public class UnreadableWorkOrderTests
{
    private static readonly Processor Work = new("work") { Inputs = ["x"], Outputs = ["y"] };
    private static readonly Flow Working = Flow.From(Work).Resolve();

    [Fact]
    public async Task AnUnreadableWorkOrderDoesNotFailARunThatBeginsMeanwhile()
    {
        await using var lab = new FlowLab();
        var begins = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var mayBegin = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var slow = new HookedStore(lab.Store)
        {
            BeforeCommit = commit =>
            {
                begins.TrySetResult();
                return mayBegin.Task;
            },
        };
        Task<FlowRun> starting = lab.Join(store: slow)
            .StartAsync(Working, [IOVal.Of("x", 1)], run: "late", cancellation: FlowLab.Cancellation);
        await begins.Task.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        using (var garbage = new EntryBatch())
        {
            garbage.Add("{"u8, EntryKey.Of("late"));
            await lab.Store.AppendAsync(new("work/work", "vandal", 0, 1, garbage), FlowLab.Cancellation);
        }
        lab.Join(store: new LateStore(lab.Store, async () =>
        {
            mayBegin.TrySetResult();
            await starting;
        })).Register(Work, StartTests.CopyAsync);

        await using FlowRun run = await starting.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
    }

    [Fact]
    public async Task ManyUnreadableWorkOrdersFailOnlyTheirOwnRuns()
    {
        const int Many = 300;
        await using var lab = new FlowLab();
        Supervisor starter = lab.Join();
        int partition = EntryKey.Of("run-0").PartitionOf(WorkGroup.Partitions);
        List<FlowRun> runs = [];
        foreach (string id in Enumerable.Range(0, int.MaxValue).Select(n => $"run-{n}")
            .Where(id => EntryKey.Of(id).PartitionOf(WorkGroup.Partitions) == partition).Take(Many))
            runs.Add(await starter.StartAsync(Working, [IOVal.Of("x", 1)], run: id, cancellation: FlowLab.Cancellation));
        lab.Join(store: new StrangeStore(lab.Store, partition)).Register(Work, StartTests.CopyAsync);

        foreach (FlowRun run in runs) await Assert.ThrowsAsync<FlowException>(() => run.Completion.WaitAsync(FlowLab.Patience,
            FlowLab.Cancellation));
        string other = Enumerable.Range(0, int.MaxValue).Select(n => $"run-{n}")
            .First(id => EntryKey.Of(id).PartitionOf(WorkGroup.Partitions) != partition);
        await using FlowRun well = await starter.StartAsync(Working, [IOVal.Of("x", 1)], run: other, cancellation: FlowLab.Cancellation);
        await well.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        Assert.Equal(Many, (await lab.Store.ListDeadAsync(FlowNames.Hosts("work"), max: 1_000, cancellation: FlowLab.Cancellation)).Count);
        foreach (FlowRun run in runs) await run.DisposeAsync();
    }

    /// <summary>Calls the test after the lease that follows a listing of streams.</summary>
    private sealed class LateStore(IStreamStore inner, Func<Task> then) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        private int isListed;

        public override async ValueTask<IReadOnlyList<string>> ListStreamsAsync(string prefix = "",
            CancellationToken cancellation = default)
        {
            IReadOnlyList<string> streams = await base.ListStreamsAsync(prefix, cancellation);
            Volatile.Write(ref isListed, 1);
            return streams;
        }

        public override async ValueTask<LeaseResult> LeaseAsync(LeaseRequest request, CancellationToken cancellation = default)
        {
            LeaseResult result = await base.LeaseAsync(request, cancellation);
            if (Interlocked.Exchange(ref isListed, 0) == 1) await then();
            return result;
        }
    }

    /// <summary>Gives out all work orders of a partition in an unknown format.</summary>
    private sealed class StrangeStore(IStreamStore inner, int partition) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        public override async ValueTask<LeaseResult> LeaseAsync(LeaseRequest request, CancellationToken cancellation = default)
        {
            LeaseResult result = await base.LeaseAsync(request, cancellation);
            return result with
            {
                Batches = [.. result.Batches.Select(batch => batch.Owner.Partition == partition
                ? batch with { Entries = batch.Entries.ToArray().Select(Strange).ToArray() } : batch)]
            };
        }

        public override async ValueTask<IReadOnlyList<WaitingEntry>> ListWaitingAsync(GroupId group, int number, long? after = null,
            int max = 100, CancellationToken cancellation = default)
        {
            IReadOnlyList<WaitingEntry> waiting = await base.ListWaitingAsync(group, number, after, max, cancellation);
            return number == partition ? [.. waiting.Select(one => one with { Entry = Strange(one.Entry) })] : waiting;
        }

        private static Entry Strange(Entry entry) => entry with { Payload = "{}"u8.ToArray() };
    }
}
