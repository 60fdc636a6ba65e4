using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Storage;

/// <summary>The contract finds small faults, each with a scenario. The random walks need not find them.</summary>
public class FaultyStoreTests
{
    private static readonly Dictionary<string, (string Scenario, Func<IStreamStore, IStreamStore> Wrap)> All = new(StringComparer.Ordinal)
    {
        ["redrives in two steps"] = ("KilledInsideEveryCallNothingIsLostOrDoneTwice", static inner => new RedrivesInTwoSteps(inner)),
        ["moves cursors of void commits"] = ("OneEntryThatIsNotOutstandingVoidsTheWholeCommit",
            static inner => new AppliesPartsOfVoidCommits(inner, CommitStatus.NotOutstanding, static async (store, commit) =>
            {
                foreach (CursorCommit move in commit.Cursors) await store.MoveReaderAsync(move);
            })),
        ["ends streams of stale commits"] = ("ACommitOfAFormerOwnerIsVoid",
            static inner => new AppliesPartsOfVoidCommits(inner, CommitStatus.Stale, static async (store, commit) =>
            {
                foreach (EndStream end in commit.Ends) await store.EndStreamAsync(end.Stream, end.End);
            })),
        ["keeps file lengths of void commits"] = ("AnEntryEndsOnceInACommit",
            static inner => new AppliesPartsOfVoidCommits(inner, CommitStatus.NotOutstanding, static async (store, commit)
                => await store.CommitAsync(new(commit.Owner, commit.Sequence) { FileLengths = commit.FileLengths }))),
        ["answers unknown epochs as stale"] = ("AnEpochThatWasNeverGivenMeansThatTheStoreWentBack",
            static inner => new AnswersUnknownEpochsAsStale(inner)),
        ["counts entries that are sent again"] = ("ABatchEndsWithItsLastEntryOnce", static inner => new CountsDuplicates(inner)),
        ["ends no batch with its close"] = ("ABatchThatIsClosedLastEndsWithItsClose", static inner => new EndsNoBatchWithItsClose(inner)),
        ["keeps a released quarantine"] = ("AReleasedQuarantineIsFree", static inner => new KeepsAReleasedQuarantine(inner)),
        ["reserves in ended streams"] = ("NoPlaceIsReservedInAStreamThatHasEnded", static inner => new ReservesInEndedStreams(inner)),
        ["hides when a gate may open"] = ("AGateThatAnExpiringReaderHoldsSaysWhenItMayOpen", static inner => new HidesNextDue(inner)),
        ["checks nothing"] = ("ADamagedEntryIsNamedAndTheOthersAreLeased", static inner => new ChecksNothing(inner)),
        ["reads backwards"] = ("ConcurrentCallersKeepTheBooks", static inner => new ReadsBackwards(inner)),
        ["keeps one character of an error"] = ("AnErrorMayHaveAnyCharacters", static inner => new KeepsOneCharacter(inner)),
    };

    public static TheoryData<string> Faults => [.. All.Keys];

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task TheContractFindsEachFault(string fault)
        => await Assert.ThrowsAsync<StreamStoreContractException>(
            () => StreamStoreContract.RunAsync(All[fault].Scenario, new MemoryStoreFixture(All[fault].Wrap)));

    // Deletes the letters, and makes the entries with the next call, or never if the store is killed before.
    private sealed class RedrivesInTwoSteps(IStreamStore inner) : StreamStoreWrapper(inner)
    {
        private (GroupId Group, IReadOnlyList<long> Letters)? pending;

        public override async ValueTask<int> RedriveAsync(GroupId group, IReadOnlyList<long> numbers,
            CancellationToken cancellation = default)
        {
            pending = (group, numbers);
            return (await Inner.ListDeadAsync(group, cancellation: cancellation)).Count(letter => numbers.Contains(letter.Number));
        }

        protected override async ValueTask<T> CallAsync<T>(string name, Func<ValueTask<T>> call)
        {
            if (pending is { } redrive) await Inner.RedriveAsync(redrive.Group, redrive.Letters);
            pending = null;
            return await call();
        }

        public override async ValueTask DisposeAsync()
        {
            if (pending is { } redrive) await Inner.DeleteDeadAsync(redrive.Group, redrive.Letters);
            await base.DisposeAsync();
        }
    }

    private sealed class AppliesPartsOfVoidCommits(IStreamStore inner, CommitStatus status, Func<IStreamStore, StoreCommit, Task> apply)
        : StreamStoreWrapper(inner)
    {
        public override async ValueTask<CommitResult> CommitAsync(StoreCommit commit, CancellationToken cancellation = default)
        {
            CommitResult result = await Inner.CommitAsync(commit, cancellation);
            if (result.Status == status) await apply(Inner, commit);
            return result;
        }
    }

    private sealed class AnswersUnknownEpochsAsStale(IStreamStore inner) : StreamStoreWrapper(inner)
    {
        public override async ValueTask<bool> ReleaseAsync(Ownership owner, CancellationToken cancellation = default)
        {
            try
            {
                return await Inner.ReleaseAsync(owner, cancellation);
            }
            catch (StoreRolledBackException)
            {
                return false;
            }
        }
    }

    private sealed class CountsDuplicates(IStreamStore inner) : StreamStoreWrapper(inner)
    {
        public override async ValueTask<AppendResult> AppendAsync(AppendRequest request, CancellationToken cancellation = default)
        {
            AppendResult result = await Inner.AppendAsync(request, cancellation);
            using EntryBatch none = new();
            if (result.Status == AppendStatus.Duplicate && request.Batches.Any(static batch => batch.Accepted > 0))
                await Inner.AppendAsync(new(request.Stream, "duplicates", 0, 1, none) { Batches = request.Batches }, cancellation);
            return result;
        }
    }

    private sealed class EndsNoBatchWithItsClose(IStreamStore inner) : StreamStoreWrapper(inner)
    {
        public override ValueTask<AppendResult> AppendAsync(AppendRequest request, CancellationToken cancellation = default)
            => Inner.AppendAsync(request with
            {
                Batches = [.. request.Batches.Select(static batch => batch.Close ? batch with { MarkerStreams = [] } : batch)]
            }, cancellation);
    }

    private sealed class KeepsAReleasedQuarantine(IStreamStore inner) : StreamStoreWrapper(inner)
    {
        public override ValueTask ReleaseQuarantineAsync(Quarantine quarantine, CancellationToken cancellation = default) => default;
    }

    private sealed class ReservesInEndedStreams(IStreamStore inner) : StreamStoreWrapper(inner)
    {
        public override async ValueTask<ReserveStatus> ReserveAsync(Ownership owner, string stream, long items, long bytes,
            CancellationToken cancellation = default)
            => await Inner.ReserveAsync(owner, stream, items, bytes, cancellation) is var status && status == ReserveStatus.Ended
                ? ReserveStatus.Reserved : status;
    }

    private sealed class HidesNextDue(IStreamStore inner) : StreamStoreWrapper(inner)
    {
        public override async ValueTask<LeaseResult> LeaseAsync(LeaseRequest request, CancellationToken cancellation = default)
            => await Inner.LeaseAsync(request, cancellation) is var result && result.FullStream is not null
                ? result with { NextDue = null } : result;
    }

    private sealed class ChecksNothing(IStreamStore inner) : StreamStoreWrapper(inner)
    {
        public override async ValueTask<IntegrityReport> CheckAsync(CancellationToken cancellation = default)
            => await Inner.CheckAsync(cancellation) with { Problems = [] };
    }

    private sealed class ReadsBackwards(IStreamStore inner) : StreamStoreWrapper(inner)
    {
        public override async ValueTask<ReadResult> ReadAsync(ReadRequest request, CancellationToken cancellation = default)
        {
            ReadResult result = await Inner.ReadAsync(request, cancellation);
            return result with { Entries = result.Entries.ToArray().AsEnumerable().Reverse().ToArray() };
        }
    }

    private sealed class KeepsOneCharacter(IStreamStore inner) : StreamStoreWrapper(inner)
    {
        public override ValueTask<CommitResult> CommitAsync(StoreCommit commit, CancellationToken cancellation = default)
            => Inner.CommitAsync(commit with
            {
                Deferred = [.. commit.Deferred.Select(static retry => retry with { Error = retry.Error[..1] })]
            }, cancellation);
    }
}
