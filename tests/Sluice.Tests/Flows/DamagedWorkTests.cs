using System.Collections.Concurrent;
using Sluice.Flows;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Flows;

/// <summary>Work orders, or the state rows that hosts store for them, that cannot be read: their run fails, and other runs go on.</summary>
public class DamagedWorkTests
{
    private const int Runs = 40;

    private static readonly Processor Work = new("work") { Inputs = ["x"], Outputs = ["y"] };
    private static readonly Flow Working = Flow.From(Work).Resolve();
    private static readonly GroupId Group = FlowNames.Hosts("work");

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AnUnreadableWorkOrderFailsOnlyItsOwnRun(bool isReadByTheStore)
    {
        await using var lab = new FlowLab();
        Supervisor starter = lab.Join();
        List<FlowRun> runs = await StartAsync(starter);
        await using var store = new DamagedStore(lab.Store, PlaceOf(17), isReadByTheStore ? Damage.Payload : Damage.Leased);
        var begun = new ConcurrentDictionary<string, bool>();
        lab.Join(store: store).Register(Work, (ProcessorFunction)((context, cancellation) => CopyAsync(context, begun)));

        foreach (FlowRun run in runs.Where(run => run.Id != "run-17"))
            await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        var failure = await Assert.ThrowsAsync<FlowException>(() => runs[17].Completion.WaitAsync(FlowLab.Patience,
            FlowLab.Cancellation));
        Assert.StartsWith("The run run-17 has failed: the processor work has: Its work order cannot be read: ", failure.Message,
            StringComparison.Ordinal);
        Assert.Contains(isReadByTheStore ? "is no work order" : "is damaged, as the test wants", failure.Message, StringComparison.Ordinal);
        Assert.Equal(Runs - 1, begun.Count);
        Assert.False(begun.ContainsKey("run-17"));
        await lab.UntilAsync("work/work", async () =>
            (await lab.Store.FindStreamAsync("work/work", FlowLab.Cancellation))!.Groups[0].Outstanding == 0);
        Assert.Equal(isReadByTheStore ? 1 : 0, (await lab.Store.ListDeadAsync(Group, cancellation: FlowLab.Cancellation)).Count);
        Assert.Single(lab.Warnings, text => text.StartsWith(
            "A work order of the processor work cannot be read, and the run that it was for fails: ", StringComparison.Ordinal));
        foreach (FlowRun run in runs) await run.DisposeAsync();
    }

    [Fact]
    public async Task AWorkOrderThatCannotBeLeasedBlocksOnlyItsPartition()
    {
        await using var lab = new FlowLab();
        Supervisor starter = lab.Join();
        List<FlowRun> runs = await StartAsync(starter);
        var (partition, _) = PlaceOf(17);
        await using var store = new DamagedStore(lab.Store, PlaceOf(17), Damage.Stored);
        lab.Join(store: store).Register(Work, (ProcessorFunction)((context, cancellation) => CopyAsync(context, [])));

        foreach (FlowRun run in runs.Where(run => PartitionOf(run.Id) != partition))
            await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        Assert.False(runs[17].Completion.IsCompleted);
        Assert.Single(lab.Warnings, text => text.StartsWith(
            $"The store does not give out what is to be done in the partition {partition} of work/work.", StringComparison.Ordinal));
        foreach (FlowRun run in runs) await run.DisposeAsync();
    }

    [Fact]
    public async Task AnUnreadableStateRowFailsOnlyItsOwnRun()
    {
        await using var lab = new FlowLab();
        Supervisor starter = lab.Join();
        Supervisor dying = lab.Join(options => options with { Name = "host" });
        var isAtWork = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        dying.Register(Work, async (CancellationToken cancellation) =>
        {
            isAtWork.TrySetResult();
            await Task.Delay(Timeout.Infinite, cancellation);
        });
        await using FlowRun run = await starter.StartAsync(Working, [IOVal.Of("x", 1)], run: "run-1", cancellation: FlowLab.Cancellation);
        await isAtWork.Task.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        await dying.AbandonAsync();
        AcquireResult taken = await lab.Store.AcquireAsync(Group, PartitionOf("run-1"), new("vandal"), FlowLab.Cancellation);
        CommitResult done = await lab.Store.CommitAsync(new(taken.Ownership,
            taken.State!.LastCommit + 1)
        { State = [new("work", "run-1", 1, "{"u8.ToArray())] }, FlowLab.Cancellation);
        Assert.Equal(CommitStatus.Committed, done.Status);
        await lab.Store.ReleaseAsync(taken.Ownership, FlowLab.Cancellation);

        int begun = 0;
        lab.Join(options => options with { Name = "host" }).Register(Work, () =>
        {
            Interlocked.Increment(ref begun);
            return Task.FromResult(1);
        });
        await using FlowRun other = await starter.StartAsync(Working, [IOVal.Of("x", 1)], cancellation: FlowLab.Cancellation);
        var failure = await Assert.ThrowsAsync<FlowException>(() => run.Completion.WaitAsync(FlowLab.Patience,
            FlowLab.Cancellation));
        Assert.StartsWith(
            $"The run run-1 has failed: the processor work has: What its host has written down about it cannot be read (the row run-1 "
                + $"of {Group}/{PartitionOf("run-1")}): ", failure.Message, StringComparison.Ordinal);
        await other.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        Assert.Equal(1, begun);
        await lab.UntilAsync("work/work", async () =>
            (await lab.Store.ListStateAsync(Group, PartitionOf("run-1"), "work", cancellation: FlowLab.Cancellation)).Count == 0);
    }

    [Fact]
    public async Task ARunThatWaitsForAnEarlierRunOfItsIdBlocksNoOtherPartition()
    {
        await using var lab = new FlowLab();
        var isEnding = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var go = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var store = new HookedStore(lab.Store)
        {
            AfterCommit = async commit =>
            {
                if (!commit.State.Any(row => row is { Key: "again", Value: null }) || !isEnding.TrySetResult()) return;
                await go.Task;                       // the store has deleted the row of the run, and its host does not know that yet
            },
        };
        Supervisor starter = lab.Join();
        lab.Join(store: store).Register(Work, StartTests.CopyAsync);
        await using (FlowRun first = await starter.StartAsync(Working, [IOVal.Of("x", 1)], run: "again",
            cancellation: FlowLab.Cancellation)) await first.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        await isEnding.Task.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        Assert.True(await starter.DeleteAsync("again", FlowLab.Cancellation));
        await using FlowRun second = await starter.StartAsync(Working, [IOVal.Of("x", 2)], run: "again",
            cancellation: FlowLab.Cancellation);
        // Its work order is leased before those of the others, which are started one after another.
        foreach (string id in Enumerable.Range(0, Runs).Select(n => $"run-{n}").Where(id => PartitionOf(id) != PartitionOf("again")))
            await using (FlowRun other = await starter.StartAsync(Working, [IOVal.Of("x", 3)], run: id, cancellation: FlowLab.Cancellation))
                await other.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        Assert.False(second.Completion.IsCompleted);
        go.SetResult();
        Assert.Equal([2], await FlowLab.ReadAsync(second.Output<int>("y")).WaitAsync(FlowLab.Patience, FlowLab.Cancellation));
        await second.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
    }

    private static int PartitionOf(string run) => EntryKey.Of(run).PartitionOf(WorkGroup.Partitions);

    private static (int Partition, long Sequence) PlaceOf(int run)
    {
        int partition = PartitionOf($"run-{run}");
        return (partition, Enumerable.Range(0, run + 1).Count(n => PartitionOf($"run-{n}") == partition));
    }

    private static async Task<List<FlowRun>> StartAsync(Supervisor starter)
    {
        List<FlowRun> runs = [];
        for (int n = 0; n < Runs; n++) runs.Add(await starter.StartAsync(Working, [IOVal.Of("x", n)], run: $"run-{n}",
            cancellation: FlowLab.Cancellation));
        return runs;
    }

    private static async IAsyncEnumerable<IOVal> CopyAsync(ProcessorContext context, ConcurrentDictionary<string, bool> begun)
    {
        begun[context.Run] = true;
        await Task.Yield();
        yield return IOVal.Of("y", 1);
    }

    private enum Damage
    {
        /// <summary>The store has leased the entry, and then finds that it is damaged.</summary>
        Leased,

        /// <summary>The store leases the entry, and its payload is no work order.</summary>
        Payload,

        /// <summary>The store finds that the entry is damaged, and does not lease it.</summary>
        Stored,
    }

    private sealed class DamagedStore(IStreamStore inner, (int Partition, long Sequence) place, Damage damage)
        : StreamStoreWrapper(inner, leaveOpen: true)
    {
        public override async ValueTask<LeaseResult> LeaseAsync(LeaseRequest request, CancellationToken cancellation = default)
        {
            if (damage == Damage.Stored && request.Owned.Any(owner => owner.Partition == place.Partition)) throw Error();
            LeaseResult result = await base.LeaseAsync(request, cancellation);
            return result with
            {
                Batches = [.. result.Batches.Select(batch =>
                batch with { Entries = batch.Owner.Partition == place.Partition ? batch.Entries.ToArray().Select(Read).ToArray()
                : batch.Entries })]
            };
        }

        public override async ValueTask<IReadOnlyList<WaitingEntry>> ListWaitingAsync(GroupId group, int partition, long? after = null,
            int max = 100, CancellationToken cancellation = default)
        {
            IReadOnlyList<WaitingEntry> waiting = await base.ListWaitingAsync(group, partition, after, max, cancellation);
            return partition == place.Partition ? [.. waiting.Select(one => one with { Entry = Read(one.Entry) })] : waiting;
        }

        private Entry Read(Entry entry) => entry.Sequence != place.Sequence ? entry : damage == Damage.Payload
            ? entry with { Payload = "{"u8.ToArray() } : throw Error();

        private StreamStoreException Error() => new($"work/work/{place.Partition}/{place.Sequence} is damaged, as the test wants.")
        {
            Stream = "work/work",
            Partition = place.Partition,
            Sequence = place.Sequence,
            IsPermanent = true
        };
    }
}
