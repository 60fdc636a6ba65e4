using Sluice.Diagnostics;

namespace Sluice.Dashboard.Sampling;

/// <summary>Looks up the members, the partitions and the oldest entries of groups. Each group costs several calls.</summary>
internal static class GroupDetails
{
    /// <summary>How many groups a look has with their members and oldest entries: those with the largest backlogs.</summary>
    public const int Max = 40;

    private const int Together = 8;

    /// <summary>Looks at the groups with the largest backlogs.</summary>
    /// <param name="store">The store, which may be a wrapper of the inspector's.</param>
    /// <param name="inspector">An inspector of the store, which knows its members.</param>
    /// <param name="streams">The streams of the groups.</param>
    /// <param name="damage">Gets a sentence for each stream whose members cannot be read.</param>
    public static async Task<Dictionary<GroupId, GroupDetail>> FindLargestAsync(IStreamStore store, StoreInspector inspector,
        IEnumerable<StreamLook> streams, Dictionary<string, string> damage)
    {
        Dictionary<GroupId, GroupDetail> found = [];
        IEnumerable<GroupId> largest = streams.SelectMany(static stream => stream.Groups.Select(group => (stream.Name, group.Backlog)))
            .OrderByDescending(static one => one.Backlog.Outstanding).Take(Max)
            .Select(static one => new GroupId(one.Name, one.Backlog.Name));
        foreach (GroupId[] some in largest.Chunk(Together))
            foreach ((GroupId group, GroupDetail? detail, string? why) in await Task.WhenAll(some.Select(FindOneAsync))
                .ConfigureAwait(false))
            {
                if (detail is not null) found[group] = detail;
                if (why is not null) damage[group.Stream] = why;
            }
        return found;

        async Task<(GroupId Group, GroupDetail? Detail, string? Damage)> FindOneAsync(GroupId group)
        {
            try
            {
                return (group, await FindAsync(store, inspector, group, CancellationToken.None).ConfigureAwait(false), null);
            }
            catch (StreamStoreException e) when (e.IsPermanent && e.Stream == group.Stream)
            {
                return (group, null, $"The members of {VisibleText.Shorten(group.ToString(), 200)} are left out: {e.Message}");
            }
        }
    }

    /// <summary>Looks at a group; null if there is no such group.</summary>
    public static async Task<GroupDetail?> FindAsync(IStreamStore store, StoreInspector inspector, GroupId group,
        CancellationToken cancellation)
    {
        if (await inspector.FindGroupAsync(group, cancellation).ConfigureAwait(false) is not { } look) return null;
        try
        {
            DateTimeOffset? oldest = await new StoreInspector(store).FindOldestAsync(group, cancellation).ConfigureAwait(false);
            return new(look, oldest is { } accepted
                ? await store.GetTimeAsync(cancellation).ConfigureAwait(false) - accepted : null);
        }
        catch (StreamStoreException e) when (e.IsPermanent)
        {
            return new(look, null) { Problem = e.Message };      // damage in one stream says nothing about the others
        }
    }
}
