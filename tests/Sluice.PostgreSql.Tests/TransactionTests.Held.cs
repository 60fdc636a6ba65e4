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
        await using NpgsqlDataSource own = NpgsqlDataSource.Create(server.Address + ";Maximum Pool Size=1;Timeout=1");
        Exception? exhausted = null;
        List<NpgsqlConnection> open = [];
        while (exhausted is null || !Failures.IsPoolExhausted(exhausted))      // the server may be slow to give the first one
            try
            {
                open.Add(await own.OpenConnectionAsync(Cancellation));
            }
            catch (NpgsqlException failure)
            {
                exhausted = failure;
            }
        foreach (NpgsqlConnection one in open) await one.DisposeAsync();

        var told = Assert.IsType<StreamStoreException>(Failures.Explain(exhausted, new("server:5432", "shop", "app", "s"), false));

        Assert.StartsWith("All connections of the pool to the PostgreSQL server at server:5432 are in use: Nothing was done. ",
            told.Message, StringComparison.Ordinal);
        Assert.Contains("give the store a data source of its own", told.Message, StringComparison.Ordinal);
        Assert.Equal("all connections of the pool are in use (Maximum Pool Size)", Failures.Words(exhausted));
    }
}
