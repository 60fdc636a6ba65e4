using System.Text.Json;
using Sluice.Executors;
using Sluice.Flows;
using Sluice.Storage;

namespace Sluice.Tests.Persisted;

/// <summary>
/// The JSON of run journals, work orders, assignments, ends of streams and calls: every name and every value of an enum.
/// </summary>
public class FlowRecordTests
{
    private static RunPlan Plan => new("r", "k", "s",
        [
            new("p", ["in"], ["out"], Wait: true, ResumeMode.PerItem)
            { Retry = new(3, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(1)), Timeout = TimeSpan.FromSeconds(2) },
        ],
        [new("in", "int", IsGiven: true, 1, 2, 3, 4, Retention.All) { Given = new(5, "d") }], ["out"]);

    private const string Processor =
        """{"Name":"p","Inputs":["in"],"Outputs":["out"],"Wait":true,"Resume":"PerItem","""
        + """ "Retry":{"Retries":3,"Delay":"00:00:01","MaxDelay":"00:01:00"},"Timeout":"00:00:02"}""";

    private const string Stream =
        """{"Name":"in","Type":"int","IsGiven":true,"MaxItems":1,"MaxBytes":2,"MaxItemBytes":3,"MaxKept":4,"Retention":"All","""
        + """ "Given":{"Count":5,"Digest":"d"},"Options":{"Partitions":1,"MaxItems":1,"""
        + """ "MaxBytes":2,"MaxEntryBytes":3,"Retention":"All"}}""";

    [Fact]
    public void TheJsonOfABegunEventHasThePlan()
        => Is("{\"Member\":\"m\",\"Plan\":{\"Run\":\"r\",\"Key\":\"k\",\"Starter\":\"s\",\"Processors\":[" + Processor + "],\"Streams\":["
            + Stream
            + "],\"Results\":[\"out\"]},\"IsLasting\":true}", new RunEvent(RunEventKind.Begun, "m", Plan: Plan));

    [Fact]
    public void TheJsonOfAPlanHasTheTraceOfItsStart()
        => Is("{\"Member\":\"m\",\"Plan\":{\"Run\":\"r\",\"Key\":\"k\",\"Starter\":\"s\",\"Processors\":[" + Processor + "],\"Streams\":["
            + Stream + "],\"Results\":[\"out\"],\"Trace\":\"t\",\"TraceState\":\"a=1\"},\"IsLasting\":true}",
            new RunEvent(RunEventKind.Begun, "m", Plan: Plan with { Trace = "t", TraceState = "a=1" }));

    [Fact]
    public void TheJsonOfAFailedEventHasAllMembers()
        => Is("""
            {"Kind":"Failed","Member":"m","Processor":"p","Error":"e","Origin":"o","Start":2,"Stream":"in",
            "IsDifference":true,"Attempt":1,"IsLasting":true,"IsEnd":true}
            """, new RunEvent(RunEventKind.Failed, "m", "p", "e", "o", Start: 2, Stream: "in") { IsDifference = true, Attempt = 1 });

    [Fact]
    public void TheJsonOfAnAssignmentHasAllMembers()
        => Is("""
            {"Run":"r","Key":"k","Starts":2,"Ended":true,"Inputs":{"in":7},"State":"AQ==",
            "Damage":"d","Failures":1,"Fruitless":1,"IsUntold":true}
            """, new Assignment("r", "k", Starts: 2, Ended: true, new() { ["in"] = 7 }, [1])
        { Damage = "d", Failures = 1, Fruitless = 1, IsUntold = true });

    [Fact]
    public void TheJsonOfAWorkOrderAndAFailureHasAllMembers()
    {
        Is("""{"Run":"r","Key":"k"}""", new WorkOrder("r", "k"));
        Is("""{"Processor":"p","Error":"e","IsCancelled":true,"IsDifference":true}""",
            new StreamFailure("p", "e", IsCancelled: true) { IsDifference = true });
    }

    [Fact]
    public void StoredRecordsOmitMembersWithDefaultValues()
    {
        StateRow row = WorkPartition.Row(new("r", "k", Starts: 1, Ended: false, [], State: null));
        Assert.Equal(("work", "r", 1), (row.Node, row.Key, row.Version));
        Assert.Equal("""{"Run":"r","Key":"k","Starts":1,"Inputs":{}}""", System.Text.Encoding.UTF8.GetString(row.Value!.Value.Span));
        Assert.Equal("""{"Error":"e"}""", RunJson.End(new(null, "e", IsCancelled: false)).Failure);
    }

    [Fact]
    public void TheJsonOfACallHasItsPlan()
        => Assert.Equal(Plain("{\"Run\":\"r\",\"Start\":1,\"Processor\":" + Processor + ",\"Streams\":[" + Stream
            + "],\"State\":\"AQ==\",\"Attempt\":2}"),
            Plain(System.Text.Encoding.UTF8.GetString(new CallPlan("r", 1, Plan.Processors[0], Plan.Streams, [1], 2).ToBytes())));

    [Fact]
    public void RunEventKindsHaveFixedNames()
    {
        (RunEventKind Kind, string Name)[] names =
        [
            (RunEventKind.Started, "Started"), (RunEventKind.HandedOver, "HandedOver"), (RunEventKind.Completed, "Completed"),
            (RunEventKind.Failed, "Failed"), (RunEventKind.Cancelled, "Cancelled"), (RunEventKind.CancelRequested, "CancelRequested"),
            (RunEventKind.Retrying, "Retrying"), (RunEventKind.Stuck, "Stuck"), (RunEventKind.Idle, "Idle"),
            (RunEventKind.Moving, "Moving"),
        ];
        Assert.Equal(names.Length + 1, Enum.GetValues<RunEventKind>().Length);
        foreach ((RunEventKind kind, string name) in names)
        {
            Assert.StartsWith("{\"Kind\":\"" + name + "\",\"Member\":\"m\"", Json(new RunEvent(kind, "m")), StringComparison.Ordinal);
            Assert.Equal(kind, Read<RunEvent>("{\"Kind\":\"" + name + "\",\"Member\":\"m\"}").Kind);
        }
        Assert.Equal(RunEventKind.Begun, Read<RunEvent>("""{"Member":"m"}""").Kind);          // the default is left out
        Assert.Equal(RunEventKind.Begun, Read<RunEvent>("""{"Kind":"Begun","Member":"m"}""").Kind);
    }

    [Fact]
    public void ResumeModesHaveFixedNames()
    {
        Assert.Equal(3, Enum.GetValues<ResumeMode>().Length);
        Assert.Contains("""{"Name":"p","Inputs":[],"Outputs":[]}""", Of(ResumeMode.FromScratch), StringComparison.Ordinal);
        Assert.Contains("""{"Name":"p","Inputs":[],"Outputs":[],"Resume":"PerItem"}""", Of(ResumeMode.PerItem), StringComparison.Ordinal);
        Assert.Contains("""{"Name":"p","Inputs":[],"Outputs":[],"Resume":"Checkpoint"}""", Of(ResumeMode.Checkpoint),
            StringComparison.Ordinal);

        static string Of(ResumeMode resume) => JsonOf(new ProcessorPlan("p", [], [], Wait: false, resume), []);
    }

    [Fact]
    public void RetentionsHaveFixedNames()
    {
        Assert.Equal(2, Enum.GetValues<Retention>().Length);
        Assert.Contains("""{"Name":"x","Options":{"Partitions":1}}""", StreamOf(Retention.UntilRead), StringComparison.Ordinal);
        Assert.Contains("""{"Name":"x","Retention":"All","Options":{"Partitions":1,"Retention":"All"}}""", StreamOf(Retention.All),
            StringComparison.Ordinal);

        static string StreamOf(Retention retention) => JsonOf(new("p", [], [], Wait: false, default),
            [new("x", null, IsGiven: false, 0, 0, 0, 0, retention)]);
    }

    private static void Is<T>(string expected, T record)
        where T : class
    {
        Assert.Equal(Plain(expected), Json(record));
        Assert.Equal(Plain(expected), Json(Read<T>(Json(record))));
    }

    private static string JsonOf(ProcessorPlan processor, StreamPlan[] streams)
        => System.Text.Encoding.UTF8.GetString(new CallPlan("r", 1, processor, streams, null, 1).ToBytes());

    private static string Json<T>(T record) => JsonSerializer.Serialize(record, typeof(T), RunJson.Default);

    private static T Read<T>(string text)
        where T : class => RunJson.Read<T>(System.Text.Encoding.UTF8.GetBytes(text));

    // Without the spaces and line ends that make it readable.
    private static string Plain(string json) => json.Replace(" ", "", StringComparison.Ordinal).ReplaceLineEndings("");
}
