using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>The store loses items while it leaves a lease unanswered, and a round is to run again. Only the pump gives up that
/// round.</summary>
public class LossDuringLeaseTests
{
    private const int Partitions = 4;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task TheConsecutorGoesOnWithWhatTheStoreHas()
    {
        string[] keys = [.. Enumerable.Range(0, 100).Select(static n => $"{n}")];
        string failing = keys.First(static key => EntryKey.Of(key).PartitionOf(Partitions) == 1),
            other = keys.First(static key => EntryKey.Of(key).PartitionOf(Partitions) == 2);
        var store = new LossyStore(new MemoryStreamStore());
        TaskCompletionSource judged = New();
        int attempts = 0;
        var work = new Consecutor<string>("work",
            source => source | StageNode.Of(static () => new Count()) | Stage.Named("count") | Stage.Buffer(4) | HandleAsync
                | Stage.Parallel(4) | (static _ => { }),
            Member.Options("me", store, TimeProvider.System, Partitions) with { OnWarning = static _ => { } })
        { Key = static item => item };
        await work.SendAllAsync([failing, other], Cancellation);
        await work.StartAsync(Cancellation);
        ConsecutorSnapshot end = await work.WaitForIdleAsync(Cancellation).WaitAsync(Patience, Cancellation);
        Assert.Equal((2L, 0L, 0L), (end.Completed, end.Dead, end.Unaccounted));
        Assert.NotNull(end.Loss);
        Assert.Equal(4, Volatile.Read(ref attempts));
        Assert.True(await work.StopAsync(cancellation: Cancellation).WaitAsync(Patience, Cancellation));
        await work.DisposeAsync();
        await store.DisposeAsync();

        async ValueTask<string> HandleAsync(string item, CancellationToken cancellation)
        {
            if (Interlocked.Increment(ref attempts) > 2) return item;
            await store.Unanswered.Task;
            if (item == failing) throw new JudgedException(judged);
            await judged.Task;                       // then the other round is to run again, and waits for the pump
            return item;
        }
    }

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private sealed class Count : StatefulStageNode<string, string, int>
    {
        protected override int InitialState(string key) => 0;

        protected override ValueTask ProcessAsync(string item, Output<string> output, CancellationToken cancellation)
        {
            State++;
            return output.PushAsync(item);
        }
    }

    /// <summary>Says when the committer reads its text, which it does when it judges the round.</summary>
    private sealed class JudgedException(TaskCompletionSource judged) : Exception
    {
        public override string Message
        {
            get
            {
                if (Environment.StackTrace.Contains("RoundCommitter", StringComparison.Ordinal)) judged.TrySetResult();
                return "It fails at first.";
            }
        }
    }

    /// <summary>Has lost the items of a commit, and fails a lease when the consecutor has noticed the loss.</summary>
    private sealed class LossyStore(IStreamStore inner) : StreamStoreWrapper(inner)
    {
        private readonly TaskCompletionSource noticed = New();
        private int leased;

        /// <summary>Completes when the lease behind the first two items hangs.</summary>
        public TaskCompletionSource Unanswered { get; } = New();

        public override async ValueTask<LeaseResult> LeaseAsync(LeaseRequest request, CancellationToken cancellation = default)
        {
            if (leased >= 2 && Unanswered.TrySetResult())
            {
                await noticed.Task.WaitAsync(cancellation);
                throw new StreamStoreException("The connection is cut.");
            }
            LeaseResult lease = await base.LeaseAsync(request, cancellation);
            leased += lease.Batches.Sum(static batch => batch.Entries.Length);
            return lease;
        }

        public override ValueTask<CommitResult> CommitAsync(StoreCommit commit, CancellationToken cancellation = default)
            => noticed.Task.IsCompleted ? base.CommitAsync(commit, cancellation)
                : new(new CommitResult(CommitStatus.Gap, "The store has an earlier commit."));

        public override async ValueTask<int> RaiseGenerationAsync(int expected, CancellationToken cancellation = default)
        {
            int raised = await base.RaiseGenerationAsync(expected, cancellation);
            noticed.TrySetResult();                  // the consecutor loads everything anew
            return raised;
        }
    }
}
