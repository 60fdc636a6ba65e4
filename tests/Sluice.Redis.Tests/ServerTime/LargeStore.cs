using Sluice.Storage;
using StackExchange.Redis;

namespace Sluice.Redis.Tests;

/// <summary>A store with <see cref="Many"/> rows of each kind.</summary>
internal static class LargeStore
{
    public static readonly int Many = Repetitions.Of(40_000, all: 100_000);

    /// <summary>The number of appends of maximum spread to the wide stream.</summary>
    public const int WideAppends = 65;

    /// <summary>A stream with the maximum number of partitions, all of them used.</summary>
    public const string Wide = "wide";

    /// <summary>A stream of one partition, with twice as many entries: <see cref="Waiting"/> has half of them as retries and half as dead
    /// letters, and rows of state; <see cref="Ranges"/> has settled every second one; <see cref="Flying"/> has half in flight.</summary>
    public const string Deep = "deep";

    /// <summary>A stream with the maximum number of groups and readers.</summary>
    public const string Crowded = "crowded";

    /// <summary>
    /// A stream with the maximum number of partitions. All of its readers but one have expired: more than one call closes.
    /// </summary>
    public const string Gone = "gone";

    /// <summary>The number of streams <c>small0</c>, <c>small1</c> and so on, with one partition each.</summary>
    private const int Small = 600;

    public static readonly GroupId WideGroup = new(Wide, "main"), CrowdedGroup = new(Crowded, "main"), Waiting = new(Deep, "waiting"),
        Ranges = new(Deep, "ranges"), Flying = new(Deep, "flying");

    /// <summary>The owners of the partition of the deep stream, by group, and the sequences of their next commits.</summary>
    public static Dictionary<GroupId, (Ownership Owner, long Sequence)> Owners { get; } = [];

    /// <summary>Owners of partitions of the wide stream, each with one dead letter: the maximum for one lease.</summary>
    public static List<Ownership> WideOwners { get; } = [];

    // Copies rows that the store has written once, under other names, in one script.
    private const string Copies = """
        local K, n = KEYS[1], tonumber(ARGV[1])
        local function find(pattern) return redis.call('KEYS', K .. pattern)[1] end
        for i = 1, n do
          redis.call('COPY', K .. 'h:sample', K .. 'h:s' .. i)
          redis.call('ZADD', K .. 'streams', 0, 's' .. i)
        end
        local producers, expiries, members = find('p:deep#*'), find('pf:deep#*'), find('m:deep#*waiting#*')
        local producer, member = redis.call('HGET', producers, 'sample'), redis.call('HGET', members, 'sample')
        for i = 1, n do
          redis.call('HSET', producers, 'p' .. i, producer)
          redis.call('ZADD', expiries, 1, 'p' .. i)
          redis.call('HSET', members, 'm' .. i, member)
        end
        local readers = find('rx:gone#*')
        for _, reader in ipairs(redis.call('ZRANGE', readers, 0, -1)) do redis.call('ZADD', readers, 1, reader) end
        return n
        """;

    public static async Task FillAsync(RedisStreamStore store, string prefix)
    {
        await store.OpenStreamAsync("sample");
        await FillWideAsync(store);
        await FillCrowdedAsync(store);
        await FillDeepAsync(store);
        await store.Connection.Database.ScriptEvaluateAsync(Copies, [$"{{{prefix}}}:"], [Many]);
    }

    private static async Task FillWideAsync(RedisStreamStore store)
    {
        await store.OpenStreamAsync(Wide, new() { Partitions = 4096 });
        await store.AddGroupAsync(WideGroup);
        for (int i = 0; i < 3; i++) await store.OpenReaderAsync(Wide, $"r{i}");
        for (int i = 0; i < WideAppends; i++) await AppendAsync(store, Wide, 1 + (i * AppendRequest.MaxSpread), AppendRequest.MaxSpread,
            keyed: true);
        for (int i = 0; i < 256; i++)
        {
            Ownership owner = (await store.AcquireAsync(WideGroup, i, new("m"))).Ownership;
            if ((await store.LeaseAsync(new([owner]) { MaxItems = 1 })).Batches is not [var leased]) continue;
            long sequence = leased.Entries.Span[0].Sequence;
            Assert.Equal(CommitStatus.Committed, (await store.CommitAsync(new(owner, 1)
            {
                Settled = [new(sequence, sequence)],
                Dead = [new(sequence, "node", "why", 1)]
            })).Status);
            WideOwners.Add(owner);
        }
        await Task.WhenAll(Enumerable.Range(0, Small).Select(i => store.OpenStreamAsync($"small{i}", new() { Partitions = 1 }).AsTask()));
        await store.OpenStreamAsync(Gone, new() { Partitions = 4096 });
        for (int i = 0; i < 20; i++) await store.OpenReaderAsync(Gone, $"r{i}",
            new() { IdleTimeout = i == 0 ? null : TimeSpan.FromHours(1) });
    }

    private static async Task FillCrowdedAsync(RedisStreamStore store)
    {
        await store.OpenStreamAsync(Crowded, new() { Partitions = 16 });
        await store.AddGroupAsync(CrowdedGroup);
        await Task.WhenAll(Enumerable.Range(0, 490).Select(i => store.OpenReaderAsync(Crowded, $"r{i}",
            new() { IdleTimeout = TimeSpan.FromHours(1), AppliesBackpressure = true }).AsTask()));
        await AppendAsync(store, Crowded, 1, 1000, keyed: true);
    }

    private static async Task FillDeepAsync(RedisStreamStore store)
    {
        await store.OpenStreamAsync(Deep, new() { Partitions = 1 });
        foreach (GroupId group in (GroupId[])[Waiting, Ranges, Flying]) await store.AddGroupAsync(group);
        await store.OpenReaderAsync(Deep, "first");
        await store.HeartbeatAsync(new(Waiting, "sample", "one", TimeSpan.FromSeconds(10)));
        using (EntryBatch one = Rows.Batch("idempotent"))
            await store.AppendAsync(new(Deep, "sample", 0, 1, one) { ForgetAfter = TimeSpan.FromHours(1) });
        for (long next = 1; next <= 2 * Many; next += 4000) await AppendAsync(store, Deep, next, 4000, keyed: false);

        await WorkAsync(store, Waiting, 2 * Many, 250, at => new(default, 0)
        {
            Deferred = at < Many ? [.. Enumerable.Range(1, 250)
                .Select(i => new RetryWrite(at + i, 1, TimeSpan.Zero) { Node = "node", Error = "why" })] : [],
            Dead = at < Many ? [] : [.. Enumerable.Range(1, 250)
                .Select(i => new DeadLetterWrite(at + i, i % 2 == 0 ? "node" : "other", "why", 3))],
            Settled = at < Many ? [] : [new(at + 1, at + 250)],
        });
        for (int at = 0; at < Many; at += 1000)
            await CommitAsync(store, Waiting, new(default,
                0)
            { State = [.. Enumerable.Range(at, 1000).Select(i => new StateRow("state", $"k{i}", 1, new byte[20]))] });
        await WorkAsync(store, Ranges, 2 * Many, 500,
            at => new(default, 0)
            {
                Settled = [.. Enumerable.Range(0, 250)
                .Select(i => new SequenceRange(at + (2 * i) + 2, at + (2 * i) + 2))]
            });
        await WorkAsync(store, Flying, Many, Many, _ => null);
    }

    // Acquires the partition, leases a number of entries, and makes a commit for each step of them.
    private static async Task WorkAsync(RedisStreamStore store, GroupId group, int count, int step, Func<int, StoreCommit?> commit)
    {
        Ownership owner = (await store.AcquireAsync(group, 0, new("m"))).Ownership;
        Owners[group] = (owner, 1);
        for (int leased = 0; leased < count;) leased += (await store.LeaseAsync(
            new([owner]) { MaxItems = Math.Min(4096, count - leased) })).Batches.Sum(batch => batch.Entries.Length);
        for (int at = 0; at + step <= count; at += step)
            if (commit(at) is { } some) await CommitAsync(store, group, some);
    }

    /// <summary>The next commit of a group.</summary>
    public static async Task CommitAsync(IStreamStore store, GroupId group, StoreCommit commit)
    {
        (Ownership owner, long sequence) = Owners[group];
        Owners[group] = (owner, sequence + 1);
        CommitResult result = await store.CommitAsync(commit with { Owner = owner, Sequence = sequence });
        Assert.Equal(CommitStatus.Committed, result.Status);
    }

    /// <summary>Appends small entries.</summary>
    public static async Task AppendAsync(IStreamStore store, string stream, long next, int count, bool keyed)
    {
        using var batch = new EntryBatch();
        for (int i = 0; i < count; i++) batch.Add(new byte[20], keyed ? EntryKey.Of($"{next + i}") : default);
        AppendResult result = await store.AppendAsync(new(stream, "p", 0, next, batch));
        Assert.Equal(AppendStatus.Accepted, result.Status);
    }
}
