using System.Collections.Concurrent;
using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>A sink that fails again and again, while it prepares a commit or undoes one.</summary>
public class SinkFailureTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ASinkThatCannotUndoACommitIsToldAgain()
    {
        await using var store = new MemoryStreamStore();
        var unsteady = new Unsteady { UndoFailures = 3 };
        string? problem = null;
        Consecutor<int> work = null!;
        unsteady.Failing = () => problem ??= work.Snapshot().Problem;
        await using Consecutor<int> made = work = new Consecutor<int>("work", source => source
            | [s => s | (Sink.Commit(() => unsteady) | Stage.Named("unsteady")),
                s => s | (Sink.Commit(() => new Refusing()) | Stage.Named("no"))],
            new()
            {
                Store = store,
                Process = new(),
                Delivery = DeliveryGuarantee.Replay(0),
                Stream = new() { Partitions = 1 }
            });
        await work.SendAllAsync([1, 2, 3], Cancellation);
        await work.StartAsync(Cancellation);
        ConsecutorSnapshot end = await work.WaitForIdleAsync(Cancellation);
        Assert.Equal((2L, 1L, 0L, null), (end.Completed, end.Dead, end.Unaccounted, end.Problem));
        Assert.Equal("A sink could not undo a commit that was not applied; it is tried again: IOException: The table is locked.", problem);
        Assert.Equal([1, 3], unsteady.Written.Order());
        Assert.Equal(0, unsteady.UndoFailures);
    }

    /// <summary>The next owner's sink may refuse this one: the commit must not be prepared for ever.</summary>
    [Fact]
    public async Task APartitionThatIsLostWhileItsSinkFailsIsGivenUp()
    {
        var clock = new TestClock();
        string[] keys = [.. Enumerable.Range(0, 100).Select(static n => $"{n}")];
        string here = keys.First(static key => EntryKey.Of(key).PartitionOf(2) == 0),
            there = keys.First(static key => EntryKey.Of(key).PartitionOf(2) == 1);
        await using var store = new LosingStore(new MemoryStreamStore(clock));
        var unsteady = new Unsteady { FailsPreparation = true };
        await using var work = new Consecutor<int>("work", source => source | (Sink.Commit(() => unsteady) | Stage.Named("unsteady")),
            Member.Options("one", store, clock, 2))
        { Key = n => n == 1 ? here : there };
        await work.StartAsync(Cancellation);
        await work.SendAsync(1, Cancellation);
        await Member.UntilAsync(() => unsteady.Preparations > 0);
        store.FailsLeaseOf = 1;
        await work.SendAsync(2, Cancellation);
        Task<ConsecutorSnapshot> idle = work.WaitForIdleAsync(Cancellation);
        var rounds = new Rounds(2_000_000);
        for (int i = 0; !idle.IsCompleted; i++)
        {
            Assert.True(await rounds.GoOnAsync(), $"It is still at it: {work.Snapshot()}");
            if (unsteady.Begins > 1) unsteady.FailsPreparation = false;          // only now: it has given up before
            if (i % 50 == 49) clock.Advance(TimeSpan.FromSeconds(1));
            await Member.NextAsync();
        }
        ConsecutorSnapshot end = await idle;
        Assert.True(end is { Accepted: 2, Completed: 2, Unaccounted: 0 }, $"{end}");
        Assert.Equal([1, 2], unsteady.Written.Order());
    }

    /// <remarks>Regression: the sink was asked to prepare commits although it had begun in part only, for ever: nothing was committed any
    /// more, and no partition was acquired.</remarks>
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public async Task ASinkThatCannotBeginForAnAcquiredPartitionBeginsAgainBeforeItPrepares(int failures)
    {
        var clock = new TestClock();
        string here = Enumerable.Range(0, 100).Select(static n => $"{n}").First(static key => EntryKey.Of(key).PartitionOf(2) == 0);
        await using var store = new MemoryStreamStore(clock);
        await store.OpenStreamAsync("work", new() { Partitions = 2 }, Cancellation);
        await store.AddGroupAsync(Member.Group, StreamStart.First, Cancellation);
        await store.BeatAsync(Member.Group, "ghost", Cancellation);
        await store.AcquireAsync(Member.Group, 1, new("ghost"), Cancellation);
        var sink = new LateBeginner { Failures = failures };
        await using var work = new Consecutor<int>("work", source => source | (Sink.Commit(() => sink) | Stage.Named("late")),
            Member.Options("one", store, clock, 2))
        { Key = _ => here };
        await work.StartAsync(Cancellation);
        await store.BeatAsync(Member.Group, "ghost", Cancellation);      // it is heard of, or the sink would wait for what it has
        await Member.BeatAsync(store, clock, "one");
        await work.SendAsync(1, Cancellation);
        await Member.UntilAsync(() => work.Snapshot().Completed == 1);
        while (sink.Left == failures) await Member.BeatAsync(store, clock, "one");           // the ghost is silent
        await work.SendAsync(2, Cancellation);
        Task<ConsecutorSnapshot> idle = work.WaitForIdleAsync(Cancellation);
        // The problem is over a moment after the store tells the owner.
        var rounds = new Rounds(200_000);
        for (int i = 0; !idle.IsCompleted || !(await Member.OwnersAsync(store)).Contains(" one:", StringComparison.Ordinal)
            || work.Snapshot().Problem is not null; i++)
        {
            Assert.True(await rounds.GoOnAsync(), $"It stands still: {work.Snapshot()}");
            if (i % 50 == 49) clock.Advance(TimeSpan.FromSeconds(1));
            await Member.NextAsync();
        }
        Assert.Equal((2, null), ((await idle).Completed, work.Snapshot().Problem));
        Assert.Equal([1, 2], sink.Written);
        Assert.True(await work.StopAsync(cancellation: Cancellation));
    }

    /// <remarks>Regression: work stood still on a full disk, and only a snapshot said so.</remarks>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AConsecutorThatStandsStillSaysSoOnceAndSaysWhenItGoesOn(bool isSink)
    {
        var clock = new TestClock();
        var warnings = new ConcurrentQueue<string>();
        await using var store = new FullStore(new MemoryStreamStore(clock)) { IsFull = !isSink };
        var unsteady = new Unsteady { FailsPreparation = isSink };
        await using var work = new Consecutor<int>("work", source => source | (Sink.Commit(() => unsteady) | Stage.Named("unsteady")),
            Member.Options("one", store, clock) with { OnWarning = warnings.Enqueue });
        await work.StartAsync(Cancellation);
        await work.SendAsync(1, Cancellation);
        while (warnings.IsEmpty)
        {
            clock.Advance(TimeSpan.FromSeconds(1));
            await Member.NextAsync();
        }
        (unsteady.FailsPreparation, store.IsFull) = (false, false);
        Task<ConsecutorSnapshot> idle = work.WaitForIdleAsync(Cancellation);
        while (!idle.IsCompleted || warnings.Count < 2)
        {
            clock.Advance(TimeSpan.FromSeconds(1));
            await Member.NextAsync();
        }
        Assert.Equal((1, null), ((await idle).Completed, work.Snapshot().Problem));
        string[] told = [.. warnings];
        Assert.Equal(2, told.Length);
        Assert.Matches(@"^The consecutor work has stood still for \d+ s\. " + (isSink
            ? @"A sink could not prepare a commit; it is tried again: IOException: The table is away\. "
            : @"The store does not take commits; they are sent again: StreamStoreException: The disk is full\. ")
            + "When the reason is gone, it goes on by itself; nothing is lost\\.$", told[0]);
        Assert.Matches(@"^The consecutor work goes on, after it stood still for \d+ s\.$", told[1]);
    }

    /// <remarks>Regression: the end of the consecutor was told as a success.</remarks>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AConsecutorThatIsStoppedWhileItStandsStillDoesNotSayThatItGoesOn(bool isSink)
    {
        var clock = new TestClock();
        var warnings = new ConcurrentQueue<string>();
        await using var store = new FullStore(new MemoryStreamStore(clock)) { IsFull = !isSink };
        var unsteady = new Unsteady { FailsPreparation = isSink };
        await using (var work = new Consecutor<int>("work", source => source | (Sink.Commit(() => unsteady) | Stage.Named("unsteady")),
            Member.Options("one", store, clock) with { OnWarning = warnings.Enqueue }))
        {
            await work.StartAsync(Cancellation);
            await work.SendAsync(1, Cancellation);
            while (warnings.IsEmpty)
            {
                clock.Advance(TimeSpan.FromSeconds(1));
                await Member.NextAsync();
            }
            Task stopping = work.StopAsync(TimeSpan.FromSeconds(5), Cancellation);
            while (!stopping.IsCompleted)
            {
                clock.Advance(TimeSpan.FromSeconds(1));
                await Member.NextAsync();
            }
            await stopping;
        }
        Assert.Contains(warnings, static text => text.Contains("has stood still", StringComparison.Ordinal));
        Assert.DoesNotContain(warnings, static text => text.Contains("goes on, after", StringComparison.Ordinal));
    }

    private sealed class FullStore(IStreamStore inner) : StreamStoreWrapper(inner)
    {
        public volatile bool IsFull;

        public override ValueTask<CommitResult> CommitAsync(StoreCommit commit, CancellationToken cancellation = default)
            => IsFull ? throw new StreamStoreException("The disk is full.") : base.CommitAsync(commit, cancellation);
    }

    private sealed class Unsteady : TransactionalSink<int>
    {
        public List<int> Written { get; } = [];
        public int UndoFailures { get; set; }
        public Action Failing { get; set; } = static () => { };
        public volatile bool FailsPreparation;
        public volatile int Preparations, Begins;

        protected override ValueTask BeginAsync(SinkState state, CancellationToken cancellation)
        {
            Assert.NotEmpty(state.Partitions);
            Begins++;
            return default;
        }

        protected override ValueTask PrepareAsync(SinkCommit<int> commit, CancellationToken cancellation)
        {
            Preparations++;
            if (FailsPreparation) throw new IOException("The table is away.");
            Written.AddRange(commit.Items.Select(static item => item.Value));
            return default;
        }

        protected override ValueTask VoidedAsync(SinkCommit<int> commit, CancellationToken cancellation)
        {
            if (UndoFailures > 0)
            {
                Failing();
                UndoFailures--;
                throw new IOException("The table is locked.");
            }
            foreach (StagedItem<int> item in commit.Items) Written.Remove(item.Value);
            return default;
        }
    }

    /// <summary>Fails when it begins again, in the middle.</summary>
    private sealed class LateBeginner : TransactionalSink<int>
    {
        private bool hasBegun;
        private int begins;
        private volatile int left;

        public int Failures { init => left = value; }

        public int Left => left;

        public List<int> Written { get; } = [];

        protected override ValueTask BeginAsync(SinkState state, CancellationToken cancellation)
        {
            hasBegun = false;
            if (++begins > 1 && left > 0)
            {
                left--;
                throw new IOException("The connection is broken.");
            }
            hasBegun = true;
            return default;
        }

        protected override ValueTask PrepareAsync(SinkCommit<int> commit, CancellationToken cancellation)
        {
            if (!hasBegun) throw new InvalidOperationException("It has not begun.");
            Written.AddRange(commit.Items.Select(static item => item.Value));
            return default;
        }
    }

    private sealed class Refusing : TransactionalSink<int>
    {
        protected override ValueTask BeginAsync(SinkState state, CancellationToken cancellation) => default;

        protected override ValueTask PrepareAsync(SinkCommit<int> commit, CancellationToken cancellation)
        {
            for (int i = 0; i < commit.Items.Count; i++)
                if (commit.Items[i].Value == 2) throw new ItemRejectedException("Two is refused.") { Item = i };
            return default;
        }
    }

    private sealed class LosingStore(IStreamStore inner) : StreamStoreWrapper(inner)
    {
        public volatile int FailsLeaseOf = -1;

        public override async ValueTask<LeaseResult> LeaseAsync(LeaseRequest request, CancellationToken cancellation = default)
        {
            LeaseResult result = await base.LeaseAsync(request, cancellation);
            if (!result.Batches.Any(batch => batch.Owner.Partition == FailsLeaseOf)) return result;
            FailsLeaseOf = -1;
            throw new StreamStoreException("The answer was lost.");
        }
    }
}
