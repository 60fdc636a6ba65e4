using System.Data.Common;
using Sluice.Diagnostics;

namespace Sluice.Redis.Tests;

/// <summary>A Redis store has no transaction that a client can write in.</summary>
public class NoTransactionTests(SharedServer server)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AnItemThatAsksForTheTransactionOfItsCommitIsADeadLetterThatSaysWhatToDo()
    {
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(server.Address,
            new() { Prefix = SharedServer.NewPrefix() });
        int ran = 0;
        await using var numbers = new Consecutor<int>("numbers", source => source | (Sink.OfAsync<int>((_, context, _) =>
        {
            context.InTransaction<DbTransaction>((_, _) =>
            {
                ran++;
                return default;
            });
            return default;
        }) | Stage.Named("write")), new() { Store = store, Delivery = DeliveryGuarantee.Replay(0), Stream = new() { Partitions = 1 } });
        await numbers.StartAsync(Cancellation);
        await numbers.SendAsync(1, Cancellation);
        Assert.Equal(1, (await numbers.WaitForIdleAsync(Cancellation)).Dead);
        List<DeadLetter> letters = [];
        await foreach (DeadLetter letter in numbers.ListDeadLettersAsync(Cancellation)) letters.Add(letter);
        Assert.Contains("write of numbers asks for the transaction of its item's commit as a DbTransaction, and the store "
            + "(RedisStreamStore) has none. Use a store that has one (SQLite, PostgreSQL), or write with ItemContext.Id as the key",
            Assert.Single(letters).ToString(), StringComparison.Ordinal);
        Assert.Equal(0, ran);
    }
}
