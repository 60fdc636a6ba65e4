using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Sluice.Flows;

namespace Sluice.Tests.Flows;

/// <summary>The stored records of flows are read as strictly as payloads: a required member that is missing, renamed or null is an error
/// at once, not a null that fails later.</summary>
public class RunRecordsTests
{
    private static readonly object[] Records =
    [
        new WorkOrder("run", "key"),
        new Assignment("run", "key", Starts: 2, Ended: true, new() { ["in"] = 7 }, [1])
        {
            Damage = "none",
            Failures = 1,
            Fruitless = 1,
            IsUntold = true
        },
        new StreamFailure("work", "it broke", IsCancelled: true) { IsDifference = true },
        new RunEvent(RunEventKind.Failed, "member", "work", "it broke", "origin", Start: 2, Plan(), "stream") { IsDifference = true,
            Attempt = 1 },
    ];

    [Fact]
    public void AMissingRenamedOrNullMemberIsAnErrorIfItIsRequired()
    {
        List<string> wrong = [], refused = [];
        foreach (object record in Records)
        {
            string whole = JsonSerializer.Serialize(record, record.GetType(), RunJson.Default);
            Assert.Equal(whole, JsonSerializer.Serialize(Read(record.GetType(), whole), record.GetType(), RunJson.Default));
            Visit(record.GetType(), path: record.GetType().Name, root => root, whole);

            void Visit(Type type, string path, Func<JsonNode, JsonNode> find, string text)
            {
                foreach (PropertyInfo member in type.GetProperties().Where(static one => one.SetMethod is not null))
                {
                    bool mustBe = !member.PropertyType.IsValueType
                        && new NullabilityInfoContext().Create(member).ReadState == NullabilityState.NotNull;
                    string json = member.GetCustomAttribute<JsonPropertyNameAttribute>()!.Name;
                    string name = $"{path}.{json}";
                    if (mustBe) refused.Add(name);
                    Check("missing", mustBe, (of, _) => of.Remove(json));
                    Check("renamed", mustBe, (of, value) => { of.Remove(json); of["Renamed"] = value; });
                    Check("null", mustBe || (member.PropertyType.IsValueType && Nullable.GetUnderlyingType(member.PropertyType) is null),
                        (of, _) => of[json] = null);
                    Type inner = member.PropertyType.IsArray ? member.PropertyType.GetElementType()! : member.PropertyType;
                    if (inner.Assembly == record.GetType().Assembly && inner.IsClass)
                        Visit(inner, name, root => member.PropertyType.IsArray ? find(root)[json]![0]! : find(root)[json]!, text);

                    void Check(string how, bool isRefused, Action<JsonObject, JsonNode?> change)
                    {
                        JsonNode root = JsonNode.Parse(text)!;
                        JsonObject of = find(root).AsObject();
                        change(of, of[json]?.DeepClone());
                        try
                        {
                            Read(record.GetType(), root.ToJsonString());
                            if (isRefused) wrong.Add($"{name} {how}: it was read");
                        }
                        catch (JsonException) when (isRefused)
                        {
                        }
                        catch (Exception other)
                        {
                            wrong.Add($"{name} {how}: {other.GetType().Name}");
                        }
                    }
                }
            }
        }
        Assert.Empty(wrong);
        Assert.Contains("RunEvent.Plan.Processors.Outputs", refused);
        Assert.Contains("RunEvent.Plan.Streams.Given.Digest", refused);
    }

    // Earlier versions left out members that had their default.
    [Fact]
    public void AMemberThatWasLeftOutHasItsDefault()
    {
        Assignment read = RunJson.Read<Assignment>("""{"Run":"run","Key":"key","Inputs":{}}"""u8);
        Assert.Equal(("run", 0, false, null), (read.Run, read.Starts, read.Ended, read.State));
        Assert.Throws<JsonException>(() => RunJson.Read<Assignment>("null"u8));
    }

    private static object Read(Type type, string text)
    {
        byte[] stored = System.Text.Encoding.UTF8.GetBytes(text);
        if (type == typeof(WorkOrder)) return RunJson.Read<WorkOrder>(stored);
        if (type == typeof(Assignment)) return RunJson.Read<Assignment>(stored);
        return type == typeof(StreamFailure) ? RunJson.Read<StreamFailure>(stored) : RunJson.Read<RunEvent>(stored);
    }

    private static RunPlan Plan() => new("run", "key", "starter",
        [new("work", ["in"], ["out"], Wait: true, ResumeMode.PerItem) { Retry = new(3, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(1)),
            Timeout = TimeSpan.FromHours(1) }],
        [new("out", "int", IsGiven: true, 1, 2, 3, 4, default) { Given = new(5, "digest") }], ["out"]);
}
