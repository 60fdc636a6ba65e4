namespace Sluice.Dashboard.Tests;

/// <summary>Items of a consecutor that a member of another process has leased: by calls of the store.</summary>
internal sealed class LeasedItems
{
    private readonly IStreamStore store;
    private readonly Ownership owner;
    private long commits;

    private LeasedItems(IStreamStore store, GroupId group, Ownership owner) => (this.store, Group, this.owner) = (store, group, owner);

    public GroupId Group { get; }

    /// <summary>Accepts items, one after the other, and leases them to the member <c>first</c>.</summary>
    public static async Task<LeasedItems> MakeAsync(IStreamStore store, string name, params (string Key, int CodeVersion)[] items)
    {
        var group = new GroupId(name, name);
        await store.OpenStreamAsync(name, new() { Partitions = 1 });
        await store.AddGroupAsync(group);
        Ownership owner = (await store.AcquireAsync(group, 0, new("first"))).Ownership;
        await store.HeartbeatAsync(new(group, "first", "first start", TimeSpan.FromSeconds(10)));
        long appended = 0;
        foreach ((string key, int version) in items)
        {
            using var batch = new EntryBatch { CodeVersion = version };
            batch.Add("{}"u8, EntryKey.Of(key));
            await store.AppendAsync(new(name, "test", 0, ++appended, batch));
        }
        for (int leased = 0; leased < items.Length;)
            foreach (LeasedBatch one in (await store.LeaseAsync(new([owner]) { MaxItems = items.Length - leased })).Batches)
                leased += one.Entries.Length;
        return new(store, group, owner);
    }

    /// <summary>A consecutor with one item of each kind that waits, the last one a suspect.</summary>
    public static async Task MakeOneOfEachAsync(IStreamStore store, string name)
    {
        LeasedItems items = await MakeAsync(store, name, ("ann", 0), ("ann", 0), ("eve", 7), ("kim", 0));
        await items.DeferAsync(new(1, 3, TimeSpan.FromHours(2), "Save", "TimeoutException: no answer from the warehouse"),
            Behind(2), new(3, 0, null, "", "It was written by code version 7, and this is 3: it waits until code of that version starts."));
        await items.DieAsync();
    }

    /// <summary>An item that waits for an earlier one of its key.</summary>
    public static RetryWrite Behind(long sequence)
        => new(sequence, 0, null, "", "It waits for one of its key that has failed and is to be tried again.");

    /// <summary>Commits that items are tried again, or parked.</summary>
    public async Task DeferAsync(params RetryWrite[] deferred)
    {
        foreach (RetryWrite[] some in deferred.Chunk(100))
            Assert.Equal(CommitStatus.Committed, (await store.CommitAsync(new(owner, ++commits) { Deferred = some })).Status);
    }

    /// <summary>Commits that an item is a dead letter of a node.</summary>
    public async Task BuryAsync(long sequence, string node) => Assert.Equal(CommitStatus.Committed, (await store.CommitAsync(
        new(owner, ++commits) { Settled = [new(sequence, sequence)], Dead = [new(sequence, node, "no good", 1)] })).Status);

    /// <summary>Lets another member take the partition over: what is in flight is suspect.</summary>
    public async Task DieAsync() => await store.AcquireAsync(Group, 0, new("second"));
}
