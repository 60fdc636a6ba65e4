using Sluice.Storage;
using StackExchange.Redis;

namespace Sluice.Redis.Tests;

/// <summary>A store refuses the letters of a damaged partition by its number: the others can be redriven.</summary>
public class DamagedPartitionTests(SharedServer server)
{
    private static readonly GroupId Group = new("words", "words");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ARedriveNamesTheDamagedPartition()
    {
        string prefix = SharedServer.NewPrefix();
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(server.Address, new() { Prefix = prefix }, Cancellation);
        await using (Consecutor<string> words = Words(store))
        {
            await words.StartAsync(Cancellation);
            for (int n = 1; n <= 20; n++) await words.SendAsync($"word {n}", Cancellation);          // to both partitions
            Assert.Equal(20, (await words.WaitForIdleAsync(Cancellation)).Dead);
            await words.StopAsync();
        }
        IDatabase database = store.Connection.Database;
        string marks = ((string)store.Connection.Meta!).Replace("meta", "g:*", StringComparison.Ordinal);
        string key = (string)Assert.Single((RedisResult[])(await database.ExecuteAsync("KEYS", marks))!)!;
        await database.HashSetAsync(key, "1", "rubbish");

        IReadOnlyList<StoredDeadLetter> letters = await store.ListDeadAsync(Group, cancellation: Cancellation);
        int left = letters.Count(static letter => letter.Partition == 1);
        Assert.InRange(left, 1, 19);
        var refused = await Assert.ThrowsAsync<StreamStoreException>(
            () => store.RedriveAsync(Group, [.. letters.Select(static letter => letter.Number)], Cancellation).AsTask());
        Assert.Equal(("words", 1, true), (refused.Stream, refused.Partition, refused.IsPermanent));
        await using Consecutor<string> again = Words(store);
        Assert.Equal(20 - left, await again.RedriveAsync(static _ => true, Cancellation));
    }

    private static Consecutor<string> Words(IStreamStore store) => new("words", source => source | (_ => throw new FormatException()), new()
    {
        Store = store,
        Delivery = DeliveryGuarantee.Replay(0),
        Stream = new() { Partitions = 2 },
        OnWarning = static _ => { },
    });
}
