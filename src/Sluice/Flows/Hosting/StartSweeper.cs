namespace Sluice;

/// <summary>
/// Removes what starts of runs have left in the store that died before their commit. A start that makes any progress for <see cref="Grace"/>, by the store's clock, is left alone: another stream, another attempt to commit.
/// </summary>
/// <remarks>
/// Used by one party. Before anything is removed, a commit takes the place of the start's own: a start that goes on nevertheless finds that, and fails by name. So no stream of a run is removed.
/// </remarks>
internal sealed class StartSweeper(IStreamStore store, string name, CancellationToken life)
{
    /// <summary>How long a start may stand still.</summary>
    public static readonly TimeSpan Grace = TimeSpan.FromHours(1);

    private const int MaxWatched = 1000, MaxRemoved = 100;          // of a sweep; the next one goes on

    private Dictionary<string, (long Epoch, int Streams, DateTimeOffset Since)> seen = new(StringComparer.Ordinal);

    /// <param name="notStarted">The runs that have a journal, and nothing in it.</param>
    /// <param name="now">The store's time.</param>
    public async Task SweepAsync(IReadOnlyCollection<string> notStarted, DateTimeOffset now)
    {
        Dictionary<string, (long Epoch, int Streams, DateTimeOffset Since)> next = new(StringComparer.Ordinal);
        int removed = 0;
        // Those that are watched already come first: or of many, none would be watched for long enough.
        foreach (string run in notStarted.OrderBy(run => !seen.ContainsKey(run)).Take(MaxWatched))
        {
            GroupInfo? group = await store.FindGroupAsync(FeedWatch.GroupOf(run), life).ConfigureAwait(false);
            long epoch = group?.Partitions[0].Epoch ?? -1;
            int streams = (await store.ListStreamsAsync(FlowNames.AllValues(run), life).ConfigureAwait(false)).Count;
            DateTimeOffset since = seen.TryGetValue(run, out var before) && (before.Epoch, before.Streams) == (epoch, streams) ? before.Since : now;
            next[run] = (epoch, streams, since);
            if (now - since < Grace || removed == MaxRemoved) continue;
            if (await GiveUpAsync(run, epoch).ConfigureAwait(false)) await FlowReports.DeleteAsync(store, run, life).ConfigureAwait(false);
            next.Remove(run);
            removed++;
        }
        seen = next;
    }

    // Whether the start can never be done from now on.
    private async Task<bool> GiveUpAsync(string run, long epoch)
    {
        GroupId group = FeedWatch.GroupOf(run);
        if (epoch < 0) await store.AddGroupAsync(group, StreamStart.New, life).ConfigureAwait(false);
        AcquireResult taken = await store.AcquireAsync(group, 0, new(name) { ExpectedEpoch = Math.Max(0, epoch) }, life).ConfigureAwait(false);
        if (taken.Status != AcquireStatus.Taken) return false;
        // It was started since; or somebody has given it up before.
        if (await store.FindStreamAsync(group.Stream, life).ConfigureAwait(false) is not { Appended: 0 }) return false;
        if (taken.State!.LastCommit > 0) return true;
        CommitResult result = await store.CommitAsync(new(taken.Ownership, 1) { MustLast = true }, life).ConfigureAwait(false);
        return result.Status == CommitStatus.Committed;
    }
}
