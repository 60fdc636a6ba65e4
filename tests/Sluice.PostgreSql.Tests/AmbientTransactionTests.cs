using System.Transactions;
using Npgsql;
using Sluice.Storage;

namespace Sluice.PostgreSql.Tests;

/// <summary>
/// A <see cref="TransactionScope"/> of the application is the application's: the store's transactions are no part of it, also over its
/// connections, which enlist.
/// </summary>
public sealed class AmbientTransactionTests(SharedServer server) : IAsyncLifetime
{
    private readonly string schema = SharedServer.NewSchema();
    private NpgsqlDataSource? connections;
    private PostgresStreamStore? opened;
    private bool isRoundInScope;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private PostgresStreamStore Store => opened!;

    public async ValueTask InitializeAsync()
    {
        await server.Server.AskAsync($"CREATE SCHEMA {schema} AUTHORIZATION sluice; CREATE TABLE {schema}.own(n int); "
            + $"GRANT ALL ON {schema}.own TO sluice");
        connections = NpgsqlDataSource.Create($"{server.Address};Application Name={schema}");
        opened = await PostgresStreamStore.OpenAsync(connections, new()
        {
            Schema = schema,
            MaxWriters = 1,
            ServerTime = () =>
            {
                isRoundInScope |= Transaction.Current is not null;
                return null;
            }
        }, Cancellation);
        await Store.OpenStreamAsync("orders", new() { Partitions = 1 }, Cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        if (opened is not null) await opened.DisposeAsync();
        if (connections is not null) await connections.DisposeAsync();
    }

    [Fact]
    public async Task AScopeWithWritesOfItsOwnAndCallsOfTheStoreCompletes()
    {
        using (TransactionScope scope = Scope())
        {
            await using (NpgsqlConnection own = await InsertAsync())
            {
                await AppendAsync("inside");
                Assert.Single((await Store.ReadAsync(new("orders", 0, 1), Cancellation)).Entries.ToArray());
            }
            scope.Complete();
        }
        Assert.Equal((1L, 1L), await CountAsync());
    }

    /// <summary>The connection of the application is closed: a pool would give it to the next who opens one in the scope.</summary>
    [Fact]
    public async Task AScopeThatIsRolledBackTakesNoCallWithItAndKeepsNoWrite()
    {
        Task outside;
        using (Scope())
        {
            await using (await InsertAsync()) { }
            Task inside = AppendAsync("inside");
            using (ExecutionContext.SuppressFlow()) outside = Task.Run(() => AppendAsync("outside"), Cancellation);
            await inside;
            await outside;
        }
        await AppendAsync("later");
        Assert.Equal((0L, 3L), await CountAsync());
        Assert.False(isRoundInScope, "A round got the transaction of the caller that began it.");
    }

    /// <summary>What a store begins when it is opened goes on after the scope.</summary>
    [Fact]
    public async Task AStoreMayBeOpenedInAScope()
    {
        PostgresStreamStore other;
        using (Scope()) other = await PostgresStreamStore.OpenAsync(connections!, new() { Schema = schema + "_other" }, Cancellation);
        await using (other)
        {
            await other.OpenStreamAsync("orders", cancellation: Cancellation);
            Assert.NotNull(await other.FindStreamAsync("orders", Cancellation));
            // Its listener has a connection that is in no transaction, or it would hear nothing.
            await ByHand.UntilAsync(server.Server, "SELECT count(*) = 0 FROM pg_stat_activity "
                + $"WHERE application_name = '{schema}' AND state = 'idle in transaction'");
        }
    }

    private static TransactionScope Scope() => new(TransactionScopeAsyncFlowOption.Enabled);

    private async Task<NpgsqlConnection> InsertAsync()
    {
        NpgsqlConnection own = await connections!.OpenConnectionAsync(Cancellation);
        await using var insert = new NpgsqlCommand($"INSERT INTO {schema}.own VALUES(1)", own);
        await insert.ExecuteNonQueryAsync(Cancellation);
        return own;
    }

    private async Task<(long Own, long Appended)> CountAsync()
        => ((long)(await server.Server.AskAsync($"SELECT count(*) FROM {schema}.own"))!,
            (await Store.FindStreamAsync("orders", Cancellation))!.Appended);

    private async Task AppendAsync(string producer)
    {
        using var batch = new EntryBatch();
        batch.Add("entry"u8);
        Assert.Equal(AppendStatus.Accepted, (await Store.AppendAsync(new("orders", producer, 0, 1, batch), Cancellation)).Status);
    }
}
