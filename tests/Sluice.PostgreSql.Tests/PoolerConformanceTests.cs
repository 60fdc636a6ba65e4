using Npgsql;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.PostgreSql.Tests;

/// <summary>
/// The contract through PgBouncer in transaction mode, without prepared statements, with polling: every sixteenth scenario and those that
/// wait; all of them with the long tests.
/// </summary>
public class PoolerConformanceTests(SharedServer server) : IAsyncLifetime
{
    private PgBouncer? bouncer;

    public static IEnumerable<TheoryDataRow<string>> Scenarios => StreamStoreContract.Scenarios.Select(static (name, index) =>
    {
        var row = new TheoryDataRow<string>(name);
        if (index % 16 != 0 && !name.Contains("Wait", StringComparison.Ordinal)) row.Traits.Add("Length", ["long"]);
        return row;
    });

    public async ValueTask InitializeAsync() => bouncer = await PgBouncer.StartAsync(server.Server.Port);

    public async ValueTask DisposeAsync()
    {
        if (bouncer is not null) await bouncer.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Theory]
    [MemberData(nameof(Scenarios))]
    public async Task KeepsTheContract(string scenario)
        => Assert.Null(await StreamStoreContract.RunAsync(scenario, new PostgresStoreFixture(bouncer!.Address,
            new() { TransactionPooling = true, PollInterval = TimeSpan.FromMilliseconds(50) },
            timeStands: scenario.StartsWith("Random", StringComparison.Ordinal))));

    /// <summary>Two stores that share a connection of the server prepare different statements under one name.</summary>
    [Fact]
    public async Task AStoreThatIsNotToldOfThePoolerSaysWhatToWrite()
    {
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        var options = new PostgresStoreOptions { Schema = SharedServer.NewSchema() };
        string message = (await Assert.ThrowsAsync<StreamStoreException>(async () =>
        {
            await using PostgresStreamStore one = await PostgresStreamStore.OpenAsync(bouncer!.Address, options, cancellation);
            await one.OpenStreamAsync("orders", cancellation: cancellation);
            await using PostgresStreamStore other = await PostgresStreamStore.OpenAsync(bouncer.Address, options, cancellation);
            for (int i = 0; i < 20; i++)
            {
                await one.FindStreamAsync("orders", cancellation);
                await other.ListStreamsAsync(cancellation: cancellation);
            }
        })).Message;
        Assert.Contains("Transaction Pooling=true", message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ASendInATransactionOfAConnectionThroughThePoolerIsAcceptedIfItCommits()
    {
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        string address = $"{bouncer!.Address};No Reset On Close=true;Max Auto Prepare=0";
        await using PostgresStreamStore store = await PostgresStreamStore.OpenAsync(bouncer.Address,
            new() { Schema = SharedServer.NewSchema(), TransactionPooling = true }, cancellation);
        await using Consecutor<string> orders = new("orders", source => source | (_ => { }), new() { Store = store });
        await using NpgsqlConnection connection = new(address);
        await connection.OpenAsync(cancellation);
        for (int i = 0; i < 4; i++)
        {
            await using NpgsqlTransaction transaction = await connection.BeginTransactionAsync(cancellation);
            SendOptions key = new() { IdempotencyKey = $"{i}" };
            Assert.Equal(SendStatus.Accepted, (await orders.TrySendAsync($"{i}", transaction, key, cancellation)).Status);
            await (i % 2 == 0 ? transaction.CommitAsync(cancellation) : transaction.RollbackAsync(cancellation));
        }
        Assert.Equal(2, (await store.FindStreamAsync("orders", cancellation))!.Appended);
    }
}
