using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Sluice.Storage;

namespace Sluice.Tests.Storage;

/// <summary>JSON makes a structure without its constructor. Members for the constructor's parameters are required all the same.</summary>
public partial class RecordStructTests
{
    private static readonly PayloadSerializers[] All = [PayloadSerializers.Json, PayloadSerializers.JsonOf(StructJson.Default)];

    [Fact]
    public void AMissingMemberOfARecordStructIsRefused()
    {
        foreach (PayloadSerializers serializers in All)
        {
            Refused<Payment>(serializers, """{"Account":"a"}""", "Members are missing: 'Amount' (a number).");
            Refused<Payment>(serializers, """{"Amount":1}""", "Members are missing: 'Account' (a text).");
            Refused<Changing>(serializers, """{"Account":"a"}""", "Members are missing: 'Amount' (a number).");
            Refused<Plain>(serializers, """{"X":1}""", "Members are missing: 'Y' (a whole number");
            Refused<Two>(serializers, """{"A":1}""", "Members are missing: 'B' (a whole number");
            Assert.Equal(new("a", 2), Read<Payment>(serializers, """{"Account":"a","Amount":2}"""));
            Assert.Equal(new("a", 2) { Note = "n" }, Read<Changing>(serializers, """{"Account":"a","Amount":2,"Note":"n"}"""));
        }
        IPayloadSerializer<Payment> door = PayloadSerializers.Json.For<Payment>().AtDoor();
        var atDoor = Assert.Throws<JsonException>(() => door.Deserialize("""{"account":"a"}"""u8));
        Assert.StartsWith("Members are missing: 'amount' (a number).", atDoor.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void OtherStructuresKeepTheirInitialValues()
    {
        foreach (PayloadSerializers serializers in All)
        {
            Assert.Equal(5, Read<WithInitial>(serializers, "{}").Size);
            Assert.Equal(0, Read<Settable>(serializers, "{}").Size);
            Assert.Equal(DayOfWeek.Friday, Read<Optional>(serializers, """{"Id":1}""").Day);
            Assert.Equal(new(1, DayOfWeek.Monday, null), Read<Optional>(serializers, """{"Id":1,"Day":1}"""));
        }
    }

    /// <remarks>Generated code sets all init-only members, so it cannot keep a default.</remarks>
    [Fact]
    public void AMissingMemberWithADefaultNeverBecomesZero()
    {
        Assert.Equal(3, Read<Frozen>(PayloadSerializers.Json, """{"Id":1}""").Size);
        Refused<Frozen>(PayloadSerializers.JsonOf(StructJson.Default), """{"Id":1}""", "Members are missing: 'Size' (a whole number");
    }

    [Fact]
    public void MembersThatTheOptionsOmitAreNotRequired()
    {
        PayloadSerializers serializers = PayloadSerializers.JsonOf(ShortStructJson.Default);
        IPayloadSerializer<Payment> serializer = serializers.For<Payment>();
        var bytes = new ArrayBufferWriter<byte>();
        serializer.Serialize(new("a", 0), bytes);
        Assert.Equal("""{"Account":"a"}""", Encoding.UTF8.GetString(bytes.WrittenSpan));
        Assert.Equal(new("a", 0), serializer.Deserialize(bytes.WrittenSpan));
    }

    [Fact]
    public void AMissingInitOnlyMemberThatIsNotNullableIsRefused()
    {
        foreach (PayloadSerializers serializers in All)
        {
            Assert.Equal("k", Read<InitOnly>(serializers, """{"Name":"a","Kind":"k"}""").Kind);
            Refused<InitOnly>(serializers, """{"Kind":"k"}""", "Members are missing: 'Name' (a text).");
        }
        Assert.Equal("none", Read<InitOnly>(PayloadSerializers.Json, """{"Name":"a"}""").Kind);
        Refused<InitOnly>(PayloadSerializers.JsonOf(StructJson.Default), """{"Name":"a"}""", "Members are missing: 'Kind' (a text).");
    }

    private static T Read<T>(PayloadSerializers serializers, string json) => serializers.For<T>().Deserialize(Encoding.UTF8.GetBytes(json));

    private static void Refused<T>(PayloadSerializers serializers, string json, string why)
        => Assert.StartsWith(why, Assert.Throws<JsonException>(() => Read<T>(serializers, json)).Message, StringComparison.Ordinal);

    [JsonSerializable(typeof(Payment))]
    [JsonSerializable(typeof(Changing))]
    [JsonSerializable(typeof(Plain))]
    [JsonSerializable(typeof(Two))]
    [JsonSerializable(typeof(WithInitial))]
    [JsonSerializable(typeof(Settable))]
    [JsonSerializable(typeof(Optional))]
    [JsonSerializable(typeof(Frozen))]
    [JsonSerializable(typeof(InitOnly))]
    internal sealed partial class StructJson : JsonSerializerContext;

    [JsonSerializable(typeof(Payment))]
    [JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault)]
    internal sealed partial class ShortStructJson : JsonSerializerContext;

    internal readonly record struct Payment(string Account, decimal Amount);

    internal record struct Changing(string Account, decimal Amount, int Priority = 1)
    {
        public string? Note { get; set; }
    }

    internal struct Plain(int x, int y)
    {
        public int X { get; set; } = x;

        public int Y { get; set; } = y;
    }

    internal record struct Two(int A, int B)
    {
        public Two(string text) : this(text.Length, 0)
        {
        }
    }

    internal record struct WithInitial(int Size)
    {
        public WithInitial() : this(5)
        {
        }
    }

    internal record struct Optional(int Id, DayOfWeek? Day = DayOfWeek.Friday, string? Note = null);

    internal readonly record struct Frozen(int Id, int Size = 3);

    internal struct Settable
    {
        public int Size { get; set; }
    }

    internal sealed class InitOnly
    {
        public string Name { get; init; } = null!;

        public string Kind { get; init; } = "none";
    }
}
