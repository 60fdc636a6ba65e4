using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Storage;

/// <summary>The contract finds defects: a named scenario and the random walks fail for each broken store.</summary>
public class BrokenStoreTests
{
    public static TheoryData<string, string, string> Defects => new()
    {
        { nameof(SettlesEarly), "ARetryIsLeasedWhenItIsDue", "the next is due within" },
        { nameof(DropsOutputs), "ACommitIsAppliedWhollyAndStaysApplied", "the first output" },
        { nameof(DropsState), "KilledAfterEveryCallNothingIsLostOrDoneTwice", "the sum" },
        { nameof(AcceptsStaleRounds), "ADelayedCommitOfALostAndRegainedPartitionIsVoid", "the delayed commit" },
        { nameof(ForgetsTheLastResult), "ARepeatedCommitGetsTheResultOfTheFirst", "commit 1 of" },
        { nameof(AcceptsGaps), "AnOvertakenAppendIsNotLost", "6 before 5" },
        { nameof(AppliesHalfOfAVoidCommit), "OneEntryThatIsNotOutstandingVoidsTheWholeCommit", "outputs and markers of a void commit" },
        { nameof(AcknowledgesTooEarly), "KilledBeforeEveryCallNothingIsLostOrDoneTwice", "acknowledged commits are there" },
        { nameof(LeasesSuspectsToAnybody), "WhatASilentOwnerHadInFlightIsSuspectAndUncharged", "what waits" },
    };

    [Theory]
    [MemberData(nameof(Defects))]
    public async Task TheContractFindsEachDefect(string defect, string scenario, string message)
    {
        StreamStoreContractException failure = await Assert.ThrowsAsync<StreamStoreContractException>(
            () => StreamStoreContract.RunAsync(scenario, Fixture(defect)));
        Assert.Contains(message, failure.Message, StringComparison.Ordinal);

        int seeds = 0;
        for (int seed = 1; seed <= 20; seed++)
            try
            {
                await StreamStoreContract.RunRandomAsync(seed, 100, Fixture(defect));
            }
            catch (StreamStoreContractException)
            {
                seeds++;
            }
        Assert.InRange(seeds, 10, 20);
    }

    private static MemoryStoreFixture Fixture(string defect) => new(inner => defect switch
    {
        nameof(SettlesEarly) => new SettlesEarly(inner),
        nameof(DropsOutputs) => new DropsOutputs(inner),
        nameof(DropsState) => new DropsState(inner),
        nameof(AcceptsStaleRounds) => new AcceptsStaleRounds(inner),
        nameof(ForgetsTheLastResult) => new ForgetsTheLastResult(inner),
        nameof(AcceptsGaps) => new AcceptsGaps(inner),
        nameof(AcknowledgesTooEarly) => new AcknowledgesTooEarly(inner),
        nameof(AppliesHalfOfAVoidCommit) => new AppliesHalfOfAVoidCommit(inner),
        _ => new LeasesSuspectsToAnybody(inner),
    });

    private sealed class SettlesEarly(IStreamStore inner) : StreamStoreWrapper(inner)
    {
        public override ValueTask<CommitResult> CommitAsync(StoreCommit commit, CancellationToken cancellation = default)
            => Inner.CommitAsync(commit with
            {
                Settled = [.. commit.Settled, .. commit.Deferred.Where(deferral => deferral.After is not null)
                .Select(deferral => new SequenceRange(deferral.Sequence, deferral.Sequence))],
                Deferred = [.. commit.Deferred.Where(deferral => deferral.After is null)],
            }, cancellation);
    }

    private sealed class DropsOutputs(IStreamStore inner) : StreamStoreWrapper(inner)
    {
        public override ValueTask<CommitResult> CommitAsync(StoreCommit commit, CancellationToken cancellation = default)
            => Inner.CommitAsync(commit with { Outputs = [] }, cancellation);
    }

    private sealed class DropsState(IStreamStore inner) : StreamStoreWrapper(inner)
    {
        public override ValueTask<CommitResult> CommitAsync(StoreCommit commit, CancellationToken cancellation = default)
            => Inner.CommitAsync(commit with { State = [] }, cancellation);
    }

    internal sealed class AcceptsStaleRounds(IStreamStore inner) : StreamStoreWrapper(inner)
    {
        public override async ValueTask<CommitResult> CommitAsync(StoreCommit commit, CancellationToken cancellation = default)
        {
            CommitResult result = await Inner.CommitAsync(commit, cancellation);
            if (result.Status != CommitStatus.Stale || await Inner.FindGroupAsync(commit.Owner.Group, cancellation) is not { } group)
                return result;
            return await Inner.CommitAsync(commit with
            {
                Owner =
                commit.Owner with { Epoch = group.Partitions[commit.Owner.Partition].Epoch }
            }, cancellation);
        }
    }

    private sealed class ForgetsTheLastResult(IStreamStore inner) : StreamStoreWrapper(inner)
    {
        private readonly HashSet<(Ownership, long)> applied = [];

        public override async ValueTask<CommitResult> CommitAsync(StoreCommit commit, CancellationToken cancellation = default)
        {
            if (applied.Contains((commit.Owner, commit.Sequence))) return new(CommitStatus.Stale);
            CommitResult result = await Inner.CommitAsync(commit, cancellation);
            if (result.Status == CommitStatus.Committed) applied.Add((commit.Owner, commit.Sequence));
            return result;
        }
    }

    private sealed class AcceptsGaps(IStreamStore inner) : StreamStoreWrapper(inner)
    {
        public override async ValueTask<AppendResult> AppendAsync(AppendRequest request, CancellationToken cancellation = default)
        {
            AppendResult result = await Inner.AppendAsync(request, cancellation);
            return result.Status == AppendStatus.Gap ? await Inner.AppendAsync(request with { Sequence = result.Last + 1 }, cancellation)
                : result;
        }
    }

    // Each commit is applied with the next call, or never if the store is killed before.
    private sealed class AcknowledgesTooEarly(IStreamStore inner) : StreamStoreWrapper(inner)
    {
        private StoreCommit? pending;

        public override async ValueTask<CommitResult> CommitAsync(StoreCommit commit, CancellationToken cancellation = default)
        {
            await FlushAsync();
            pending = commit;
            return new(CommitStatus.Committed);
        }

        protected override async ValueTask<T> CallAsync<T>(string name, Func<ValueTask<T>> call)
        {
            await FlushAsync();
            return await call();
        }

        private async Task FlushAsync()
        {
            if (pending is { } late) await Inner.CommitAsync(late);
            pending = null;
        }
    }

    private sealed class AppliesHalfOfAVoidCommit(IStreamStore inner) : StreamStoreWrapper(inner)
    {
        public override async ValueTask<CommitResult> CommitAsync(StoreCommit commit, CancellationToken cancellation = default)
        {
            CommitResult result = await Inner.CommitAsync(commit, cancellation);
            if (result.Status == CommitStatus.NotOutstanding)
                foreach (CommitOutput output in commit.Outputs)
                    await Inner.AppendAsync(new(output.Stream, Guid.NewGuid().ToString(), 0, 1, output.Entries), cancellation);
            return result;
        }
    }

    private sealed class LeasesSuspectsToAnybody(IStreamStore inner) : StreamStoreWrapper(inner)
    {
        public override async ValueTask<AcquireResult> AcquireAsync(GroupId group, int partition, AcquireRequest request,
            CancellationToken cancellation = default)
        {
            if (await Inner.FindGroupAsync(group, cancellation) is { } info)
                await Inner.ReleaseAsync(new(group, partition, info.Partitions[partition].Epoch), cancellation);
            return await Inner.AcquireAsync(group, partition, request, cancellation);
        }
    }
}
