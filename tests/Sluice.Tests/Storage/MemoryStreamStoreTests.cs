using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Storage;

public class MemoryStreamStoreTests
{
    public static TheoryData<string> Scenarios => [.. StreamStoreContract.Scenarios];

    [Theory]
    [MemberData(nameof(Scenarios))]
    public async Task KeepsTheContract(string scenario)
    {
        string? missing = await StreamStoreContract.RunAsync(scenario, new MemoryStoreFixture());
        // A retry and a letter are objects, which have no bytes. No functions run in a transaction.
        Assert.True(missing is null || scenario is "ADamagedRetryIsNamed" or "ADamagedLetterIsListedWithoutItsPayload"
            or "FunctionsOfACommitRunInOrderAndOnce" or "AFunctionThatThrowsVoidsItsCommitAndIsNamed", missing);
    }

    [Fact]
    public async Task LongRandomWalksAgreeWithTheModel()
    {
        for (int seed = 100; seed < 100 + Repetitions.Of(10, all: 30); seed++)
            await StreamStoreContract.RunRandomAsync(seed, 400, new MemoryStoreFixture());
    }

    [Fact]
    public async Task SettledEntriesLeaveTheMemory()
    {
        await using var store = new MemoryStreamStore();
        await store.OpenStreamAsync("s", new() { Partitions = 1 });
        GroupId group = new("s", "g");
        await store.AddGroupAsync(group);
        Ownership owner = (await store.AcquireAsync(group, 0, new("m"))).Ownership;
        using var batch = new EntryBatch();
        for (int i = 0; i < 1000; i++) batch.Add(new byte[1000]);
        List<WeakReference> payloads = [];
        for (int round = 0; round < 100; round++)
        {
            Assert.Equal(AppendStatus.Accepted, (await store.AppendAsync(new("s", "p", 0, 1 + (round * 1000), batch))).Status);
            await SettleAllAsync(store, owner, round + 1, payloads);
        }
        StreamInfo info = (await store.FindStreamAsync("s"))!;
        Assert.Equal((0, 0), (info.Items, info.Bytes));
        GC.Collect();
        Assert.InRange(payloads.Count(payload => payload.IsAlive), 0, 2);
    }

    [Fact]
    public void AProducerIsQueuedOnceUntilItIsForgotten()
    {
        var stream = new StoredStream("s", 0, new(), new StreamChanges());
        var producer = new StoredProducer();
        stream.Producers.Add("p", producer);
        DateTimeOffset at = DateTimeOffset.UnixEpoch;
        for (int minute = 0; minute < 10_000; minute++) stream.Forget("p", producer, at.AddDays(1).AddMinutes(minute));
        Assert.Equal(1, stream.Forgettings);
        stream.Sweep(at.AddDays(2));                 // before its last time
        Assert.Equal((1, 1), (stream.Producers.Count, stream.Forgettings));
        stream.Forget("p", producer, at.AddDays(2).AddMinutes(1));       // its end was told
        stream.Sweep(at.AddDays(2).AddMinutes(1));
        Assert.Empty(stream.Producers);
        stream.Producers.Add("p", producer = new());         // it comes again, while an earlier time is queued
        stream.Forget("p", producer, at.AddDays(30));
        stream.Sweep(at.AddDays(20));
        Assert.Equal((1, 1), (stream.Producers.Count, stream.Forgettings));
    }

    [Fact]
    public async Task CallsToADisposedStoreThrow()
    {
        var store = new MemoryStreamStore();
        await store.OpenStreamAsync("s");
        Task<long> waiting = store.WaitForChangeAsync("s", 100).AsTask();
        await store.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => waiting);
        var later = await Assert.ThrowsAsync<ObjectDisposedException>(() => store.FindStreamAsync("s").AsTask());
        Assert.Equal("The store MemoryStreamStore was disposed, and takes no more calls. Dispose it last, after the consecutors and "
            + "supervisors that use it.", later.Message);
    }

    /// <summary>The refusal concerns the store, and not the partition: a consecutor would run the items of the partition again.</summary>
    [Fact]
    public async Task AnAttachmentThatTheStoreCannotWriteIsRefusedForGood()
    {
        await using var store = new MemoryStreamStore();
        await store.OpenStreamAsync("s", new() { Partitions = 1 });
        GroupId group = new("s", "g");
        await store.AddGroupAsync(group);
        Ownership owner = (await store.AcquireAsync(group, 0, new("m"))).Ownership;
        var refusal = await Assert.ThrowsAsync<StreamStoreException>(
            () => store.CommitAsync(new(owner, 1) { Attachments = [new Foreign()] }).AsTask());
        Assert.Contains("brings a Foreign, which only the store of Foreign can write", refusal.Message, StringComparison.Ordinal);
        Assert.Equal((true, null, null), (refusal.IsPermanent, refusal.Stream, refusal.Partition));
    }

    private sealed class Foreign : ICommitAttachment
    {
        public string WrittenBy => "the store of Foreign";
    }

    private static async Task SettleAllAsync(MemoryStreamStore store, Ownership owner, int commit, List<WeakReference> payloads)
    {
        LeaseResult lease = await store.LeaseAsync(new([owner]) { MaxBytes = long.MaxValue });
        ReadOnlyMemory<Entry> entries = lease.Batches[0].Entries;
        Assert.True(System.Runtime.InteropServices.MemoryMarshal.TryGetArray(entries.Span[0].Payload, out ArraySegment<byte> memory));
        payloads.Add(new WeakReference(memory.Array));
        await store.CommitAsync(new(owner, commit) { Settled = [new(entries.Span[0].Sequence, entries.Span[^1].Sequence)] });
    }
}
