using System.Text;

namespace Sluice.Dashboard.Tests;

/// <summary>Makes dead letters as a consecutor of another process would: by calls of the store.</summary>
internal sealed class Letters(IStreamStore store, string name = "orders")
{
    private const int Step = 250;

    private Ownership? owner;
    private long appended, commits;

    public GroupId Group => new(name, name);

    private async Task<Ownership> OpenAsync()
    {
        await store.OpenStreamAsync(name, new() { Partitions = 1 });
        await store.AddGroupAsync(Group);
        return (await store.AcquireAsync(Group, 0, new("elsewhere"))).Ownership;
    }

    public Task AddAsync(params string[] payloads) => AddAsync(payloads.Select(static text => new Letter(text)));

    public async Task AddAsync(IEnumerable<Letter> letters)
    {
        owner ??= await OpenAsync();
        foreach (Letter[] some in letters.Chunk(Step))
        {
            using var batch = new EntryBatch();
            foreach (Letter one in some)
                batch.Add(one.Bytes ?? Encoding.UTF8.GetBytes(one.Payload), one.Key is { } key ? EntryKey.Of(key) : default, one.Headers);
            Assert.Equal(AppendStatus.Accepted, (await store.AppendAsync(new(name, "test", 0, appended + 1, batch))).Status);
            appended += some.Length;
            List<long> leased = [];
            while (leased.Count < some.Length)
                foreach (LeasedBatch one in (await store.LeaseAsync(new([owner.Value]) { MaxItems = some.Length - leased.Count })).Batches)
                    leased.AddRange(one.Entries.ToArray().Select(static entry => entry.Sequence));
            CommitResult result = await store.CommitAsync(new(owner.Value, ++commits)
            {
                Settled = [new(leased[0], leased[^1])],
                Dead = [.. some.Select((one, i) => new DeadLetterWrite(leased[i], one.Node, one.Error, 3) { Path = "Read › Check" })],
            });
            Assert.Equal(CommitStatus.Committed, result.Status);
        }
    }

    public async Task<IReadOnlyList<StoredDeadLetter>> ListAsync()
    {
        List<StoredDeadLetter> all = [];
        for (long after = 0; ;)
        {
            IReadOnlyList<StoredDeadLetter> page = await store.ListDeadAsync(Group, null, after, 1000);
            all.AddRange(page);
            if (page.Count < 1000) return all;
            after = page[^1].Number;
        }
    }
}

/// <summary>A dead letter to make.</summary>
internal sealed record Letter(string Payload, string Node = "Check", string Error = "no good", string? Key = null, byte[]? Bytes = null,
    byte[]? Headers = null);
