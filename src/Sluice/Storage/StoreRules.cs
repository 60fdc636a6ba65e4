namespace Sluice.Storage;

/// <summary>Rules that every store applies to what it keeps, for authors of stores. They read nothing and change nothing.</summary>
/// <remarks>The methods are thread-safe. Stores call them inside the transaction that applies the request.</remarks>
public static class StoreRules
{
    private const int EpochBits = 20;

    /// <summary>Decides by the epoch and the last commit of a partition whether a commit may be applied.</summary>
    /// <param name="commit">The commit.</param>
    /// <param name="partition">What the store knows of the partition; null if its group does not exist.</param>
    /// <returns>Null if it may be applied; otherwise the answer to it: it was applied before, its owner is stale, or an earlier commit is
    /// missing.</returns>
    public static CommitResult? Fence(StoreCommit commit, PartitionFence? partition)
    {
        ArgumentNullException.ThrowIfNull(commit);
        if (partition is not { } known) return new(CommitStatus.Stale, $"the group of {commit.Owner} does not exist");
        if (commit.Sequence > 0 && (commit.Owner.Epoch, commit.Sequence) == (known.LastCommitEpoch, known.LastCommit))
            return new(CommitStatus.Committed);
        if (commit.Owner.Epoch < known.Epoch || !known.IsOwned)
            return new(CommitStatus.Stale, $"{commit.Owner} is void: the partition was taken or released since (epoch {known.Epoch})");
        if (commit.Sequence <= known.LastCommit)
            return new(CommitStatus.Stale, $"commit {commit.Sequence} of {commit.Owner}: {known.LastCommit} was applied already");
        return commit.Sequence == known.LastCommit + 1 ? null
            : new(CommitStatus.Gap, $"commit {commit.Sequence} of {commit.Owner} is ahead: the last one was {known.LastCommit}");
    }

    /// <summary>
    /// Returns the epoch of an acquisition of a partition or of a quarantine, or of the opening of a producer: above the present epoch, and
    /// above those of all groups, or streams, that had the name before. So an owner of a group that was removed is void in the group that
    /// was made in its place.
    /// </summary>
    /// <param name="epoch">The present epoch; zero if there was none.</param>
    /// <param name="number">
    /// The number of the group; of a producer, that of the stream. A store gives each new group and each new stream a higher number. A
    /// number has about a million epochs: behind more acquisitions of one partition, those of the next group of the name may repeat them.
    /// </param>
    /// <param name="known">The highest epoch that the member has seen (<see cref="AcquireRequest.KnownEpoch"/>). After a store went back,
    /// this may be above the epochs of the next group of the name: if the group is removed and made again then, its former owner is told
    /// that the store has lost writes.</param>
    /// <returns>The epoch, from one.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The number is below zero or above 2^32.</exception>
    public static long NextEpoch(long epoch, long number, long known = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(number);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(number, 1L << 32);
        return Math.Max(Math.Max(epoch, known), number << EpochBits) + 1;
    }

    /// <summary>Refuses an ownership whose epoch was never given: the store has lost writes. Others may be void.</summary>
    /// <param name="owner">The ownership.</param>
    /// <param name="epoch">The epoch of the partition; zero if it was never acquired.</param>
    /// <param name="groupNumber">The number of the group, as for <see cref="NextEpoch"/>.</param>
    /// <exception cref="StoreRolledBackException">The epoch was never given, to this group or to one that had its name before.</exception>
    public static void CheckEpoch(Ownership owner, long epoch, long groupNumber)
    {
        if (owner.Epoch <= epoch || IsOfEarlierGroup(owner.Epoch, epoch, groupNumber)) return;
        throw new StoreRolledBackException($"{owner} was taken, but the store knows the epoch {epoch} only: it has lost writes.")
        {
            Stream = owner.Group.Stream,
            Partition = owner.Partition
        };
    }

    /// <summary>Whether an epoch was given by a later group of the name than another epoch. A later group begins anew.</summary>
    internal static bool IsOfLaterGroup(long epoch, long other) => epoch >> EpochBits > other >> EpochBits;

    // A group that was acquired has given an epoch above those of earlier groups, unless an earlier version has acquired it.
    private static bool IsOfEarlierGroup(long given, long epoch, long groupNumber) => epoch == 0 && given <= groupNumber << EpochBits;

    /// <summary>Decides whether the entries that a commit settles, defers or gives up are outstanding, each once.</summary>
    /// <param name="commit">The commit.</param>
    /// <param name="areOutstanding">Whether all entries of a range are outstanding.</param>
    /// <returns>Null if they are; otherwise the answer to the commit.</returns>
    public static CommitResult? CheckEntries(StoreCommit commit, Func<SequenceRange, bool> areOutstanding)
    {
        ArgumentNullException.ThrowIfNull(commit);
        return commit.FindNotOutstanding(areOutstanding) is not { } sequence ? null : new(CommitStatus.NotOutstanding,
            $"{commit.Owner}: entry {sequence} is not outstanding, or ends twice in this commit; nothing of it was applied");
    }

    /// <summary>Decides whether the streams of a commit exist, and take its outputs.</summary>
    /// <param name="commit">The commit.</param>
    /// <param name="find">Returns the options of a stream, and its end; null if it is open. Throws if there is no such stream.</param>
    /// <returns>Null if they do; otherwise the answer to the commit.</returns>
    /// <exception cref="PayloadException">An entry is longer than its stream allows.</exception>
    public static CommitResult? CheckStreams(StoreCommit commit, Func<string, (StreamOptions Options, StreamEnd? End)> find)
    {
        ArgumentNullException.ThrowIfNull(commit);
        ArgumentNullException.ThrowIfNull(find);
        foreach (CommitOutput output in commit.Outputs)
        {
            (StreamOptions options, StreamEnd? end) = find(output.Stream);
            AppendRequest.CheckLength(output.Entries, output.Stream, options);
            if (end is not null) return new(CommitStatus.OutputEnded,
                $"{commit.Owner}: the stream {output.Stream} has ended; nothing was applied");
        }
        foreach (OpenReader reader in commit.Readers) _ = find(reader.Stream);
        foreach (EndStream ending in commit.Ends) _ = find(ending.Stream);
        return null;
    }

    /// <summary>Decides whether a member still has the quarantine that it leases suspects with.</summary>
    /// <param name="quarantine">What the member has.</param>
    /// <param name="epoch">The epoch of the group's quarantine.</param>
    /// <param name="owner">The member that has it; null if it is free.</param>
    /// <param name="groupNumber">The number of the group, as for <see cref="NextEpoch"/>.</param>
    /// <returns>Whether it has.</returns>
    /// <exception cref="StoreRolledBackException">The member's epoch is newer than that of the store.</exception>
    public static bool HasQuarantine(Quarantine quarantine, long epoch, string? owner, long groupNumber)
    {
        if (quarantine.Epoch > epoch && !IsOfEarlierGroup(quarantine.Epoch, epoch, groupNumber))
            throw new StoreRolledBackException(
                $"The quarantine of {quarantine.Group} was taken with the epoch {quarantine.Epoch}, but the store knows only {epoch}: "
                    + "it has lost writes.");
        return quarantine.Epoch == epoch && owner is not null;
    }

    /// <summary>Refuses to open a stream with another number of partitions than it has.</summary>
    /// <param name="stream">The stream's name.</param>
    /// <param name="stored">The number of partitions that it has.</param>
    /// <param name="opened">The number that it is opened with.</param>
    /// <exception cref="StreamStoreException">The numbers differ.</exception>
    public static void CheckPartitions(string stream, int stored, int opened)
    {
        if (stored == opened) return;
        throw new StreamStoreException(
            $"The stream {stream} has {stored} partition{(stored == 1 ? "" : "s")} in its store, and was opened with {opened}. Keys "
                + $"would move to other partitions: set StreamOptions.Partitions to {stored}, or use another stream. A consecutor with "
                + "state opens its stream with 64 if it has a Key, and with 1 if not, unless ConsecutorOptions.Stream says otherwise.")
        { Stream = stream, IsPermanent = true };
    }
}

/// <summary>What a store knows of a partition when a commit arrives.</summary>
/// <param name="Epoch">The epoch of the last acquisition.</param>
/// <param name="IsOwned">Whether a member owns the partition now.</param>
/// <param name="LastCommitEpoch">The epoch of the last commit that was applied; zero before the first.</param>
/// <param name="LastCommit">The number of the last commit that was applied; zero before the first.</param>
public readonly record struct PartitionFence(long Epoch, bool IsOwned, long LastCommitEpoch, long LastCommit);
