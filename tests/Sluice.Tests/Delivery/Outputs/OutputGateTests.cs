using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>A commit with outputs is sent while its target counts nothing else. Neither consecutor holds the other one up.</summary>
/// <remarks>The clock stands still while one of them waits.</remarks>
public class OutputGateTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);
    private readonly TestClock clock = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]                               // the commit is applied, and its answer is lost
    public async Task TheTargetStartsWhileACommitIsSentAgainAndCountsEachOutputOnce(bool isApplied)
    {
        await using var store = new SilentStore(new MemoryStreamStore(clock)) { FailsCommits = true, IsApplied = isApplied };
        await using Consecutor<int> outs = MakeOuts(store), work = MakeWork(store, outs);
        await work.StartAsync(Cancellation);
        await work.SendAsync(1, Cancellation);
        await store.Called.Task.WaitAsync(Patience, Cancellation);
        await outs.StartAsync(Cancellation).WaitAsync(Patience, Cancellation);
        store.FailsCommits = false;
        while (work.Snapshot() is not { IsIdle: true, Completed: 1 } || outs.Snapshot() is not { IsIdle: true, Completed: 1 })
        {
            clock.Advance(TimeSpan.FromSeconds(1));
            await Member.NextAsync();
        }
        Assert.Equal((1L, 0L), (outs.Snapshot().Accepted, outs.Snapshot().Unaccounted));
    }

    [Fact]
    public async Task AStopDoesNotWaitForTheTarget()
    {
        await using var memory = new MemoryStreamStore(clock);
        var store = new SilentStore(memory);
        Consecutor<int> outs = MakeOuts(store), work = MakeWork(store, outs);
        await work.StartAsync(Cancellation);
        store.HangsAcquires = true;
        Task starting = outs.StartAsync(Cancellation);
        await store.Called.Task.WaitAsync(Patience, Cancellation);
        await work.SendAsync(1, Cancellation);
        await Member.UntilAsync(work, static snapshot => snapshot.InFlight == 1);
        for (int i = 0; i < 200; i++) await Member.NextAsync();      // the item ends, and its commit waits for its target
        await work.StopAsync(TimeSpan.Zero, CancellationToken.None).WaitAsync(Patience, Cancellation);
        await work.Completion;
        store.Answer.SetResult();
        await starting;

        await outs.DisposeAsync();

        await using Consecutor<int> nextOuts = MakeOuts(memory), next = MakeWork(memory, nextOuts);
        await nextOuts.StartAsync(Cancellation);
        await next.StartAsync(Cancellation);
        Assert.Equal(1, (await next.WaitForIdleAsync(Cancellation)).Completed);
        Assert.Equal(1, (await nextOuts.WaitForIdleAsync(Cancellation)).Completed);
    }

    private Consecutor<int> MakeOuts(IStreamStore store)
        => new("outs", static source => source | (static _ => { }), Member.Options("me", store, clock));

    private Consecutor<int> MakeWork(IStreamStore store, Consecutor<int> outs)
    {
        var work = new Consecutor<int>("work", static source => source | Sink.Output<int>("parts"), Member.Options("me", store, clock));
        work.Output<int>("parts").To(outs);
        return work;
    }

    /// <summary>Fails commits with outputs, or does not answer who acquires a partition of the stream 'outs'.</summary>
    private sealed class SilentStore(IStreamStore inner) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        public volatile bool FailsCommits, HangsAcquires;

        public bool IsApplied { get; init; }

        public TaskCompletionSource Called { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public override async ValueTask<CommitResult> CommitAsync(StoreCommit commit, CancellationToken cancellation = default)
        {
            if (!FailsCommits || commit.Outputs.Count == 0) return await base.CommitAsync(commit, cancellation);
            if (IsApplied) await base.CommitAsync(commit, cancellation);
            Called.TrySetResult();
            throw new StreamStoreException("The connection is cut.");
        }

        public override async ValueTask<AcquireResult> AcquireAsync(GroupId group, int partition, AcquireRequest request,
            CancellationToken cancellation = default)
        {
            if (HangsAcquires && group.Stream == "outs")
            {
                Called.TrySetResult();
                await Answer.Task;
            }
            return await base.AcquireAsync(group, partition, request, cancellation);
        }
    }
}
