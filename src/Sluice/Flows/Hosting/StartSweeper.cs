namespace Sluice.Flows;

/// <summary>
/// Deletes the remains of starts that died before their commit: those without progress for <see cref="Grace"/>, by the store's clock.
/// </summary>
/// <remarks>
/// Progress is a new stream or a further attempt to commit. Not thread-safe.
/// Before it deletes anything, it commits in place of the start, and ends the journal. A start that continues finds that commit and fails
/// by name, so no stream of a live run is deleted. If the deletion is cut off, the next sweep goes on, of any service: an ended journal
/// says that its start was given up.
/// </remarks>
internal sealed class StartSweeper(IStreamStore store, string name, Action<string> warn, CancellationToken life)
{
    /// <summary>How long a start may go without progress.</summary>
    public static readonly TimeSpan Grace = TimeSpan.FromHours(1);

    private const int MaxWatched = 1000, MaxRemoved = 100;          // per sweep; the next one continues

    private Dictionary<string, (long Epoch, int Streams, DateTimeOffset Since)> seen = new(StringComparer.Ordinal);

    /// <summary>Looks at starts and removes what has stood still. A damaged one keeps no other one.</summary>
    /// <param name="notStarted">The runs with an empty journal.</param>
    /// <param name="now">The store's time.</param>
    public async Task SweepAsync(IReadOnlyCollection<string> notStarted, DateTimeOffset now)
    {
        Dictionary<string, (long Epoch, int Streams, DateTimeOffset Since)> next = new(StringComparer.Ordinal);
        int removed = 0;
        try
        {
            // Known ones first: if there are many, none would be watched for long enough otherwise.
            foreach (string run in notStarted.OrderBy(run => !seen.ContainsKey(run)).Take(MaxWatched))
            {
                try
                {
                    if (await SweepAsync(run).ConfigureAwait(false)) removed++;
                }
                catch (StreamStoreException e) when (e.IsPermanent && e is not StoreRolledBackException)
                {
                    warn($"What a start of the run {run} has left behind cannot be removed: {e.Message}");
                }
            }
        }
        catch
        {
            foreach (var (run, before) in seen) next.TryAdd(run, before);        // those that were not looked at
            throw;
        }
        finally
        {
            seen = next;
        }

        // Returns whether the start was removed.
        async Task<bool> SweepAsync(string run)
        {
            GroupInfo? group = await store.FindGroupAsync(FeedWatch.GroupOf(run), life).ConfigureAwait(false);
            long epoch = group?.Partitions[0].Epoch ?? -1;
            int streams = (await store.ListStreamsAsync(FlowNames.AllValues(run), life).ConfigureAwait(false)).Count;
            DateTimeOffset since = seen.TryGetValue(run, out var before) && (before.Epoch, before.Streams) == (epoch, streams)
                ? before.Since : now;
            next[run] = (epoch, streams, since);
            if (removed == MaxRemoved) return false;
            if (now - since < Grace && !await WasGivenUpAsync(run).ConfigureAwait(false)) return false;
            if (await GiveUpAsync(run, epoch).ConfigureAwait(false)) await FlowReports.DeleteAsync(store, run, life).ConfigureAwait(false);
            next.Remove(run);
            return true;
        }
    }

    private async Task<bool> WasGivenUpAsync(string run)
        => await store.FindStreamAsync(FlowNames.Journal(run), life).ConfigureAwait(false) is { Appended: 0, End: not null };

    // Whether the start can never commit from now on.
    private async Task<bool> GiveUpAsync(string run, long epoch)
    {
        GroupId group = FeedWatch.GroupOf(run);
        if (epoch < 0) await store.AddGroupAsync(group, StreamStart.New, life).ConfigureAwait(false);
        AcquireResult taken = await store.AcquireAsync(group, 0, new(name) { ExpectedEpoch = Math.Max(0, epoch) }, life)
            .ConfigureAwait(false);
        if (taken.Status != AcquireStatus.Taken) return false;
        // A run that has started, or a start that was given up, has entries or a commit.
        if (await store.FindStreamAsync(group.Stream, life).ConfigureAwait(false) is not { Appended: 0 }) return false;
        if (taken.State!.LastCommit > 0) return true;
        CommitResult result = await store.CommitAsync(new(taken.Ownership, 1)
        {
            Ends = [new(group.Stream, StreamEnd.Complete)],
            MustLast = true
        }, life).ConfigureAwait(false);
        return result.Status == CommitStatus.Committed;
    }
}
