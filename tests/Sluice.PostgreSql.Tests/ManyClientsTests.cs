using Npgsql;
using Sluice.Storage;

namespace Sluice.PostgreSql.Tests;

/// <summary>Many callers in several store objects, over streams that write to each other.</summary>
/// <remarks>In a database of its own: the server counts deadlocks by database, and other tests provoke some.</remarks>
public sealed class ManyClientsTests(SharedServer server) : IAsyncLifetime
{
    private const int Clients = 64, Commits = 10;
    private static readonly string[] Streams = ["a", "b", "c"];
    private readonly string database = $"clients_{SharedServer.NewSchema()}";

    public ValueTask InitializeAsync() => new(server.Server.AskAsync($"CREATE DATABASE {database} OWNER sluice"));

    public ValueTask DisposeAsync() => new(server.Server.AskAsync($"DROP DATABASE {database} WITH (FORCE)"));

    [Fact]
    public async Task SixtyFourClientsThatWriteToEachOthersStreamsMeetNoDeadlock()
    {
        string address = new NpgsqlConnectionStringBuilder(server.Address) { Database = database }.ConnectionString;
        PostgresStreamStore[] stores = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => PostgresStreamStore.OpenAsync(address,
            new() { MaxConnections = 8 }).AsTask()));
        foreach (string stream in Streams)
        {
            await stores[0].OpenStreamAsync(stream, new() { Partitions = Clients });
            await stores[0].AddGroupAsync(new(stream, "main"));
        }
        object? before = await DeadlocksAsync();
        await Task.WhenAll(Enumerable.Range(0, Clients).Select(number => WorkAsync(stores[number % stores.Length], number)));
        Assert.Equal(before, await DeadlocksAsync());
        StreamInfo[] infos = await Task.WhenAll(Streams.Select(async stream => (await stores[1].FindStreamAsync(stream))!));
        // One entry sent for each commit, and one output to each of the two other streams.
        Assert.Equal(3L * Clients * Commits, infos.Sum(info => info.Appended));
        Assert.Equal(2L * Clients * Commits, infos.Sum(info => info.Groups[0].Outstanding));
        Assert.Empty((await stores[2].CheckAsync()).Problems);
        foreach (PostgresStreamStore store in stores) await store.DisposeAsync();
    }

    // Sends to its partition, and settles what it sent with outputs to the two other streams, in an order of its own.
    private static async Task WorkAsync(PostgresStreamStore store, int number)
    {
        string stream = Streams[number % 3], key = Enumerable.Range(0, 100_000).Select(n => $"{n}")
            .First(text => EntryKey.Of(text).PartitionOf(Clients) == number);
        string[] others = [Streams[(number + 1) % 3], Streams[(number + 2) % 3]];
        if (number % 2 == 0) Array.Reverse(others);
        Ownership owner = (await store.AcquireAsync(new(stream, "main"), number, new($"m{number}"))).Ownership;
        using var item = new EntryBatch();
        using var output = new EntryBatch();
        item.Add("item"u8, EntryKey.Of(key));
        output.Add("output"u8);
        for (int commit = 1, settled = 0; commit <= Commits; commit++)
        {
            Assert.Equal(AppendStatus.Accepted, (await store.AppendAsync(new(stream, $"p{number}", 0, commit, item))).Status);
            // Outputs of others may come to this partition, too.
            LeaseResult lease = await store.LeaseAsync(new([owner]) { MaxItems = 1 });
            Entry entry = lease.Batches.Single().Entries.Span[0];
            Assert.Equal(++settled, entry.Sequence);
            CommitResult result = await store.CommitAsync(new(owner, commit)
            {
                Settled = [new(entry.Sequence, entry.Sequence)],
                Outputs = [.. others.Select(other => new CommitOutput(other, output))],
            });
            Assert.True(result.Status == CommitStatus.Committed, result.Detail);
        }
    }

    private async Task<object?> DeadlocksAsync()
    {
        await server.Server.AskAsync("SELECT pg_stat_clear_snapshot()");
        return await server.Server.AskAsync($"SELECT deadlocks FROM pg_stat_database WHERE datname = '{database}'");
    }
}
