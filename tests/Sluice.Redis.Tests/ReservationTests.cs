using Sluice.Storage;

namespace Sluice.Redis.Tests;

/// <summary>Places that an owner keeps in streams for its outputs.</summary>
public class ReservationTests(SharedServer server)
{
    private const int Streams = 101;                 // an owner may keep places in 100 at a time

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task UsedPlacesDoNotCount(bool isRemade)
    {
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(server.Address,
            new() { Prefix = SharedServer.NewPrefix() });
        await store.PrepareAsync();
        await store.AppendAsync(1, [.. Enumerable.Range(1, Streams).Select(n => $"{n}")]);
        Ownership owner = (await store.AcquireAsync(Rows.Main, 0, new("m"))).Ownership;
        await store.LeaseAsync(new([owner]) { MaxItems = Streams });
        for (int n = 1; n <= Streams; n++)
        {
            string stream = $"out {n}";
            await store.OpenStreamAsync(stream, new() { Partitions = 1 });
            Assert.Equal(ReserveStatus.Reserved, await store.ReserveAsync(owner, stream, 1, 4));
            if (isRemade)
            {
                await store.DeleteStreamAsync(stream);
                await store.OpenStreamAsync(stream, new() { Partitions = 1 });
            }
            using EntryBatch output = Rows.Batch("item");
            var commit = new StoreCommit(owner, n)
            {
                Settled = [new(n, n)],
                Outputs = [new(stream, output) { ReservedItems = 1, ReservedBytes = 4 }]
            };
            Assert.Equal(CommitStatus.Committed, (await store.CommitAsync(commit)).Status);
        }
    }

    [Fact]
    public async Task PlacesInTooManyStreamsAreRefused()
    {
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(server.Address,
            new() { Prefix = SharedServer.NewPrefix() });
        await store.PrepareAsync();
        Ownership owner = (await store.AcquireAsync(Rows.Main, 0, new("m"))).Ownership;
        for (int n = 1; n <= Streams; n++)
        {
            await store.OpenStreamAsync($"out {n}", new() { Partitions = 1 });
            if (n < Streams) Assert.Equal(ReserveStatus.Reserved, await store.ReserveAsync(owner, $"out {n}", 1, 4));
        }
        Assert.True((await Assert.ThrowsAsync<StreamStoreException>(() => store.ReserveAsync(owner, $"out {Streams}", 1, 4).AsTask()))
            .IsPermanent);
    }
}
