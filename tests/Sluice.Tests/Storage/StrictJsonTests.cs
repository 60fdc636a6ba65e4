using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Sluice.Storage;

namespace Sluice.Tests.Storage;

/// <summary>A missing, unknown or null member is an error that names its path and the expected type. It never becomes a null.</summary>
public partial class StrictJsonTests
{
    internal sealed record Order(string Customer, decimal Amount, int Priority = 1, string? Note = null);

    internal sealed class Draft
    {
        public string Name { get; set; } = null!;

        public string Kind { get; set; } = "draft";

        public List<Order> Orders { get; set; } = [];

        public Day Due { get; set; }
    }

    internal enum Day { Mon, Tue }

    internal sealed class Ambiguous
    {
        public int Id { get; set; }

        [JsonPropertyName("ID")]
        public int Other { get; set; }
    }

    internal sealed class Open
    {
        [JsonExtensionData]
        public Dictionary<string, JsonElement>? More { get; set; }
    }

    [JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Skip)]
    internal sealed record Lenient(int Id);

    internal sealed record Found(int Number, string Path, string? Trouble, int? Size);

    internal sealed record Marked(string Path, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Trouble,
        string? Owner);

    [JsonSerializable(typeof(Found))]
    [JsonSerializable(typeof(Marked))]
    internal sealed partial class FoundJson : JsonSerializerContext;

    [JsonSerializable(typeof(Found))]
    [JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
    internal sealed partial class NoNullsJson : JsonSerializerContext;

    [JsonSerializable(typeof(Found))]
    [JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault)]
    internal sealed partial class NoDefaultsJson : JsonSerializerContext;

    [JsonSerializable(typeof(Order))]
    [JsonSerializable(typeof(Draft))]
    [JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
    internal sealed partial class CamelJson : JsonSerializerContext;

    [JsonSerializable(typeof(Order))]
    [JsonSerializable(typeof(Draft))]
    internal sealed partial class PlainJson : JsonSerializerContext;

    private static readonly PayloadSerializers[] All =
    [
        PayloadSerializers.Json,
        PayloadSerializers.JsonOf(PlainJson.Default),
        PayloadSerializers.JsonOf(new JsonSerializerOptions { TypeInfoResolver = new DefaultJsonTypeInfoResolver() }),
        PayloadSerializers.JsonOf(new JsonSerializerOptions { TypeInfoResolver = PlainJson.Default }),
        PayloadSerializers.Json.With(PayloadSerializer.Json(PlainJson.Default.Order)).With(PayloadSerializer.Json(PlainJson.Default.Draft)),
        PayloadSerializers.Json.Compressed(readsUncompressed: true),
    ];

    /// <remarks>A program once could not read items from which its own options had omitted a nullable member.</remarks>
    [Theory]
    [InlineData(JsonIgnoreCondition.WhenWritingNull)]
    [InlineData(JsonIgnoreCondition.WhenWritingDefault)]
    public void MembersOmittedByTheOptionsAreReadBack(JsonIgnoreCondition condition)
    {
        JsonSerializerContext generated = condition == JsonIgnoreCondition.WhenWritingNull ? NoNullsJson.Default : NoDefaultsJson.Default;
        foreach (PayloadSerializers serializers in (PayloadSerializers[])[PayloadSerializers.JsonOf(generated),
            PayloadSerializers.JsonOf(new JsonSerializerOptions { TypeInfoResolver = new DefaultJsonTypeInfoResolver(),
                DefaultIgnoreCondition = condition }),
            PayloadSerializers.JsonOf(new JsonSerializerOptions { TypeInfoResolver = FoundJson.Default,
                DefaultIgnoreCondition = condition })])
        {
            IPayloadSerializer<Found> serializer = serializers.For<Found>();
            foreach (Found value in (Found[])[new(0, "a", null, null), new(1, "b", "no", 0)])
            {
                var written = new ArrayBufferWriter<byte>();
                serializer.Serialize(value, written);
                Assert.Equal(value, serializer.Deserialize(written.WrittenSpan));
            }
            Assert.Contains("Path", Assert.ThrowsAny<Exception>(() => serializer.Deserialize("{\"Number\":1}"u8)).Message,
                StringComparison.Ordinal);
            if (condition == JsonIgnoreCondition.WhenWritingNull)
                Assert.Contains("Number", Assert.ThrowsAny<Exception>(() => serializer.Deserialize("{\"Path\":\"a\"}"u8)).Message,
                    StringComparison.Ordinal);
        }
    }

    [Fact]
    public void TheJsonIgnoreAttributeOfAMemberIsRespected()
    {
        foreach (PayloadSerializers serializers in (PayloadSerializers[])[PayloadSerializers.JsonOf(FoundJson.Default),
            PayloadSerializers.Json])
        {
            IPayloadSerializer<Marked> serializer = serializers.For<Marked>();
            var written = new ArrayBufferWriter<byte>();
            serializer.Serialize(new("a", null, null), written);
            Assert.Equal(new("a", null, null), serializer.Deserialize(written.WrittenSpan));
            Assert.Contains("Owner", Assert.ThrowsAny<Exception>(() => serializer.Deserialize("{\"Path\":\"a\"}"u8)).Message,
                StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("""{"Customer":"ann","Amount":1}""", null)]
    [InlineData("""{"Customer":"ann","Amount":1,"Added":{"x":[1]}}""", null)]
    [InlineData("""{"Client":"ann","Amount":1}""", "Members are missing: 'Customer' (a text). Path: $ |")]
    [InlineData("{}", "Members are missing: 'Customer' (a text), 'Amount' (a number). Path: $ |")]
    [InlineData("""{"Customer":null,"Amount":1}""", "'Customer' must not be null: expected a text. Path: $.Customer |")]
    [InlineData("""{"customer":"ann","Amount":1}""", "Members are missing: 'Customer' (a text).")]
    [InlineData("""{"Customer":"ann","Amount":"much"}""",
        "The value is not of the type that belongs there: expected a number. Path: $.Amount |")]
    [InlineData("""{"Customer":"ann","Amount":1,"Priority":1.5}""",
        "The value is not of the type that belongs there: expected a whole number from -2147483648 to 2147483647. Path: $.Priority |")]
    [InlineData("[]", "The value is not of the type that belongs there: expected an object. Path: $ |")]
    public void StoredJsonIsReadStrictlyAndUnknownMembersAreIgnored(string payload, string? problem)
        => AssertAll<Order>(All, payload, problem);

    [Theory]
    [InlineData("""{"Name":"a"}""", null)]
    [InlineData("""{"Title":"a"}""", "Members are missing: 'Name' (a text).")]
    [InlineData("""{"Name":null}""", "'Name' must not be null: expected a text. Path: $.Name |")]
    [InlineData("""{"Name":"a","Orders":null}""", "'Orders' must not be null: expected an array. Path: $.Orders |")]
    [InlineData("""{"Name":"a","Orders":[{"Customer":"ann","Amount":1},{"Amount":1}]}""",
        "Members are missing: 'Customer' (a text). Path: $.Orders[1] |")]
    [InlineData("""{"Name":"a","Due":"Sun"}""", "The value is not of the type that belongs there: expected one of Mon, Tue. Path: $.Due |")]
    public void AMissingMemberKeepsItsDefaultUnlessTheDefaultIsNull(string payload, string? problem)
        => AssertAll<Draft>(All, payload, problem);

    [Theory]
    [InlineData("""{"customer":"ann","AMOUNT":1}""", null)]
    [InlineData("""{"customer":"ann"}""", "Members are missing: 'amount' (a number).")]
    [InlineData("", "There is no JSON value. Path: $ |")]
    [InlineData("""{"customer":null,"amount":1}""", "'customer' must not be null: expected a text. Path: $.customer |")]
    [InlineData("""{"client":"ann","amount":1}""",
        "There is no member 'client' here: expected 'customer', 'amount', 'priority', 'note'. Path: $.client |")]
    [InlineData("""{"customer":"ann","Amount":1,"amount":2}""", "The member 'amount' is there twice. Path: $.amount |")]
    [InlineData("""{"customer":"ann","amount":"1"}""",
        "The value is not of the type that belongs there: expected a number. Path: $.amount |")]
    public void EndpointsReadAnyCasingAndRefuseUnknownMembers(string payload, string? problem)
    {
        foreach (PayloadSerializers serializers in All) AssertReads(serializers.For<Order>().AtDoor(), payload, problem);
    }

    [Fact]
    public void DisallowMakesAStoreRefuseUnknownMembers()
    {
        foreach (PayloadSerializers serializers in (PayloadSerializers[])[PayloadSerializers.Json,
            PayloadSerializers.JsonOf(PlainJson.Default),
                PayloadSerializers.JsonOf(new JsonSerializerOptions { TypeInfoResolver = PlainJson.Default })])
        {
            _ = serializers.For<Order>();
            IPayloadSerializer<Order> strict = serializers.Unmapped(JsonUnmappedMemberHandling.Disallow).For<Order>();
            AssertReads(strict, """{"Customer":"ann","Amount":1,"Added":2}""",
                "There is no member 'Added' here: expected 'Customer', 'Amount', 'Priority', 'Note'. Path: $.Added |");
            AssertReads(serializers.For<Order>(), """{"Customer":"ann","Amount":1,"Added":2}""", null);
        }
    }

    [Fact]
    public void TheNamingPolicyIsUsedForReadingAndWriting()
    {
        foreach (PayloadSerializers serializers in (PayloadSerializers[])[PayloadSerializers.JsonOf(CamelJson.Default),
            PayloadSerializers.JsonOf(new JsonSerializerOptions(JsonSerializerDefaults.Web) { TypeInfoResolver = PlainJson.Default })])
        {
            var bytes = new ArrayBufferWriter<byte>();
            serializers.For<Order>().Serialize(new("ann", 1), bytes);
            Assert.Equal("""{"customer":"ann","amount":1,"priority":1,"note":null}""", Encoding.UTF8.GetString(bytes.WrittenSpan));
            Assert.Equal(new("ann", 1), serializers.For<Order>().Deserialize(bytes.WrittenSpan));
            AssertReads(serializers.For<Order>(), """{"client":"ann","amount":1}""", "Members are missing: 'customer' (a text).");
        }
    }

    [Fact]
    public void AnItemThatCouldNotBeReadBackIsNotWritten()
    {
        foreach (PayloadSerializers serializers in All)
        {
            Assert.Contains("'Customer'", Assert.Throws<JsonException>(() => serializers.For<Order>()
                .Serialize(new(null!, 1), new ArrayBufferWriter<byte>())).Message, StringComparison.Ordinal);
            Assert.ThrowsAny<JsonException>(() => serializers.For<Draft>().Serialize(new(), new ArrayBufferWriter<byte>()));
        }
    }

    [Fact]
    public void MembersThatDifferOnlyByCasingAreMatchedExactly()
    {
        Assert.Equal((1, 2), PayloadSerializers.Json.For<Ambiguous>().AtDoor().Deserialize("""{"Id":1,"ID":2}"""u8) is var read
            ? (read.Id, read.Other) : default);
        AssertReads(PayloadSerializers.Json.For<List<Ambiguous>>().AtDoor(), """[{"id":1}]""",
            "There is no member 'id' here: expected 'Id', 'ID'. Path: $[0].id |");
    }

    [Fact]
    public void ATypeMayAllowUnknownMembers()
    {
        Assert.Equal(new(1), PayloadSerializers.Json.For<Lenient>().AtDoor().Deserialize("""{"id":1,"x":2}"""u8));
        Assert.Equal(["x"], PayloadSerializers.Json.For<Open>().AtDoor().Deserialize("""{"x":2}"""u8).More!.Keys);
    }

    [Fact]
    public void AllElementsOfATupleAreRequired()
    {
        AssertReads(PayloadSerializers.Json.For<(string, int)>(), """{"Item1":"a"}""", "Members are missing: 'Item2'");
        AssertReads(PayloadSerializers.Json.For<List<(string, int)?>>(), """[null,{"Item1":"a","Item2":1}]""", null);
    }

    [Fact]
    public void OptionsThatCannotResolveATypeAreRefusedWithARemedy()
    {
        Assert.Contains("TypeInfoResolver", Assert.Throws<ArgumentException>(() => PayloadSerializers.JsonOf(new JsonSerializerOptions()))
            .Message, StringComparison.Ordinal);
        var narrow = new JsonSerializerOptions { TypeInfoResolver = PlainJson.Default };
        Assert.Contains("[JsonSerializable(typeof(Uri))]",
            Assert.Throws<PayloadException>(() => PayloadSerializers.JsonOf(narrow).For<Uri>()).Message, StringComparison.Ordinal);
        Assert.Contains("[JsonSerializable(typeof(Uri))]",
            Assert.Throws<ArgumentException>(() => PayloadSerializer.Json<Uri>(narrow)).Message, StringComparison.Ordinal);
    }

    /// <summary>Metadata that the user has customized is not made strict.</summary>
    [Fact]
    public void CustomizedJsonMetadataIsUsedUnchanged()
    {
        var options = new JsonSerializerOptions { TypeInfoResolver = new DefaultJsonTypeInfoResolver() };
        var type = (JsonTypeInfo<Lenient>)new DefaultJsonTypeInfoResolver().GetTypeInfo(typeof(Lenient), options);
        type.Properties[0].Name = "number";
        Assert.Equal(new(7), PayloadSerializer.Json(type).Deserialize("""{"number":7}"""u8));
    }

    private static void AssertAll<T>(PayloadSerializers[] all, string payload, string? problem)
    {
        foreach (PayloadSerializers serializers in all) AssertReads(serializers.For<T>(), payload, problem);
    }

    private static void AssertReads<T>(IPayloadSerializer<T> serializer, string payload, string? problem)
    {
        if (problem is null) Assert.NotNull((object?)serializer.Deserialize(Encoding.UTF8.GetBytes(payload)));
        else Assert.StartsWith(problem, Assert.Throws<JsonException>(() => serializer.Deserialize(Encoding.UTF8.GetBytes(payload))).Message,
            StringComparison.Ordinal);
    }
}
