namespace Sluice.Delivery;

/// <summary>
/// Deletes the oldest dead letters, if the delivery guarantee keeps only the latest (<see cref="DeliveryGuarantee.Track"/>).
/// </summary>
/// <remarks>Called by the committer. It has no state.</remarks>
internal sealed class LetterLimit(ConsecutorIdentity identity, IStreamStore store, ItemLedger ledger, ConsecutorLifetime lifetime,
    ConsecutorProblems problems)
{
    /// <summary>Deletes the oldest letters, if there are more than the guarantee keeps.</summary>
    /// <param name="more">How many letters a commit has added that the ledger has not counted yet.</param>
    /// <returns>How many were deleted.</returns>
    public async Task<long> TrimAsync(long more)
    {
        if (identity.Options.Delivery is not { Level: DeliveryLevel.Track } track || more == 0) return 0;
        long excess = ledger.Dead + more - track.Count;
        if (excess <= track.Count / 16) return 0;
        try
        {
            IReadOnlyList<StoredDeadLetter> oldest = await store.ListDeadAsync(identity.Group, null, 0, (int)Math.Min(excess, 1000),
                lifetime.Token).ConfigureAwait(false);
            // Other programs and members delete letters, too, and the ledger learns it later: the store has the count. It is asked after
            // the list, so that what others delete meanwhile is either in the list or not in the count.
            excess = await CountAsync().ConfigureAwait(false) - track.Count;
            if (excess <= 0) return 0;
            long[] numbers = [.. oldest.Take((int)Math.Min(excess, 1000)).Select(letter => letter.Number)];
            return await store.DeleteDeadAsync(identity.Group, numbers, lifetime.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (!lifetime.Token.IsCancellationRequested)
        {
            problems.Latest = $"Old dead letters could not be deleted; the next commit tries again: {FailureText.Of(e)}";
            return 0;
        }
    }

    private async Task<long> CountAsync()
    {
        StreamInfo? stream = await store.FindStreamAsync(identity.Name, lifetime.Token).ConfigureAwait(false);
        return stream?.Groups.FirstOrDefault(backlog => backlog.Name == identity.Group.Name)?.Dead ?? 0;
    }
}
