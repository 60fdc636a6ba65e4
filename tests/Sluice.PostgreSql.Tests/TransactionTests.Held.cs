using Npgsql;
using Sluice.Storage;

namespace Sluice.PostgreSql.Tests;

/// <content>A stream that cannot take in what was sent to it, beside others.</content>
public sealed partial class TransactionTests
{
    /// <summary>One look served all streams of the process, and counted for none what it could not take in for one: an empty stream was
    /// full after as many sends as it has room.</summary>
    [Theory]
    [InlineData("locked")]
    [InlineData("damaged")]
    public async Task AStreamThatCannotTakeInMakesNoOtherOneFull(string trouble)
    {
        await using Consecutor<string> orders = Orders(maxItems: 2);
        await using var held = new Consecutor<string>("held", source => source | (static _ => { }), new() { Store = Store });
        await held.TrySendAsync("h", null, Cancellation);
        if (trouble == "damaged") await server.Server.AskAsync($"DELETE FROM {schema}.part");
        await using ByHand? locked = trouble == "locked" ? await ByHand.LockAsync(server.Server, schema, "held") : null;
        await orders.StartAsync(Cancellation);
        await InTransactionAsync(transaction => held.SendAsync("h", transaction, Cancellation));
        for (int i = 1; i <= 5; i++)
        {
            await InTransactionAsync(transaction => orders.SendAsync($"a:{i}", transaction, Cancellation));
            await UntilAsync(orders, i);
            await orders.WaitForIdleAsync(Cancellation);
        }
        Assert.Equal(5, (await Store.FindStreamAsync("orders", Cancellation))!.Appended);
    }

    [Fact]
    public async Task APoolWithoutAFreeConnectionIsNoServerThatDoesNotAnswer()
    {
        await using NpgsqlDataSource own = NpgsqlDataSource.Create(server.Address + ";Maximum Pool Size=2;Timeout=1");
        await using PostgresStreamStore store = await PostgresStreamStore.OpenAsync(own,
            new() { Schema = schema, WakeUp = WakeUp.Poll, Timeout = TimeSpan.FromSeconds(2) }, Cancellation);
        await using NpgsqlConnection one = await own.OpenConnectionAsync(Cancellation);
        await using NpgsqlConnection other = await own.OpenConnectionAsync(Cancellation);
        var refused = await Assert.ThrowsAsync<StreamStoreException>(() => store.OpenStreamAsync("more", null, Cancellation).AsTask());
        Assert.Contains("All connections of the pool to the PostgreSQL server at ", refused.Message, StringComparison.Ordinal);
        Assert.Contains("give the store a data source of its own", refused.Message, StringComparison.Ordinal);
    }
}
