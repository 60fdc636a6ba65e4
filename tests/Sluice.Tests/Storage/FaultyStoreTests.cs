using Sluice.Storage;
using Sluice.Testing;
using Wrapping = System.Func<Sluice.Storage.IStreamStore, Sluice.Storage.IStreamStore>;

namespace Sluice.Tests.Storage;

/// <summary>The contract finds small faults, each with a scenario. The random walks need not find them.</summary>
public partial class FaultyStoreTests
{
    private static readonly Dictionary<string, (string Scenario, string Message, Wrapping Wrap)> All = new(StringComparer.Ordinal)
    {
        ["redrives in two steps"] = ("KilledInsideEveryCallNothingIsLostOrDoneTwice", "dead letters",
            static inner => new RedrivesInTwoSteps(inner)),
        ["moves cursors of void commits"] = ("OneEntryThatIsNotOutstandingVoidsTheWholeCommit", "the place of a reader after a void commit",
            static inner => new AppliesPartsOfVoidCommits(inner, CommitStatus.NotOutstanding, static async (store, commit) =>
            {
                foreach (CursorCommit move in commit.Cursors) await store.MoveReaderAsync(move);
            })),
        ["ends streams of stale commits"] = ("ACommitOfAFormerOwnerIsVoid", "the end of a stream",
            static inner => new AppliesPartsOfVoidCommits(inner, CommitStatus.Stale, static async (store, commit) =>
            {
                foreach (EndStream end in commit.Ends) await store.EndStreamAsync(end.Stream, end.End);
            })),
        ["keeps file lengths of void commits"] = ("AnEntryEndsOnceInACommit", "settling and deferring 2",
            static inner => new AppliesPartsOfVoidCommits(inner, CommitStatus.NotOutstanding, static async (store, commit)
                => await store.CommitAsync(new(commit.Owner, commit.Sequence) { FileLengths = commit.FileLengths }))),
        ["answers unknown epochs as stale"] = ("AnEpochThatWasNeverGivenMeansThatTheStoreWentBack", "a release: ",
            static inner => new AnswersUnknownEpochsAsStale(inner)),
        ["counts entries that are sent again"] = ("ABatchEndsWithItsLastEntryOnce", "results with the marker",
            static inner => new CountsDuplicates(inner)),
        ["ends no batch with its close"] = ("ABatchThatIsClosedLastEndsWithItsClose", "markers: ",
            static inner => new EndsNoBatchWithItsClose(inner)),
        ["keeps a released quarantine"] = ("AReleasedQuarantineIsFree", "owner and epoch after the release",
            static inner => new KeepsAReleasedQuarantine(inner)),
        ["reserves in ended streams"] = ("NoPlaceIsReservedInAStreamThatHasEnded", "a place in a stream",
            static inner => new ReservesInEndedStreams(inner)),
        ["hides when a gate may open"] = ("AGateThatAnExpiringReaderHoldsSaysWhenItMayOpen", "it says when the reader may expire",
            static inner => new HidesNextDue(inner)),
        ["checks nothing"] = ("ADamagedEntryIsNamedAndTheOthersAreLeased", "a check", static inner => new ChecksNothing(inner)),
        ["reads backwards"] = ("ConcurrentCallersKeepTheBooks", "the pair at its place", static inner => new ReadsBackwards(inner)),
        ["lists each page of rows from the beginning"] = ("StateIsKeptByNodeKeyAndPartition", "no page lists again",
            static inner => new ListsFromTheBeginning(inner)),
        ["lists each page of nodes from the beginning"] = ("NodesWithStateAreListedByPartition", "no page lists again",
            static inner => new ListsFromTheBeginning(inner)),
        ["ends before its stream"] = ("ConcurrentCallersKeepTheBooks", "no consumer is told of the end",
            static inner => new EndsEarly(inner)),
        ["counts no attempts"] = ("KilledAfterEveryCallNothingIsLostOrDoneTwice", "no number is leased for ever",
            static inner => new CountsNoAttempts(inner)),
        ["takes names for equal that differ by case"] = ("NamesAreComparedAsTheyAre", "the first append of the producer 'k1'",
            static inner => new IgnoresCase(inner)),
        ["takes prefixes for patterns"] = ("StreamsAreListedInOrdinalOrderByTheirPrefix", "streams with the prefix 'a_'",
            static inner => new TakesPatterns(inner)),
        ["keeps the letters of a removed group"] = ("AGroupOfTheNameOfARemovedOneIsNew", "letters of a group",
            static inner => new KeepsLetters(inner)),
        ["applies commits of owners of a removed group"] = ("AnOwnerOfARemovedGroupIsVoidInTheNextOne", "commit 1 of the former owner",
            static inner => new BrokenStoreTests.AcceptsStaleRounds(inner)),
        ["applies commits of owners of a deleted stream"] = ("AnOwnerOfADeletedStreamIsVoidInTheNextOne", "commit 1 of the former owner",
            static inner => new BrokenStoreTests.AcceptsStaleRounds(inner)),
        ["forgets what a member knows"] = ("ATakingRaisesTheEpochAboveWhatItsMemberKnows", "which the member knows",
            static inner => new ForgetsKnownEpochs(inner)),
        ["keeps the counts of a deleted stream"] = ("AStreamOfTheNameOfADeletedOneIsNew", "entries ever appended",
            static inner => new KeepsCounts(inner)),
        ["fails when it is disposed as if it were away"] = ("AStoreThatIsDisposedEndsItsCalls",
            "expected a ObjectDisposedException, but it is a StreamStoreException",
            static inner => new IsAwayWhenDisposed(inner)),
        ["leases retries without a bound"] = ("RetriesCountAgainstTheBytesOfALease", "1,000 bytes of retries",
            static inner => new LeasesWithoutABound(inner)),
        ["appends to few partitions"] = ("EntriesOfAnAppendMayGoToManyPartitions", "an append to 300 partitions",
            static inner => new AppendsToFewPartitions(inner)),
        ["reserves no bytes"] = ("AReservationCountsAgainstTheBoundOfBytes", "600 bytes", static inner => new ReservesNoBytes(inner)),
        ["leaves out what is too long"] = ("ACommitThatNamesAMissingStreamOrHasALongEntryFailsWhole",
            "longer than its stream allows: expected a PayloadException",
            static inner => new LeavesOutLongEntries(inner)),
        ["opens an open reader anew"] = ("TheSlowestReaderHoldsTheStream", "the reader that is left",
            static inner => new OpensReadersAnew(inner)),
        ["keeps one character of an error"] = ("AnErrorMayHaveAnyCharacters", "errors of retries",
            static inner => new KeepsOneCharacter(inner)),
    };

    public static TheoryData<string> Faults => [.. All.Keys];

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task TheContractFindsEachFault(string fault)
    {
        (string scenario, string message, Wrapping wrap) = All[fault];
        StreamStoreContractException failure = await Assert.ThrowsAsync<StreamStoreContractException>(
            () => StreamStoreContract.RunAsync(scenario, new MemoryStoreFixture(wrap)));
        Assert.Contains(message, failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AScenarioThatStandsStillFailsAndNamesTheCall()
    {
        string message = await StandsStillAsync("ACheckReadsEveryEntry", static inner => new NeverAnswers(inner));
        Assert.Contains("5 minutes", message, StringComparison.Ordinal);
        Assert.Contains("in progress: CheckAsync", message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ACloseThatStandsStillHidesNoFault()
    {
        string message = await StandsStillAsync("AReservationCountsAgainstTheBoundOfBytes",
            static inner => new NeverCloses(new ReservesNoBytes(inner)));
        Assert.Contains("600 bytes", message, StringComparison.Ordinal);
        Assert.Contains("in progress: a close of the store", message, StringComparison.Ordinal);
    }

    private static async Task<string> StandsStillAsync(string scenario, Wrapping wrap)
    {
        var clock = new TestClock();
        Task running = StreamStoreContract.CheckAsync(scenario, new MemoryStoreFixture(wrap), clock);
        while (!running.IsCompleted)
        {
            clock.Advance(TimeSpan.FromMinutes(5));
            await Task.Yield();
        }
        return (await Assert.ThrowsAsync<StreamStoreContractException>(() => running)).Message;
    }

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

    internal sealed class ForgetsKnownEpochs(IStreamStore inner) : StreamStoreWrapper(inner)
    {
        public override ValueTask<AcquireResult> AcquireAsync(GroupId group, int partition, AcquireRequest request,
            CancellationToken cancellation = default)
            => Inner.AcquireAsync(group, partition, request with { KnownEpoch = 0 }, cancellation);
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

    private sealed class ListsFromTheBeginning(IStreamStore inner) : StreamStoreWrapper(inner)
    {
        public override ValueTask<IReadOnlyList<StateRow>> ListStateAsync(GroupId group, int partition, string node, string? after = null,
            int max = 1000, CancellationToken cancellation = default)
            => Inner.ListStateAsync(group, partition, node, null, max, cancellation);

        public override ValueTask<IReadOnlyList<StateNodeInfo>> ListStateNodesAsync(GroupId group, int partition, string? after = null,
            int max = 100, bool counted = false, CancellationToken cancellation = default)
            => Inner.ListStateNodesAsync(group, partition, null, max, counted, cancellation);
    }

    private sealed class EndsEarly(IStreamStore inner) : StreamStoreWrapper(inner)
    {
        public override async ValueTask<LeaseResult> LeaseAsync(LeaseRequest request, CancellationToken cancellation = default)
            => await Inner.LeaseAsync(request, cancellation) is var result && result.Batches.Count == 0
                ? result with { IsEnded = true } : result;
    }

    private sealed class CountsNoAttempts(IStreamStore inner) : StreamStoreWrapper(inner)
    {
        public override ValueTask<CommitResult> CommitAsync(StoreCommit commit, CancellationToken cancellation = default)
            => Inner.CommitAsync(commit with { Deferred = [.. commit.Deferred.Select(static retry => retry with { Attempts = 0 })] },
                cancellation);
    }

    private sealed class NeverAnswers(IStreamStore inner) : StreamStoreWrapper(inner)
    {
        protected override ValueTask<T> CallAsync<T>(string name, Func<ValueTask<T>> call)
            => name == nameof(CheckAsync) ? new(new TaskCompletionSource<T>().Task) : call();
    }

    private sealed class NeverCloses(IStreamStore inner) : StreamStoreWrapper(inner)
    {
        public override async ValueTask DisposeAsync()
        {
            await new TaskCompletionSource().Task;
            await base.DisposeAsync();
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
