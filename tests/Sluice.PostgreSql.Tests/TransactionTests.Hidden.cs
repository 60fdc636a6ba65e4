using System.Data;
using Npgsql;
using Sluice.Storage;

namespace Sluice.PostgreSql.Tests;

/// <content>A send makes the stream of a new consecutor. A transaction whose snapshot is older does not see it, and sends to it all the
/// same.</content>
public sealed partial class TransactionTests
{
    [Theory]
    [InlineData(IsolationLevel.ReadCommitted)]
    [InlineData(IsolationLevel.RepeatableRead)]
    [InlineData(IsolationLevel.Serializable)]
    public async Task TheFirstSendOfAConsecutorIsAccepted(IsolationLevel isolation)
    {
        await using Consecutor<int> orders = Numbers(10_000);
        await using NpgsqlConnection connection = await server.Direct.OpenConnectionAsync(Cancellation);
        await using NpgsqlTransaction transaction = await BeginAsync(connection, isolation);
        await orders.SendAllAsync(Enumerable.Range(0, 5000), transaction, Cancellation);         // more than a row has
        var options = new SendOptions { IdempotencyKey = "once" };
        foreach (SendStatus expected in (SendStatus[])[SendStatus.Accepted, SendStatus.Repeated])
            Assert.Equal(expected, (await orders.TrySendAsync(1, transaction, options, Cancellation)).Status);
        await transaction.CommitAsync(Cancellation);
        Assert.Equal(5001, (await Store.FindStreamAsync("orders", Cancellation))!.Appended);
    }

    /// <summary>The bounds of the stream count, and its end, although the transaction does not see them.</summary>
    [Theory]
    [InlineData(IsolationLevel.ReadCommitted)]
    [InlineData(IsolationLevel.RepeatableRead)]
    public async Task AFullStreamAndOneThatHasEndedRefuse(IsolationLevel isolation)
    {
        await using Consecutor<int> orders = Numbers(2);
        await using NpgsqlConnection connection = await server.Direct.OpenConnectionAsync(Cancellation);
        await using NpgsqlTransaction transaction = await BeginAsync(connection, isolation);
        await orders.SendAllAsync([1, 2], Cancellation);
        Assert.Equal(SendStatus.Full, (await orders.TrySendAsync(3, transaction, cancellation: Cancellation)).Status);
        await Store.EndStreamAsync("orders", StreamEnd.Complete, Cancellation);
        var ended = await Assert.ThrowsAsync<InvalidOperationException>(() => orders.SendAsync(3, transaction, Cancellation));
        Assert.Contains("The stream orders has ended", ended.Message, StringComparison.Ordinal);
        Assert.Equal(1, await new NpgsqlCommand("SELECT 1", connection).ExecuteScalarAsync(Cancellation));
    }

    private Consecutor<int> Numbers(int bound)
        => new("orders", static source => source | (static (int _) => { }), new() { Store = Store, Stream = new() { MaxItems = bound } });

    private static async Task<NpgsqlTransaction> BeginAsync(NpgsqlConnection connection, IsolationLevel isolation)
    {
        NpgsqlTransaction transaction = await connection.BeginTransactionAsync(isolation, Cancellation);
        await using var snapshot = new NpgsqlCommand("SELECT 1", connection);
        await snapshot.ExecuteNonQueryAsync(Cancellation);
        return transaction;
    }
}
