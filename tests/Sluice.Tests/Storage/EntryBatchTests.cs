using System.Buffers;
using System.Text;
using Sluice.Storage;

namespace Sluice.Tests.Storage;

public class EntryBatchTests
{
    /// <remarks>Formerly stores added the time to their own: the sum was in the past, and the key was forgotten at once.</remarks>
    [Fact]
    public void TimesThatNoClockReachesAreRefused()
    {
        using var batch = new EntryBatch();
        batch.Add("entry"u8);
        var append = new AppendRequest("orders", "p", 0, 1, batch) { ForgetAfter = TimeSpan.FromDays(36_500) };
        append.Check();
        append = append with { ForgetAfter = TimeSpan.MaxValue };
        Assert.Contains("at most 36,500 days", Assert.Throws<ArgumentException>(append.Check).Message, StringComparison.Ordinal);
        var commit = new StoreCommit(new(new("orders", "main"), 0, 1), 1) { Deferred = [new(1, 0, TimeSpan.MaxValue)] };
        Assert.Contains("at most 36,500 days", Assert.Throws<ArgumentException>(commit.Check).Message, StringComparison.Ordinal);
    }

    private static readonly EntryChunkHeader Header = new(42, 2, new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero), 7);

    [Fact]
    public void AWrittenChunkIsReadBack()
    {
        byte[] chunk = Chunk();

        EntryChunkHeader header = EntryChunk.ReadHeader(chunk, "s", 3);
        int length = EntryChunk.ReadRecord(chunk.AsMemory(EntryChunk.HeaderBytes), header, header.First, "s", 3, out Entry first);
        int next = EntryChunk.ReadRecord(chunk.AsMemory(EntryChunk.HeaderBytes + length), header, header.First + 1, "s", 3,
            out Entry second);

        Assert.Equal(Header, header);
        Assert.Equal(chunk.Length, EntryChunk.HeaderBytes + length + next);
        Assert.Equal((42, 7, EntryKey.Of("key"), 2, 5, Header.Time),
            (first.Sequence, first.Generation, first.Key, first.CodeVersion, first.FlowVersion, first.Time));
        Assert.Equal(("head", "payload"), (Encoding.UTF8.GetString(first.Headers.Span), Encoding.UTF8.GetString(first.Payload.Span)));
        Assert.Equal((43, false, 0, 0), (second.Sequence, second.Key.Exists, second.Headers.Length, second.Payload.Length));
        Assert.Equal("s/3/43@7", second.IdIn("s", 3).ToString());
    }

    [Fact]
    public void EveryFlippedBitIsDetectedInItsEntry()
    {
        byte[] chunk = Chunk();
        for (int bit = 0; bit < chunk.Length * 8; bit++)
        {
            chunk[bit / 8] ^= (byte)(1 << (bit % 8));
            StreamStoreException damage = Assert.Throws<StreamStoreException>(() => ReadAll(chunk));
            Assert.Equal(("s", 3), (damage.Stream, damage.Partition!.Value));
            Assert.Contains("s/3", damage.Message, StringComparison.Ordinal);
            if (bit / 8 >= EntryChunk.HeaderBytes) Assert.NotNull(damage.Sequence);
            chunk[bit / 8] ^= (byte)(1 << (bit % 8));
        }
        for (int length = 0; length < chunk.Length; length++) Assert.Throws<StreamStoreException>(() => ReadAll(chunk[..length]));
    }

    [Fact]
    public void AFailedEntryLeavesTheBatchAsItWas()
    {
        using var batch = new EntryBatch { Stream = "orders", MaxEntryBytes = 10 };
        batch.Add("first"u8);
        byte[] before = batch.Records.ToArray();

        PayloadException tooLong = Assert.Throws<PayloadException>(() => batch.Add("0123456789"u8, default, "h"u8));
        PayloadException written = Assert.Throws<PayloadException>(() => batch.Add(PayloadSerializer.Bytes, new byte[11]));
        PayloadException failed = Assert.Throws<PayloadException>(() => batch.Add(new Failing(), 1));

        Assert.All([tooLong, written, failed], failure => Assert.StartsWith("Entry 2 of a batch for the stream orders:", failure.Message,
            StringComparison.Ordinal));
        Assert.Contains("11 bytes with headers, the limit is 10", tooLong.Message, StringComparison.Ordinal);
        Assert.Equal(before, batch.Records.ToArray());
        Assert.Equal((1, 5, 5), (batch.Count, batch.Bytes, batch.Longest));
    }

    [Fact]
    public void EntriesAreCopiedBetweenBatches()
    {
        using EntryBatch from = Batch();
        using var to = new EntryBatch { CodeVersion = 99 };
        to.Add(from, 1);
        to.Add(from, 0);

        Assert.Equal(from.RecordAt(0).ToArray(), to.RecordAt(1).ToArray());
        Assert.Equal((true, from.Bytes, from.KeyAt(0)), (to.HasKeys, to.Bytes, to.KeyAt(1)));
        Assert.Throws<ArgumentOutOfRangeException>(() => to.RecordAt(2));
    }

    [Fact]
    public void AFilledBatchIsRefilledWithoutAllocations()
    {
        using var batch = new EntryBatch();
        byte[] payload = new byte[100];
        Fill();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int round = 0; round < 10; round++) Fill();

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Fill()
        {
            batch.Clear();
            for (int i = 0; i < 4096; i++) batch.Add(payload, new EntryKey((ulong)i));
        }
    }

    [Theory]
    [InlineData("orders/3/42@1", true)]
    [InlineData("a/b/3/-2@15", true)]
    [InlineData("3/42@1", false)]
    [InlineData("orders/3/42", false)]
    [InlineData("orders/-3/42@1", false)]
    [InlineData("orders/3/x@1", false)]
    [InlineData(null, false)]
    public void AnEntryIdIsParsedFromItsText(string? text, bool isId)
    {
        Assert.Equal(isId, EntryId.TryParse(text, out EntryId id));
        if (isId) Assert.Equal(text, id.ToString());
    }

    // The hash is stored: a change of it would move keys to other partitions.
    [Fact]
    public void KeysStayInTheirPartitions()
        => Assert.Equal([38, 27, 6, 3], new[] { "", "a", "customer 17",
        new string('ä', 300) }.Select(key => EntryKey.Of(key).PartitionOf(64)));

    private static EntryBatch Batch()
    {
        var batch = new EntryBatch { CodeVersion = 2, FlowVersion = 5 };
        batch.Add("payload"u8, EntryKey.Of("key"), "head"u8);
        batch.Add([]);
        return batch;
    }

    private static byte[] Chunk()
    {
        using EntryBatch batch = Batch();
        byte[] chunk = new byte[EntryChunk.HeaderBytes + batch.Records.Length];
        EntryChunk.WriteHeader(chunk, Header);
        batch.Records.CopyTo(chunk.AsMemory(EntryChunk.HeaderBytes));
        return chunk;
    }

    private static void ReadAll(byte[] chunk)
    {
        EntryChunkHeader header = EntryChunk.ReadHeader(chunk, "s", 3);
        int at = EntryChunk.HeaderBytes;
        for (int i = 0; i < header.Count; i++) at += EntryChunk.ReadRecord(chunk.AsMemory(at), header, header.First + i, "s", 3, out _);
    }

    private sealed class Failing : IPayloadSerializer<int>
    {
        public void Serialize(int value, System.Buffers.IBufferWriter<byte> to)
        {
            to.Write("half"u8);
            throw new InvalidOperationException("no");
        }

        public int Deserialize(ReadOnlySpan<byte> payload) => 0;
    }
}
