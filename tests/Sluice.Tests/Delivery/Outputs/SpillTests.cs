using System.Collections.Concurrent;
using Sluice.Delivery;
using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>An item with more outputs than one commit holds, in a process that survives: its partition is taken away between two commits,
/// answers are lost, the handler fails, or the target is bounded.</summary>
[Long("the stores in memory and SQLite", In = ["Sluice.PostgreSql.Tests", "Sluice.Redis.Tests"])]
public class SpillTests
{
    private const int Many = 1_900;
    private static readonly int Stride = ScenarioStore.Share == 1 ? 1 : 4;          // over a slower store, one of so many commits

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task EachOutputOfALargeItemAppearsOnceWhereverThePartitionIsLost(bool hasState)
    {
        for (int at = 1; ; at += Stride)
        {
            var clock = new TestClock();
            await using IStreamStore store = await ScenarioStore.OpenAsync(clock);
            var paced = new PacedStore(store);
            var troubled = new TroubledStore(paced, at, isTaken: true);
            int starts = 0;
            await using Consecutor<int> work = Make(troubled, clock, n => $"{n}:{Interlocked.Increment(ref starts)}", hasState);
            await work.SendAllAsync([1, 2, 3], Cancellation);
            await work.StartAsync(Cancellation);
            ConsecutorSnapshot end = await IdleAsync(work, paced, clock);
            Assert.Equal((3L, 3L, 0L, 0L), (end.Accepted, end.Completed, end.Dead, end.Unaccounted));
            await CheckAsync(store, clock, $"taken before commit {at}");
            if (troubled.Commits < at) return;
        }
    }

    [Fact]
    public async Task EachOutputOfALargeItemAppearsOnceDespiteALostAnswer()
    {
        for (int at = Math.Min(Stride, 2); ; at += Stride)
        {
            var clock = new TestClock();
            await using IStreamStore store = await ScenarioStore.OpenAsync(clock);
            var paced = new PacedStore(store);
            var troubled = new TroubledStore(paced, at, isTaken: false);
            await using Consecutor<int> work = Make(troubled, clock, static n => $"{n}:1", hasState: false);
            await work.SendAllAsync([1, 2, 3], Cancellation);
            await work.StartAsync(Cancellation);
            ConsecutorSnapshot end = await IdleAsync(work, paced, clock);
            Assert.Equal((3L, 3L, 0L, 0L), (end.Accepted, end.Completed, end.Dead, end.Unaccounted));
            await CheckAsync(store, clock, $"the answer to commit {at} was lost");
            if (troubled.Commits < at) return;
        }
    }

    /// <summary>The second attempt has other outputs than the first: only those of the second are published.</summary>
    [Fact]
    public async Task OutputsOfAFailedAttemptAreNeverPublished()
    {
        var clock = new TestClock();
        await using IStreamStore store = await ScenarioStore.OpenAsync(clock);
        var paced = new PacedStore(store);
        int starts = 0;
        await using var work = new Consecutor<int>("work",
            source => source.SelectMany(n => Outputs($"{n}:{Interlocked.Increment(ref starts)}", n)) | Sink.Output<string>("parts"),
                Options(paced, clock));
        Wire(work, paced, clock);
        await work.SendAsync(2, Cancellation);
        await work.StartAsync(Cancellation);
        ConsecutorSnapshot end = await IdleAsync(work, paced, clock);
        Assert.Equal((1L, 0L, 2), (end.Completed, end.Dead, starts));
        string[] seen = await ReadAsync(store, clock);
        Assert.Equal(Enumerable.Range(0, Many).Select(static part => $"2:2:{part}"), seen);

        IEnumerable<string> Outputs(string start, int item)
        {
            for (int part = 0; part < (item == 2 ? Many : 1); part++) yield return $"{start}:{part}";
            if (starts == 1) throw new FormatException("The end of the document is missing.");
        }
    }

    /// <summary>An item reserves one place in a bounded stream and has more outputs than the stream may hold; the place is given
    /// back.</summary>
    [Fact]
    public async Task ALargeItemPassesThroughAStreamSmallerThanItsOutputs()
    {
        await using IStreamStore store = await ScenarioStore.OpenAsync();
        var options = new ConsecutorOptions { Store = store, Process = new(), Stream = new() { Partitions = 1, MaxItems = 10 } };
        await using var work = new Consecutor<int>("work",
            static source => source.SelectMany(static n => Enumerable.Range(0, Many)) | Sink.Output<int>("parts"), options);
        await using var outs = new Consecutor<int>("outs", static source => source | (static _ => { }), options);
        work.Output<int>("parts").To(outs, OutputMode.Blocking);
        await outs.StartAsync(Cancellation);
        await work.StartAsync(Cancellation);
        await work.SendAllAsync([1, 2, 3, 4], Cancellation);
        Assert.Equal(4, (await work.WaitForIdleAsync(Cancellation)).Completed);
        ConsecutorSnapshot end = await outs.WaitForIdleAsync(Cancellation);
        Assert.Equal((4L * Many, 0L), (end.Completed, end.Unaccounted));
    }

    /// <summary>A partition stops with a message if a spilled item lacks a piece, or if a later program has written the
    /// partition.</summary>
    [Theory]
    [InlineData(0, "was spilled into 2 pieces, and the piece 0000000000000000001/000000001 (state $spill) is missing")]
    [InlineData(1, "have version 3; this program reads versions up to 2")]
    public async Task AnUnreadableSpillStopsItsPartitionWithTheReason(int kind, string message)
    {
        var clock = new TestClock();
        await using IStreamStore store = await ScenarioStore.OpenAsync(clock);
        await using Consecutor<int> work = Make(store, clock, static n => $"{n}:1", hasState: false);
        await work.SendAsync(1, Cancellation);
        AcquireResult taken = await store.AcquireAsync(Member.Group, 0, new("other"), Cancellation);
        var spill = new Spill(1, 1, default);
        StateRow[] pieces = [spill.Add(new byte[1]), spill.Add(new byte[1])];
        StateRow books = new PartitionCounts(0, 0, 0, HasSpills: true).ToRow();
        await store.CommitAsync(new(taken.Ownership, 1)
        {
            State = kind == 0 ? [books, spill.Seal(), pieces[0]]
            : [books with { Version = 3 }]
        }, Cancellation);
        await store.ReleaseAsync(taken.Ownership, Cancellation);
        await work.StartAsync(Cancellation);
        await Member.UntilAsync(() => work.Snapshot().Stopped.Count > 0);
        Assert.Contains(message, work.Snapshot().Stopped[0].Message);
    }

    /// <summary>A handler with endless outputs: only its item becomes a dead letter, and the outputs do not fill the memory.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AnItemThatExceedsMaxOutputBytesIsDeadLetteredAlone(bool hasKeys)
    {
        await using IStreamStore store = await ScenarioStore.OpenAsync();
        var options = new ConsecutorOptions
        {
            Store = store,
            Process = new(),
            Stream = new() { Partitions = 1 },
            MaxOutputBytes = 1_000_000
        };
        await using var work = new Consecutor<int>("work",
            static source => source.SelectMany(static n => Enumerable.Range(0, n)) | Sink.Output<int>("parts") | Stage.Named("put"),
                options)
        { Key = hasKeys ? static _ => "one" : null };
        await using var outs = new Consecutor<int>("outs", static source => source | (static _ => { }), options);
        work.Output<int>("parts").To(outs);
        await outs.StartAsync(Cancellation);
        await work.StartAsync(Cancellation);
        await work.SendAllAsync([1, 20_000, 3_000, 1_000_000, 2], Cancellation);
        ConsecutorSnapshot end = await work.WaitForIdleAsync(Cancellation);
        Assert.Equal((3L, 2L, 0L), (end.Completed, end.Dead, end.Unaccounted));
        Assert.Equal(3_003, (await outs.WaitForIdleAsync(Cancellation)).Completed);
        foreach (DeadLetter letter in await work.ListDeadLettersAsync(Cancellation).ToListAsync(Cancellation))
        {
            Assert.Equal(("put", 1), (letter.Node, letter.Attempts));
            Assert.Contains("The item put out more than 1,000,000 bytes into the outputs of work", letter.Error);
        }
    }

    /// <summary>What the target stream takes is not known then, and pieces that it refuses could not be taken back.</summary>
    [Fact]
    public async Task NothingIsPublishedIfTheTargetStreamIsDamaged()
    {
        var clock = new TestClock();
        await using var store = new MemoryStreamStore(clock);
        var damaged = new DamagedStore(store);
        await using Consecutor<int> work = Make(damaged, clock, n =>
        {
            damaged.IsDamaged = true;
            return $"{n}:1";
        }, hasState: false);
        await work.SendAsync(2, Cancellation);
        await work.StartAsync(Cancellation);
        await Member.UntilAsync(work, static snapshot => snapshot.Problem?.Contains("outs is damaged", StringComparison.Ordinal) == true);
        await Member.UntilAsync(work, static snapshot => snapshot.InFlight == 0);
        Assert.Equal(0, (await store.FindStreamAsync("outs", Cancellation))?.Appended ?? 0);
    }

    private static Consecutor<int> Make(IStreamStore store, TestClock clock, Func<int, string> begin, bool hasState)
    {
        var work = new Consecutor<int>("work",
            source => (hasState ? source.Scan(0, static (sum, n) => sum + n) | Stage.Named("sum")
                | (static sum => sum == 1 ? 1 : sum == 3 ? 2 : 3) : source)
                .SelectMany(n => Parts(begin(n), n)) | Sink.Output<string>("parts"), Options(store, clock));
        Wire(work, store, clock);
        return work;
    }

    private static IEnumerable<string> Parts(string start, int item)
        => Enumerable.Range(0, item == 2 ? Many : 1).Select(part => $"{start}:{part}");

    private static ConsecutorOptions Options(IStreamStore store, TestClock clock) => new()
    {
        Store = store,
        Process = new(),
        Delivery = DeliveryGuarantee.Replay(3, Backoff.None),
        Stream = new() { Partitions = 1 },
        Run = new() { Time = clock },
        LeaseDuration = Member.LeaseTime,
    };

    private static void Wire(Consecutor<int> work, IStreamStore store, TestClock clock)
        => work.Output<string>("parts").To(new Consecutor<string>("outs", static source => source | (static _ => { }),
        Options(store, clock)));

    private static async Task<ConsecutorSnapshot> IdleAsync<T>(Consecutor<T> consecutor, PacedStore store, TestClock clock)
    {
        Task<ConsecutorSnapshot> idle = consecutor.WaitForIdleAsync(Cancellation);
        await store.PassAsync(clock, () => idle.IsCompleted, () => $"{consecutor.Snapshot()}");
        return await idle;
    }

    private static async Task<string[]> ReadAsync(IStreamStore store, TestClock clock)
    {
        ConcurrentQueue<string> seen = [];
        var paced = new PacedStore(store);
        await using var outs = new Consecutor<string>("outs", source => source | seen.Enqueue,
            Options(paced, clock) with { Run = new() { Time = clock, Mode = ExecutionMode.SingleThread } });
        await outs.StartAsync(Cancellation);
        await IdleAsync(outs, paced, clock);
        return [.. seen];
    }

    private static async Task CheckAsync(IStreamStore store, TestClock clock, string where)
    {
        string[][] seen = [.. (await ReadAsync(store, clock)).Select(static line => line.Split(':'))];
        foreach (int item in new[] { 1, 2, 3 })
        {
            string[][] lines = [.. seen.Where(line => line[0] == $"{item}")];
            Assert.True(lines.Length == (item == 2 ? Many : 1), $"{lines.Length} of item {item}: {where}");
            Assert.Equal(Enumerable.Range(0, lines.Length).Select(static n => $"{n}"), lines.Select(static line => line[2]));
            Assert.Single(lines.Select(static line => line[1]).Distinct());
        }
    }

    private sealed class DamagedStore(IStreamStore inner) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        private volatile bool isDamaged;

        public bool IsDamaged
        {
            set => isDamaged = value;
        }

        public override ValueTask<StreamInfo?> FindStreamAsync(string stream, CancellationToken cancellation = default)
            => isDamaged && stream == "outs" ? throw new StreamStoreException("The stream outs is damaged.") { IsPermanent = true }
                : base.FindStreamAsync(stream, cancellation);
    }

    /// <summary>Gives the partition to another member before one commit, or loses the answer to it.</summary>
    private sealed class TroubledStore(IStreamStore inner, int at, bool isTaken) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        private int commits;

        public int Commits => Volatile.Read(ref commits);

        public override async ValueTask<CommitResult> CommitAsync(StoreCommit commit, CancellationToken cancellation = default)
        {
            bool isTroubled = Interlocked.Increment(ref commits) == at;
            if (isTroubled && isTaken)
            {
                AcquireResult taken = await Inner.AcquireAsync(commit.Owner.Group, commit.Owner.Partition,
                    new("other") { ExpectedEpoch = commit.Owner.Epoch }, cancellation);
                await Inner.ReleaseAsync(taken.Ownership, cancellation);
            }
            CommitResult result = await base.CommitAsync(commit, cancellation);
            return isTroubled && !isTaken ? throw new StreamStoreException("The answer was lost.") : result;
        }
    }
}
