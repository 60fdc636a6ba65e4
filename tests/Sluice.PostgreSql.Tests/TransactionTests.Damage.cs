using System.Buffers.Binary;
using Sluice.Storage;

namespace Sluice.PostgreSql.Tests;

/// <content>Rows of the intake that the library has not written.</content>
public sealed partial class TransactionTests
{
    /// <summary>The role of senders may insert into the intake, also what the library never does. The server cannot index the name of the
    /// key's producer.</summary>
    [Fact]
    public async Task ARowWithALongKeyIsNamedAndHoldsUpNoOther()
    {
        var random = new byte[2010];
        new Random(1).NextBytes(random);
        await using Consecutor<string> orders = Orders();
        await orders.TrySendAsync("a:0", null, Cancellation);
        await using (ByHand locked = await ByHand.LockAsync(server.Server, schema, "orders"))
        {
            await InTransactionAsync(transaction => orders.TrySendAsync("a:1", transaction, new() { IdempotencyKey = "k" }, Cancellation));
            await server.Server.AskAsync($"UPDATE {schema}.intake SET key = '{Convert.ToBase64String(random)}'");
            await InTransactionAsync(transaction => orders.SendAsync("a:2", transaction, Cancellation));
        }
        await orders.StartAsync(Cancellation);
        await UntilAsync(orders, 2);
        Assert.Equal(["a:0", "a:2"], seen);
        Assert.Contains("is damaged: its key is too long.", Assert.Single((await Store.CheckAsync(Cancellation)).Problems),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task AnItemWithAWrongLengthOfItsHeadersIsADeadLetter()
    {
        await using Consecutor<string> orders = Orders(onDamage: DamagePolicy.DeadLetter);
        await orders.TrySendAsync("a:0", null, Cancellation);
        await using (ByHand locked = await ByHand.LockAsync(server.Server, schema, "orders"))
        {
            await InTransactionAsync(transaction => orders.SendAsync("a:1", transaction, Cancellation));
            var record = (byte[])(await server.Server.AskAsync($"SELECT body FROM {schema}.intake"))!;
            BinaryPrimitives.WriteInt32LittleEndian(record.AsSpan(24), int.MaxValue);
            BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(4), EntryChunk.Checksum(record.AsSpan(8)));
            await server.Server.AskAsync($"UPDATE {schema}.intake SET body = '\\x{Convert.ToHexString(record)}'");
            await InTransactionAsync(transaction => orders.SendAsync("a:2", transaction, Cancellation));
        }
        await orders.StartAsync(Cancellation);
        await UntilAsync(orders, 2);
        await orders.WaitForIdleAsync(Cancellation);
        Assert.Equal(["a:0", "a:2"], seen);
        StoredDeadLetter letter = Assert.Single(await Store.ListDeadAsync(new("orders", "orders"), cancellation: Cancellation));
        Assert.Contains("the length of its headers is wrong", letter.Error, StringComparison.Ordinal);
    }
}
