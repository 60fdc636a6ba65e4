using System.Data;
using System.Data.Common;
using Npgsql;
using Sluice.Storage;

namespace Sluice.PostgreSql.Tests;

/// <summary>Transactions that a send cannot take part in: each is refused by name, before it harms the transaction if it can be.</summary>
public sealed class TransactionMistakeTests(SharedServer server) : IAsyncLifetime
{
    private readonly string schema = SharedServer.NewSchema();
    private PostgresStreamStore? opened;
    private NpgsqlConnection? connected;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private PostgresStreamStore Store => opened!;

    private NpgsqlConnection Connection => connected!;

    public async ValueTask InitializeAsync()
    {
        opened = await PostgresStreamStore.OpenAsync(server.Address, new() { Schema = schema }, Cancellation);
        connected = await server.Direct.OpenConnectionAsync(Cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        await Connection.DisposeAsync();
        await Store.DisposeAsync();
    }

    [Fact]
    public async Task ATransactionOfAnotherProviderAndASenderThatIsNoConsecutorAreRefused()
    {
        await using Consecutor<string> orders = Orders(Store);
        await using NpgsqlTransaction transaction = await Connection.BeginTransactionAsync(Cancellation);
        var other = await Assert.ThrowsAsync<ArgumentException>(() => orders.SendAsync("1", new OtherTransaction(), Cancellation));
        Assert.Contains("OtherTransaction, and a PostgreSQL store needs an NpgsqlTransaction", other.Message, StringComparison.Ordinal);
        var sender = await Assert.ThrowsAsync<ArgumentException>(() => new OtherSender().SendAsync("1", transaction, Cancellation));
        Assert.Contains("Only a consecutor sends in a transaction", sender.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AConsecutorWithoutAPostgreSqlStoreIsRefused()
    {
        await using var memory = new MemoryStreamStore();
        await using NpgsqlTransaction transaction = await Connection.BeginTransactionAsync(Cancellation);
        foreach (IStreamStore? store in (IStreamStore?[])[memory, null])
        {
            await using Consecutor<string> orders = Orders(store);
            var refused = await Assert.ThrowsAsync<InvalidOperationException>(() => orders.SendAsync("1", transaction, Cancellation));
            Assert.Contains("The consecutor orders has no PostgreSQL store", refused.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task ACompletedTransactionIsRefused(bool disposed)
    {
        await using Consecutor<string> orders = Orders(Store);
        NpgsqlTransaction transaction = await Connection.BeginTransactionAsync(Cancellation);
        await transaction.CommitAsync(Cancellation);
        if (disposed) await transaction.DisposeAsync();
        var refused = await Assert.ThrowsAsync<InvalidOperationException>(() => orders.SendAsync("1", transaction, Cancellation));
        Assert.Contains("The transaction has completed", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task ATransactionThatEndsDuringTheSendIsRefusedByTheServer(bool commits)
    {
        NpgsqlTransaction transaction = await Connection.BeginTransactionAsync(Cancellation);
        await using var orders = new Consecutor<string>("orders", source => source | (_ => { }), new() { Store = Store })
        {
            // It is called after the transaction was found to be open, and before the statement.
            Key = key =>
            {
                if (commits) transaction.Commit();
                else transaction.Rollback();
                return key;
            }
        };
        var refused = await Assert.ThrowsAsync<InvalidOperationException>(() => orders.SendAsync("1", transaction, Cancellation));
        Assert.Contains("Await the send before you end the transaction", refused.Message, StringComparison.Ordinal);
        Assert.Equal(0L, await server.Server.AskAsync($"SELECT count(*) FROM {schema}.intake"));
        Assert.Equal(0, (await Store.FindStreamAsync("orders", Cancellation))!.Appended);
    }

    [Fact]
    public async Task WaitingForItemsOfTransactionsWithoutAStartIsRefused()
    {
        await using Consecutor<string> orders = Orders(Store);
        await using (NpgsqlTransaction transaction = await Connection.BeginTransactionAsync(Cancellation))
        {
            await orders.SendAsync("1", transaction, Cancellation);
            await transaction.CommitAsync(Cancellation);
        }
        var refused = await Assert.ThrowsAsync<InvalidOperationException>(() => orders.WaitForIdleAsync(Cancellation));
        Assert.Contains("has not been started, so what was sent in transactions cannot end", refused.Message, StringComparison.Ordinal);
        await orders.StartAsync(Cancellation);
        Assert.Equal(1, (await orders.WaitForIdleAsync(Cancellation)).Completed);
    }

    [Fact]
    public async Task AFailedTransactionIsRefusedUntilItsSavepointIsRestored()
    {
        await using Consecutor<string> orders = Orders(Store);
        await using NpgsqlTransaction transaction = await Connection.BeginTransactionAsync(Cancellation);
        await transaction.SaveAsync("here", Cancellation);
        await Assert.ThrowsAsync<PostgresException>(() => RunAsync("SELECT 1/0"));
        var refused = await Assert.ThrowsAsync<InvalidOperationException>(() => orders.SendAsync("1", transaction, Cancellation));
        Assert.Contains("an earlier statement of the transaction has failed (25P02)", refused.Message, StringComparison.Ordinal);
        await transaction.RollbackAsync("here", Cancellation);
        await orders.SendAsync("1", transaction, Cancellation);
        await transaction.CommitAsync(Cancellation);
        Assert.Equal(1, (await Store.FindStreamAsync("orders", Cancellation))!.Appended);
    }

    [Fact]
    public async Task ATransactionOfAnotherDatabaseOrAnotherStoreIsRefusedAndGoesOn()
    {
        await server.Server.AskAsync($"CREATE DATABASE other_{schema} OWNER sluice");
        await using var elsewhere = new NpgsqlConnection(
            server.Address.Replace("Database=sluice", $"Database=other_{schema}", StringComparison.Ordinal));
        await elsewhere.OpenAsync(Cancellation);
        await using Consecutor<string> orders = Orders(Store);
        for (int i = 0; i < 2; i++)
        {
            await using NpgsqlTransaction transaction = await elsewhere.BeginTransactionAsync(Cancellation);
            var refused = await Assert.ThrowsAsync<InvalidOperationException>(() => orders.SendAsync("1", transaction, Cancellation));
            Assert.Contains($"The transaction is of the database other_{schema} at 127.0.0.1", refused.Message, StringComparison.Ordinal);
            Assert.DoesNotContain("secret", refused.Message, StringComparison.Ordinal);
            await using (var command = new NpgsqlCommand("SELECT 1", elsewhere, transaction))
                Assert.Equal(1, await command.ExecuteScalarAsync(Cancellation));
            // The second time there is a store of the same schema, with a stream of the same name, but another store.
            await transaction.CommitAsync(Cancellation);
            await using PostgresStreamStore other = await PostgresStreamStore.OpenAsync(elsewhere.ConnectionString + ";Password=secret",
                new() { Schema = schema }, Cancellation);
            await other.OpenStreamAsync("orders", cancellation: Cancellation);
            Assert.Equal(0, (await other.FindStreamAsync("orders", Cancellation))!.Appended);
        }
    }

    [Fact]
    public async Task ARoleThatOnlySendsNeedsFewRights()
    {
        string user = $"sender_{schema}";
        await server.Server.AskAsync($"CREATE USER {user} PASSWORD 'secret'");
        await using var connection = new NpgsqlConnection(
            server.Address.Replace("Username=sluice", $"Username={user}", StringComparison.Ordinal));
        await connection.OpenAsync(Cancellation);
        await using Consecutor<string> orders = Orders(Store);
        await using (NpgsqlTransaction transaction = await connection.BeginTransactionAsync(Cancellation))
        {
            var refused = await Assert.ThrowsAsync<InvalidOperationException>(() => orders.SendAsync("1", transaction, Cancellation));
            Assert.Contains($"GRANT SELECT, INSERT ON \"{schema}\".intake TO", refused.Message, StringComparison.Ordinal);
        }
        await server.Server.AskAsync(Store.GrantsToSend(user));
        await using (NpgsqlTransaction transaction = await connection.BeginTransactionAsync(Cancellation))
        {
            await orders.SendAsync("1", transaction, Cancellation);
            Assert.Equal(SendStatus.Accepted,
                (await orders.TrySendAsync("2", transaction, new() { IdempotencyKey = "k" }, Cancellation)).Status);
            await transaction.CommitAsync(Cancellation);
        }
        Assert.Equal(2, (await Store.FindStreamAsync("orders", Cancellation))!.Appended);
    }

    [Fact]
    public async Task AnItemThatIsTooLongOrCannotBeWrittenLeavesTheTransactionAsItWas()
    {
        await using Consecutor<string> orders = new("orders", source => source | (_ => { }),
            new() { Store = Store, Stream = new() { MaxEntryBytes = 1024 } });
        await using NpgsqlTransaction transaction = await Connection.BeginTransactionAsync(Cancellation);
        await Assert.ThrowsAsync<PayloadException>(() => orders.SendAsync(new string('x', 2000), transaction, Cancellation));
        await Assert.ThrowsAsync<PayloadException>(() => orders.SendAllAsync(["1", new string('x', 2000)], transaction, Cancellation));
        await orders.SendAsync("2", transaction, Cancellation);
        await transaction.CommitAsync(Cancellation);
        Assert.Equal(1, (await Store.FindStreamAsync("orders", Cancellation))!.Appended);
    }

    [Fact]
    public async Task AConsecutorThatHasBeenDisposedAndOverlappingSendsAreRefused()
    {
        Consecutor<string> orders = Orders(Store);
        await using NpgsqlTransaction transaction = await Connection.BeginTransactionAsync(Cancellation);
        await orders.SendAsync("1", transaction, Cancellation);
        Task waiting;
        await using (await ByHand.BeginAsync(server.Server, $"SELECT pg_advisory_xact_lock(hashtext('{schema}'))"))
        {
            waiting = RunAsync($"SELECT pg_advisory_xact_lock(hashtext('{schema}'))");
            await Assert.ThrowsAsync<NpgsqlOperationInProgressException>(() => orders.SendAsync("2", transaction, Cancellation));
        }
        await waiting;
        await orders.DisposeAsync();
        await Assert.ThrowsAnyAsync<InvalidOperationException>(() => orders.SendAsync("3", transaction, Cancellation));
        await transaction.CommitAsync(Cancellation);
        Assert.Equal(1, (await Store.FindStreamAsync("orders", Cancellation))!.Appended);
    }

    private static Consecutor<string> Orders(IStreamStore? store) => new("orders", source => source | (_ => { }), new() { Store = store });

    private async Task RunAsync(string sql)
    {
        await using var command = new NpgsqlCommand(sql, Connection);
        await command.ExecuteNonQueryAsync(Cancellation);
    }

    private sealed class OtherTransaction : DbTransaction
    {
        public override IsolationLevel IsolationLevel => IsolationLevel.ReadCommitted;

        protected override DbConnection? DbConnection => null;

        public override void Commit()
        {
        }

        public override void Rollback()
        {
        }
    }

    private sealed class OtherSender : ISender<string>
    {
        public ValueTask SendAsync(string item, CancellationToken cancellation = default) => default;

        public ValueTask SendAllAsync(IEnumerable<string> items, CancellationToken cancellation = default) => default;

        public Task<SendResult> TrySendAsync(string item, SendOptions? options = null, CancellationToken cancellation = default)
            => Task.FromResult(default(SendResult));

        public Task<SendResult> TrySendAllAsync(IReadOnlyList<string> items, SendOptions? options = null,
            CancellationToken cancellation = default) => Task.FromResult(default(SendResult));
    }
}
