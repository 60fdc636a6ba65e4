using Sluice.Storage;

namespace Sluice.PostgreSql.Tests;

/// <summary>Texts and sizes that PostgreSQL treats differently from .NET.</summary>
public class ValueTests(SharedServer server) : IAsyncLifetime
{
    private static readonly GroupId Main = new("orders", "main");
    private readonly string schema = SharedServer.NewSchema();
    private PostgresStreamStore? opened;

    private PostgresStreamStore Store => opened!;

    public async ValueTask InitializeAsync()
    {
        opened = await PostgresStreamStore.OpenAsync(server.Address, new() { Schema = schema });
        await Store.OpenStreamAsync("orders", new() { Partitions = 1 });
        await Store.AddGroupAsync(Main);
    }

    public async ValueTask DisposeAsync()
    {
        if (opened is not null) await opened.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Theory]
    [InlineData("'; DROP TABLE meta; --")]
    [InlineData("\"quoted\" \\ %_ $1")]
    [InlineData("Zürich 東京 😀")]
    public async Task NamesMayHaveAnyCharacters(string name)
    {
        await Store.OpenStreamAsync(name, new() { Partitions = 1 });
        await Store.AddGroupAsync(new(name, name));
        await Store.OpenReaderAsync(name, name);
        Assert.Equal([name], await Store.ListStreamsAsync(name));
        StreamInfo stream = (await Store.FindStreamAsync(name))!;
        Assert.Equal((name, name), (stream.Groups[0].Name, stream.Readers[0].Name));
    }

    [Fact]
    public async Task LongStateKeysAreKeptApartAndListedInOrder()
    {
        string[] keys = [new('k', 3000), new string('k', 3000) + "a", new string('k', 3000) + "b", "short"];
        Ownership owner = await LeaseAsync("a");
        await CommitAsync(new(owner, 1) { State = [.. keys.Select(key => new StateRow("node", key, 1, new byte[] { 1 }))] });
        await CommitAsync(new(owner, 2)
        {
            State = [new("node", keys[1], 2, new byte[] { 2 }), new("node", keys[2], 2, null), new("other", "", 0, new byte[] { 3 })]
        });
        IReadOnlyList<StateRow> rows = await Store.ListStateAsync(Main, 0, "node", max: 2);
        Assert.Equal([(keys[0], 1), (keys[1], 2)], rows.Select(row => (row.Key, row.Version)));
        Assert.Equal(["short"], (await Store.ListStateAsync(Main, 0, "node", after: keys[1])).Select(row => row.Key));
        Assert.Equal([("node", 3L), ("other", 1L)],
            (await Store.ListStateNodesAsync(Main, 0, counted: true)).Select(node => (node.Node, node.Rows!.Value)));
    }

    [Theory]
    [InlineData("before\0after")]
    [InlineData("half of a pair: \ud83d")]
    public async Task ErrorsThatPostgreSqlCannotStoreAreWrittenWithoutTheWrongCharacter(string error)
    {
        Ownership owner = await LeaseAsync("a");
        await CommitAsync(new(owner, 1) { Settled = [new(1, 1)], Dead = [new(1, "node", error, 1)] });
        Assert.Equal(error.Replace('\0', '\uFFFD').Replace('\ud83d', '\uFFFD'), (await Store.ListDeadAsync(Main))[0].Error);
    }

    [Fact]
    public async Task AnEntryOfManyMegabytesIsLeasedBesideSmallOnes()
    {
        byte[] large = new byte[12 << 20];
        new Random(1).NextBytes(large);
        using var batch = new EntryBatch();
        batch.Add("before"u8);
        batch.Add(large);
        batch.Add("after"u8);
        Assert.Equal(AppendStatus.Accepted, (await Store.AppendAsync(new("orders", "p", 0, 1, batch))).Status);
        AcquireResult taken = await Store.AcquireAsync(Main, 0, new("m"));
        List<int> lengths = [];
        while (lengths.Count < 3)
        {
            LeaseResult lease = await Store.LeaseAsync(new([taken.Ownership]));
            lengths.AddRange(lease.Batches.SelectMany(one => one.Entries.ToArray()).Select(entry => entry.Payload.Length));
            Assert.NotEmpty(lease.Batches);
        }
        Assert.Equal([6, large.Length, 5], lengths);
        await CommitAsync(new(taken.Ownership, 1) { Settled = [new(1, 3)] });
        Assert.Equal((0L, 0L), ((await Store.FindStreamAsync("orders"))!.Items, (await Store.FindStreamAsync("orders"))!.Bytes));
    }

    [Fact]
    public async Task ADamagedLetterIsShownWithoutItsPayloadAndNotRedriven()
    {
        Ownership owner = await LeaseAsync("what was sent");
        await CommitAsync(new(owner, 1) { Settled = [new(1, 1)], Dead = [new(1, "node", "the error", 1)] });
        await server.Server.AskAsync($"UPDATE {schema}.dead SET body = set_byte(body, length(body) - 1, "
            + "get_byte(body, length(body) - 1) # 1)");
        StoredDeadLetter letter = Assert.Single(await Store.ListDeadAsync(Main));
        Assert.Equal(("the error", 0), (letter.Error, letter.Entry.Payload.Length));
        var damaged = await Assert.ThrowsAsync<StreamStoreException>(async () => await Store.RedriveAsync(Main, [letter.Number]));
        Assert.StartsWith("The dead letter 1 of orders:main is damaged", damaged.Message, StringComparison.Ordinal);
        Assert.True(damaged.IsPermanent);
        Assert.Single((await Store.CheckAsync()).Problems, problem => problem.StartsWith("The dead letter 1", StringComparison.Ordinal));
        Assert.Equal(0, (await Store.FindStreamAsync("orders"))!.Groups[0].Outstanding);
        Assert.Equal(1, await Store.DeleteDeadAsync(Main, [letter.Number]));
    }

    [Fact]
    public async Task LargeLettersAreRedrivenTogetherAndInOrder()
    {
        Ownership owner = default;
        for (int i = 1; i <= 3; i++)
        {
            owner = await LeaseAsync($"entry {i}", i);
            DeadLetterWrite letter = new(i, "node", "error", 1) { Payload = new byte[(5 << 20) + i] };
            await CommitAsync(new(owner, i) { Settled = [new(i, i)], Dead = [letter] });
        }
        Assert.Equal(3, await Store.RedriveAsync(Main, [1, 2, 3]));
        List<int> lengths = [];
        while (lengths.Count < 3)
            lengths.AddRange((await Store.LeaseAsync(new([owner]) { MaxBytes = 1 })).Batches.SelectMany(one => one.Entries.ToArray())
                .Select(entry => entry.Payload.Length));
        Assert.Equal([(5 << 20) + 1, (5 << 20) + 2, (5 << 20) + 3], lengths);
        Assert.Empty(await Store.ListDeadAsync(Main));
    }

    [Fact]
    public async Task WhereBlocksAreIsForgottenWhenTheGenerationChanges()
    {
        using var two = new EntryBatch();
        two.Add("four"u8);
        two.Add("more"u8);
        await Store.AppendAsync(new("orders", "two", 0, 1, two));
        Ownership owner = await LeaseAsync("last");
        await server.Server.AskAsync($"UPDATE {schema}.chunk SET bytes = 100; "
            + $"UPDATE {schema}.meta SET generation = 2");
        await CommitAsync(new(owner, 1) { Settled = [new(1, 1)], State = [new("node", "key", 1, new byte[] { 1 })] });
        Assert.Equal(50L, await server.Server.AskAsync($"SELECT bytes FROM {schema}.grp"));
    }

    private async Task<Ownership> LeaseAsync(string payload, long number = 1)
    {
        using var batch = new EntryBatch();
        batch.Add(System.Text.Encoding.UTF8.GetBytes(payload));
        await Store.AppendAsync(new("orders", "p", 0, number, batch));
        AcquireResult taken = await Store.AcquireAsync(Main, 0, new("m"));
        await Store.LeaseAsync(new([taken.Ownership]));
        return taken.Ownership;
    }

    private async Task CommitAsync(StoreCommit commit)
    {
        CommitResult result = await Store.CommitAsync(commit);
        Assert.True(result.Status == CommitStatus.Committed, result.Detail);
    }
}
