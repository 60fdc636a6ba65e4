using System.Diagnostics;
using System.Text;
using Sluice.ChildProcesses;
using Sluice.Delivery;
using Sluice.Executors;
using Sluice.Flows;
using Sluice.Processes;
using Sluice.Storage;

namespace Sluice.Tests.Persisted;

/// <summary>
/// What is in users' stores, and between programs of different versions: names and numbers that must not change, whatever the code calls
/// them. A change here is a new version of the form, which reads the old one too.
/// Tables, keys and functions of the stores are held by the stores of earlier versions (<c>StoredHistoryTests</c> of each store),
/// and by <c>PersistedFormTests</c> of each store.
/// </summary>
public class PersistedFormTests
{
    [Fact]
    public void FramesBetweenProcessesHaveFixedNumbers()
    {
        Assert.Equal("Hello=1 Item=2 Done=3 Failed=4 Refused=5 Broken=6 TracedItem=7", $"Hello={Hello.Kind} {NumbersOf<FrameKind>()}");
        Assert.Equal(
            "Plan=32 Choices=33 Begin=34 Cancel=35 Answer=36 Refusal=37 Fault=38 Credit=39 Open=64 Read=65 Release=66 Save=67 At=68 "
                + "Reach=69 Chosen=70 Put=71 Done=72 Failed=73 PutTraced=74 Wait=75", NumbersOf<CallFrame>());
        Assert.Equal("Other=1 Flow=2 Different=3 Cancelled=4 Payload=5 Misuse=6", NumbersOf<FailureKind>());
        Assert.Equal("SLUICE_PROCESSORS", ExecutorEnvironment.Variable);
    }

    [Fact]
    public void ChoicesOfProcessorsHaveFixedNumbers()
    {
        Assert.Equal("Merge=1 Latest=2 New=3 Clock=4", NumbersOf<ChoiceKind>());
        Assert.Equal(13, ChoiceReplay.Record);
    }

    [Fact]
    public void RunEventKindsHaveFixedNamesAndNumbers()
        => Assert.Equal(
        "Begun=0 Started=1 HandedOver=2 Completed=3 Failed=4 Cancelled=5 CancelRequested=6 Retrying=7 Stuck=8 Idle=9 Moving=10",
            NumbersOf<RunEventKind>());

    [Fact]
    public void StreamsGroupsAndReadersOfFlowsHaveFixedNames()
    {
        Assert.Equal("flow/r", FlowNames.Journal("r"));
        Assert.Equal("flow-io/r/x", FlowNames.Values("r", "x"));
        Assert.Equal("flow-choices/r/p", FlowNames.Choices("r", "p"));
        Assert.Equal("work/p", FlowNames.Work("p"));
        Assert.Equal(new GroupId("work/p", "hosts"), FlowNames.Hosts("p"));
        Assert.Equal("processor p", ReaderNames.Of("p"));
        Assert.Equal("processor p (gate)", ReaderNames.Gate(ReaderNames.Of("p")));
        Assert.Equal("result r", ReaderNames.OfResult("r"));
        Assert.Equal("nobody", ReaderNames.Nobody);
    }

    [Fact]
    public void InternalStateNodesHaveFixedNames()
    {
        Assert.Equal("$end", StageEnds.Node);
        Assert.Equal("$nodes", StateCheck.Node);
        Assert.Equal("$books", PartitionCounts.Node);
        Assert.Equal("$spill", Spill.Node);
        Assert.Equal("work", WorkPartition.Node);
    }

    [Fact]
    public void EntryHeadersHaveFixedTags()
    {
        Assert.Equal("01020069640202006E6F0300000906006B2D31322D330A03006C6F73",
            Hex(new EntryHeaders("id", "no") { IsAfter = true, Key = "k-12-3", Loss = "los" }));
        Assert.Equal("0501006304020062310601006C", Hex(new EntryHeaders(null,
            null)
        { Batch = new BatchTag("c", "b1") { Listeners = ["l"] } }));
        Assert.Equal("0202006E6F0E010033", Hex(new EntryHeaders(null, "no") { Namesakes = 3 }));
        Assert.Equal("0202006E6F0F0800726F77730A626164", Hex(new EntryHeaders(null, "no") { Refusal = new("rows", "bad") }));
        Assert.Equal(new SinkRefusal("rows", "bad\nworse"),
            EntryHeaders.Read(new EntryHeaders(null, "no") { Refusal = new("rows", "bad\nworse") }.ToBytes()).Refusal);
        var trace = new ActivityContext(ActivityTraceId.CreateRandom(), ActivitySpanId.CreateRandom(), ActivityTraceFlags.Recorded);
        EntryHeaders both = EntryHeaders.Read(new EntryHeaders(null, "no") { Namesakes = 3, Trace = new(trace) }.ToBytes());
        Assert.Equal((3, trace.TraceId), (both.Namesakes, both.Trace?.Context.TraceId));
        Assert.Equal("050100630702006231", Hex(new EntryHeaders(null, null) { EndOf = new BatchTag("c", "b1") }));

        static string Hex(EntryHeaders headers) => Convert.ToHexString(headers.ToBytes());
    }

    [Fact]
    public void SealedPayloadsHaveFixedMarks()
        => Assert.Equal((0xF8, 0xF9, 0xFA, 0xFB), (PayloadMark.Signed, PayloadMark.Stored, PayloadMark.Brotli, PayloadMark.ZLib));

    [Fact]
    public void ProducerPositionsHaveAFixedForm()
        => Assert.Equal("0700000000000000" + "04" + "6B696E64" + "0102",
        Convert.ToHexString(new ProducerPosition(7, "kind", new byte[] { 1, 2 }).ToBytes()));

    /// <summary>An unnamed node is called after its kind; letters and retries of its items are stored under that name.</summary>
    [Fact]
    public void UnnamedNodesHaveFixedNames()
    {
        var pipeline = Source.From([1, 2]).Where(static n => n > 0).Select(static n => n + 1).SelectMany(static n => new[] { n })
            .Do(static _ => { }).Distinct().Take(5).Skip(0).TakeWhile(static _ => true)
            .SkipWhile(static _ => false).Scan(0, static (sum, n) => sum + n).Buffer(3).Chunk(2).Select(static two => two.Length)
            .Delay(TimeSpan.FromSeconds(1)).Throttle(5, TimeSpan.FromSeconds(1))
            .Debounce(TimeSpan.FromSeconds(1)).Sample(TimeSpan.FromSeconds(1)).Timeout(TimeSpan.FromSeconds(1)).GroupBy(static n => n, 10)
            .Aggregate(0, static (sum, _) => sum)
            .ForEach(static _ => { });
        Assert.Equal(
            "source-1 filter-1 map-1 many-1 do-1 distinct-1 take-1 skip-1 take-while-1 skip-while-1 scan-1 chunk-1 map-2 delay-1 "
                + "throttle-1 debounce-1 sample-1 timeout-1 group-1 aggregate-1 sink-1",
            string.Join(' ', pipeline.Topology.Nodes.Select(static node => node.Name)));
    }

    private static string NumbersOf<T>() where T : struct, Enum
    {
        var text = new StringBuilder();
        foreach (T value in Enum.GetValues<T>().OrderBy(static value => Convert.ToInt32(value)))
            text.Append(text.Length == 0 ? "" : " ").Append(value).Append('=').Append(Convert.ToInt32(value));
        return text.ToString();
    }
}
