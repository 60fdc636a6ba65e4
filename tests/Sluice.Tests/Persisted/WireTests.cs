using System.Text;
using Sluice.ChildProcesses;
using Sluice.Delivery;
using Sluice.Engine;
using Sluice.Executors;
using Sluice.Flows;
using Sluice.Policies;
using Sluice.Processes;
using Sluice.Storage;

namespace Sluice.Tests.Persisted;

/// <summary>Messages between processes, and the bytes of entries and of the library's own rows: other versions of the library read
/// them.</summary>
public class WireTests
{
    [Fact]
    public void AChildProcessIsStartedWithFixedNames()
    {
        Assert.Equal(("SLUICE_WORKER", "SLUICE_PROCESSORS", "--sluice-worker"),
            (WorkerEnvironment.Variable, ExecutorEnvironment.Variable, WorkerEnvironment.Argument));
        Assert.Equal(new string('A', 64) + "00000400" + "/socket",
            new ChildToken("/socket", [.. Enumerable.Repeat((byte)0xAA, 32)], 1024).Text);
    }

    [Fact]
    public void FramesHaveFixedNumbers()
    {
        Assert.Equal(1, Hello.Kind);
        Numbers((FrameKind.Item, 2), (FrameKind.Done, 3), (FrameKind.Failed, 4), (FrameKind.Refused, 5), (FrameKind.Broken, 6),
            (FrameKind.TracedItem, 7));
        Numbers(
            (CallFrame.Plan, 32), (CallFrame.Choices, 33), (CallFrame.Begin, 34), (CallFrame.Cancel, 35), (CallFrame.Answer, 36),
            (CallFrame.Refusal, 37),
            (CallFrame.Fault, 38), (CallFrame.Credit, 39), (CallFrame.Open, 64), (CallFrame.Read, 65), (CallFrame.Release, 66),
            (CallFrame.Save, 67),
            (CallFrame.At, 68), (CallFrame.Reach, 69), (CallFrame.Chosen, 70), (CallFrame.Put, 71), (CallFrame.Done, 72),
            (CallFrame.Failed, 73), (CallFrame.PutTraced, 74), (CallFrame.Wait, 75));
        Numbers(
            (FailureKind.Other, 1), (FailureKind.Flow, 2), (FailureKind.Different, 3), (FailureKind.Cancelled, 4),
            (FailureKind.Payload, 5), (FailureKind.Misuse, 6));
        Numbers((ChoiceKind.Merge, 1), (ChoiceKind.Latest, 2), (ChoiceKind.New, 3), (ChoiceKind.Clock, 4));
        Assert.Equal(32, CallLimits.Message);
    }

    [Fact]
    public void FramesHaveFixedBytes()
    {
        using var frame = new FrameWriter();
        int start = frame.Begin((byte)FrameKind.Item, 7);
        frame.Write("ab");
        frame.End(start);
        Assert.Equal("0F000000" + "02" + "0700000000000000" + "02000000" + "6162", Hex(frame.Memory.Span));

        using var hello = new FrameWriter();
        new Hello([.. Enumerable.Repeat((byte)0xAA, 32)], "i", "o").Write(hello);
        Assert.Equal("34000000" + "01" + new string('A', 64) + "0100000069" + "010000006F" + "01" + "0100000000000000",
            Hex(hello.Memory.Span));

        using var failure = new FrameWriter();
        new CallFailure(1, FailureKind.Flow, "T", "m", "p", IsCancelled: true, "d").Write(failure);
        Assert.Equal("0100000000000000" + "02" + "01" + "0100000054" + "010000006D" + "0100000070" + "0100000064",
            Hex(failure.Memory.Span));

        byte[] sent = [];
        using var calls = new CallFrameWriter(message => sent = message.ToArray(), static _ => { });
        calls.SayValues(7, isComplete: true, new Entry[] { new() { Sequence = 3, Generation = 1, Payload = new byte[] { 9 } } });
        Assert.Equal("24" + "0700000000000000" + "01" + "0300000000000000" + "0100000000000000" + "01000000" + "09", Hex(sent));

        Entry[] traced = [new() { Sequence = 3, Payload = new byte[] { 9 }, Headers = new byte[] { 8 } }];
        calls.SayValues(7, isComplete: true, traced);
        Assert.Equal("24" + "0700000000000000" + "01" + "0300000000000000" + "0000000000000000" + "01000000" + "09", Hex(sent));
        calls.SayValues(7, isComplete: true, traced, withHeaders: true);
        Assert.Equal("24" + "0700000000000000" + "03" + "0300000000000000" + "0000000000000000" + "01000000" + "09" + "01000000" + "08",
            Hex(sent));
        Assert.Equal("0809", Hex([.. CallFrameWriter.ReadValues(sent[9..], out bool isComplete).SelectMany(static one
            => (byte[])[.. one.Headers.Span, .. one.Payload.Span])]));
        Assert.True(isComplete);
        calls.SayTraced(2, [8], [9]);
        Assert.Equal("4A" + "0200000000000000" + "01000000" + "08" + "09", Hex(sent));

        byte[] choice = new byte[ChoiceReplay.Record];
        ChoiceReplay.Write(choice, ChoiceKind.Clock, 2, 3);
        Assert.Equal("04" + "02000000" + "0300000000000000", Hex(choice));
    }

    /// <summary>Stores keep these as numbers.</summary>
    [Fact]
    public void StoredEnumsHaveFixedNumbers()
    {
        Numbers((Retention.UntilRead, 0), (Retention.All, 1));
        Numbers((StreamStart.First, 0), (StreamStart.New, 1));
        Numbers((WaitingStatus.InFlight, 0), (WaitingStatus.Retrying, 1), (WaitingStatus.Parked, 2), (WaitingStatus.Suspect, 3));
    }

    [Fact]
    public void EntryChunksHaveFixedBytes()
    {
        byte[] chunk = new byte[EntryChunk.HeaderBytes];
        EntryChunk.WriteHeader(chunk, new(1, 2, DateTimeOffset.UnixEpoch, 3));
        Assert.Equal("SLC1", Encoding.ASCII.GetString(chunk, 0, 4));
        Assert.Equal("0100000000000000" + "0080B5F7F57F9F08" + "03000000" + "02000000", Hex(chunk.AsSpan(8)));
        using var entries = new EntryBatch { CodeVersion = 4, FlowVersion = 5 };
        entries.Add([9], EntryKey.Of("a"), [8]);
        Assert.Equal("16000000" + "F534FF9C" + "5BCEBEA958A9A282" + "04000000" + "05000000" + "01000000" + "08" + "09",
            Hex(entries.RecordAt(0).Span));
    }

    [Fact]
    public void IdsAndKeysHaveFixedTexts()
    {
        Assert.Equal("a/b/3/7@2", new EntryId(2, "a/b", 3, 7).ToString());
        Assert.Equal("2", KeyText.Of(DayOfWeek.Tuesday));
        Assert.Equal("1:a2:10", KeyText.Of(("a", 10)));
        Assert.Equal("1970-01-01T00:00:00.0000000Z", KeyText.Of(DateTimeOffset.UnixEpoch));
        Assert.Equal("5 1 10", new ListPart(5, 1, 10).ToText());
        Assert.Equal("0100000000000000" + "0200000000000000" + "0300000000000000",
            Hex(new BatchCounts(1, 2, 3, IsClosed: true).ToBytes()));
        Assert.Equal("c/b1", BatchTag.CounterOf("c", "b1"));
        Assert.Equal("0B0400" + "74696D65", Hex(new EntryHeaders(null, null) { Timer = "time" }.ToBytes()));
        Assert.Equal("080600" + "352031203130", Hex(new EntryHeaders(null, null) { Part = new(5, 1, 10) }.ToBytes()));
    }

    [Fact]
    public void InternalStateRowsHaveFixedBytes()
    {
        StateRow books = new PartitionCounts(1, 2, 3).ToRow();
        Assert.Equal(("$books", "", 1, "0100000000000000" + "0200000000000000" + "0300000000000000"),
            (books.Node, books.Key, books.Version, Hex(books.Value!.Value.Span)));
        Assert.Equal(2, new PartitionCounts(1, 2, 3, HasSpills: true).ToRow().Version);

        var spill = new Spill(5, 6, new(1, 2, 3, 4));
        StateRow piece = spill.Add(new byte[] { 9 });
        Assert.Equal(("$spill", "0000000000000000005/000000000", 0), (piece.Node, piece.Key, piece.Version));
        StateRow seal = spill.Seal();
        Assert.Equal(("$spill", "0000000000000000005", 0), (seal.Node, seal.Key, seal.Version));
        Assert.Equal("0600000000000000" + "0100000000000000" + "0200000000000000" + "0300000000000000" + "0400000000000000"
            + "0100000000000000", Hex(seal.Value!.Value.Span));

        Assert.Equal(("$timers/n", "$due/n", "n", null), (ITimerRows.NodeByKey("n"), ITimerRows.NodeByTime("n"),
            ITimerRows.NodeOf("$timers/n"), ITimerRows.NodeOf("$due/n")));
        Assert.Equal("0000000000000000001/0000000000000000002", new TimerMoment(1, 2).ToKey());
    }

    /// <summary>Entries for other streams, own entries and letters, each after its tag.</summary>
    [Fact]
    public void SpillPiecesHaveFixedTags()
    {
        var commit = new StoreCommit(new(new("w", "w"), 0, 1), 1);
        using EntryBatch output = Batch(), derived = Batch();
        Assert.Equal("00" + "016F" + Entry, Hex(SpillPiece.Of(commit with { Outputs = [new("o", output)] }).Single()));
        Assert.Equal("01" + Entry, Hex(SpillPiece.Of(commit with { Derived = derived }).Single()));
        var letter = new DeadLetterWrite(1, "n", "e", 2) { Path = "p", Payload = new byte[] { 9 } };
        Assert.Equal("02" + "016E" + "0165" + "02000000" + "0170" + "00" + "01" + "01000000" + "09" + "00",
            Hex(SpillPiece.Of(commit with { Dead = [letter] }).Single()));

        static EntryBatch Batch()
        {
            var batch = new EntryBatch();
            batch.Add([9]);
            return batch;
        }
    }

    private const string Entry = "1D000000" + "15000000" + "5DBBE8B6" + "0000000000000000" + "00000000" + "00000000" + "00000000" + "09";

    private static void Numbers<T>(params (T Value, int Number)[] table)
        where T : struct, Enum
    {
        foreach ((T value, int number) in table) Assert.Equal(number, Convert.ToInt32(value));
        Assert.Equal(table.Length, Enum.GetValues<T>().Length);
    }

    private static string Hex(ReadOnlySpan<byte> bytes) => Convert.ToHexString(bytes);
}
