using System.Buffers;
using System.Numerics;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Sluice.Storage;

namespace Sluice.Tests.Storage;

/// <summary>Members that are computed lose nothing; members that show what nothing restores are refused by name.</summary>
public partial class JsonMemberTests
{
    [Fact]
    public void TypesOfWhichNothingCanBeSetAreRefused()
    {
        Refused<Transfer>("BigInteger has nothing that can be set");
        Refused<PriorityQueue<string, int>>("PriorityQueue<string, int> has nothing that can be set");
        Refused<Complex>("Complex has nothing that can be set");
        Refused<Rune>("Rune has nothing that can be set");
        Refused<System.Drawing.Color>("Color has nothing that can be set");
        Refused<List<Inherits>>("Inherits has nothing that can be set");
        Refused<StringBuilder>("StringBuilder has no JSON form");
        Refused<Failure>("Exception has no JSON form");
        Refused<int[,]>("int[,] has no JSON form");
    }

    [Fact]
    public void AMemberThatShowsAFieldWhichNothingRestoresIsRefused()
    {
        Refused<Order>("Order.Lines can be read only, and shows the field lines (if it is computed: [JsonIgnore])");
        Refused<OtherNames>("OtherNames.Lines can be read only, and shows the field entries");
        Refused<Wrapped>("Wrapped.Lines can be read only, and shows the field _lines");
        Refused<Account>("Account.Balance can be read only, and shows the field balance");
        Refused<Derived>("Derived.Lines can be read only, and shows the field lines");
        Refused<Ticket>("Ticket.Status can be read only, and shows the field m_status");
        Refused<Fixed>("Fixed.Amount can be read only");
    }

    [Fact]
    public void MembersThatAreComputedOrRestoredAreNoLoss()
    {
        ComesBack(new Rectangle { Width = 2, Height = 3 }, static read => Assert.Equal(6, read.Area));
        ComesBack(new Computed("a,b") { Count = 3 }, static read => Assert.Equal(["a", "b"], read.Parts));
        ComesBack(new Computed("a") { Tags = ["x", "yy"] }, static read =>
        {
            Assert.Equal(["x", "yy"], read.Tags);
            Assert.Equal(["yy"], read.Long);
            Assert.Equal("a: 0", read.Text);
        });
        ComesBack(new Ignored { Lines = { "a" } }, static read => Assert.Empty(read.Lines));
        ComesBack(new Filled { Lines = { "a" } }, static read => Assert.Equal(["a"], read.Lines));
        ComesBack(new Given("1", ["a"]), static read => Assert.Equal(("1", 1), (read.Id, read.Lines.Count)));
        ComesBack(new Full { Items = ["a"] }, static read => Assert.Equal(["a"], read.All));
        ComesBack(new Vector3(1, 2, 3), static read => Assert.Equal(new(1, 2, 3), read));
        ComesBack(new System.Drawing.Point(1, 2), static read => Assert.Equal(new(1, 2), read));
        ComesBack(Tuple.Create(1, KeyValuePair.Create("a", 2)), static read => Assert.Equal("a", read.Item2.Key));
        ComesBack(new Rows { "a" }, static read => Assert.Equal(["a"], read));
    }

    [Fact]
    public void MembersOfCollectionsAreRefused()
    {
        Refused<Page>("Page.Next is not stored, because JSON has only the elements of a collection");
        Refused<(int, Headers)>("Headers.Version is not stored");
        Refused<FieldPage>("FieldPage.Next is not stored");

        IPayloadSerializer<List<string>> lists = PayloadSerializers.Json.For<List<string>>();
        var failure = Assert.Throws<NotSupportedException>(() => lists.Serialize(new Page(), new ArrayBufferWriter<byte>()));
        Assert.StartsWith("it is a collection with members of its own: Page.Next is not stored", failure.Message,
            StringComparison.Ordinal);
        ComesBack<IReadOnlyList<int>>(new[] { 1 }, static read => Assert.Equal([1], read));
        ComesBack<List<string>>(new Rows { "a" }, static read => Assert.Equal(["a"], read));
        ComesBack<IEnumerable<int>>(Iterate(2), static read => Assert.Equal([0, 1], read));
    }

    [Fact]
    public void DerivedTypesAreLookedInto()
    {
        Refused<Animal>("Cat.Lives can be read only");
        Refused<Unmarked>("MarkedNot is written without its name, and read as Unmarked ([JsonDerivedType(typeof(MarkedNot), \"…\")] names "
            + "it)");
        ComesBack<Vehicle>(new Car("red"), static read => Assert.Equal("red", Assert.IsType<Car>(read).Color));
        ComesBack<Shape>(new Shape(), static read => Assert.IsType<Shape>(read));
    }

    [Fact]
    public void FieldsThatTheOptionsLeaveOutAreRefused()
    {
        const string Why = "WithField.Amount is a field: set IncludeFields in the options (or [JsonSourceGenerationOptions]), or put "
            + "[JsonInclude] on it";
        ComesBack(new WithField { Id = "a", Amount = 2 }, static read => Assert.Equal(2, read.Amount));
        Assert.Contains(Why, Message<WithField>(PayloadSerializers.JsonOf(NoFieldsJson.Default)), StringComparison.Ordinal);
        Assert.Contains(Why, Message<WithField>(PayloadSerializers.JsonOf(
            new JsonSerializerOptions { TypeInfoResolver = new DefaultJsonTypeInfoResolver() })), StringComparison.Ordinal);
        foreach (PayloadSerializers one in (PayloadSerializers[])[PayloadSerializers.JsonOf(FieldsJson.Default), PayloadSerializers.JsonOf(
            new JsonSerializerOptions { TypeInfoResolver = new DefaultJsonTypeInfoResolver(), IncludeFields = true })])
            ComesBack(new WithField { Id = "a", Amount = 2 }, static read => Assert.Equal(2, read.Amount), one);
        ComesBack(new MarkedFields { Amount = 1, Scratch = 2 }, static read => Assert.Equal((1, 0), (read.Amount, read.Scratch)),
            PayloadSerializers.JsonOf(NoFieldsJson.Default));
    }

    [Fact]
    public void GeneratedMetadataIsCheckedLikeReflectedOne()
    {
        PayloadSerializers generated = PayloadSerializers.JsonOf(FieldsJson.Default);
        Assert.Contains("Order.Lines can be read only", Message<Order>(generated), StringComparison.Ordinal);
        Assert.Contains("BigInteger has nothing that can be set", Message<Transfer>(generated), StringComparison.Ordinal);
        ComesBack(new Computed("a,b") { Count = 3 }, static read => Assert.Equal(3, read.Count), generated);
        ComesBack(new InitOnly { Name = "a", Size = 2 }, static read => Assert.Equal(("a", 2), (read.Name, read.Size)), generated);
    }

    [Fact]
    public void WhatOptionsThatPopulateDoNotFillIsRefused()
    {
        PayloadSerializers populating = PayloadSerializers.JsonOf(new System.Text.Json.JsonSerializerOptions
        {
            PreferredObjectCreationHandling = JsonObjectCreationHandling.Populate,
            TypeInfoResolver = new System.Text.Json.Serialization.Metadata.DefaultJsonTypeInfoResolver()
        });
        ComesBack(new Bag { Tags = { "a" } }, static read => Assert.Equal(["a"], read.Tags), populating);
        Assert.Contains("NamedBag.Tags can be read only", Message<NamedBag>(populating), StringComparison.Ordinal);
        Assert.Contains("Pinned.At can be read only", Message<Pinned>(populating), StringComparison.Ordinal);
        Assert.Contains("AnyBag.Tags can be read only", Message<AnyBag>(populating), StringComparison.Ordinal);
    }

    [Fact]
    public void BytesHaveNoNull()
    {
        var failure = Assert.Throws<PayloadException>(() => PayloadSerializer.Bytes.Serialize(null!, new ArrayBufferWriter<byte>()));
        Assert.Equal("null has no form as bytes: it would come back as an empty array.", failure.Message);
    }

    private static IEnumerable<int> Iterate(int to)
    {
        for (int i = 0; i < to; i++) yield return i;
    }

    private static void Refused<T>(string why) => Assert.Contains(why, Message<T>(PayloadSerializers.Json), StringComparison.Ordinal);

    private static string Message<T>(PayloadSerializers serializers) => Assert.Throws<PayloadException>(serializers.For<T>).Message;

    private static void ComesBack<T>(T value, Action<T> check, PayloadSerializers? serializers = null)
    {
        IPayloadSerializer<T> serializer = (serializers ?? PayloadSerializers.Json).For<T>();
        var bytes = new ArrayBufferWriter<byte>();
        serializer.Serialize(value, bytes);
        check(serializer.Deserialize(bytes.WrittenSpan));
        check(serializer.AtDoor().Deserialize(bytes.WrittenSpan));
    }

    [JsonSerializable(typeof(WithField))]
    [JsonSerializable(typeof(MarkedFields))]
    internal sealed partial class NoFieldsJson : JsonSerializerContext;

    [JsonSourceGenerationOptions(IncludeFields = true)]
    [JsonSerializable(typeof(WithField))]
    [JsonSerializable(typeof(Order))]
    [JsonSerializable(typeof(Transfer))]
    [JsonSerializable(typeof(Computed))]
    [JsonSerializable(typeof(InitOnly))]
    internal sealed partial class FieldsJson : JsonSerializerContext;
}
